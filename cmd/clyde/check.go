package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func checkCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "check",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
