package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func updateCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "update",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
