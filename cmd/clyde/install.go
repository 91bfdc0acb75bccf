package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func installCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "install",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
