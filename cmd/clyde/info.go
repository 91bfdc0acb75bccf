package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func infoCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "info",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
