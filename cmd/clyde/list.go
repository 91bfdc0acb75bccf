package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func listCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "list",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
