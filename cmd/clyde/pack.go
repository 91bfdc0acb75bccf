package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func packCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "pack",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
