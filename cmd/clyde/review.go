package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func reviewCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "review",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
