package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func searchCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "search",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
