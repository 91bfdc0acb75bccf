package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func ciCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "ci",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
