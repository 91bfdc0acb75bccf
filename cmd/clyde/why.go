package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func whyCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "why",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
