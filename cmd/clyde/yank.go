package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func yankCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "yank",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
