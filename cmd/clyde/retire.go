package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func retireCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "retire",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
