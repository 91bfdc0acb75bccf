package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func addCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "add",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
