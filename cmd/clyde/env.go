package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func envCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "env",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
