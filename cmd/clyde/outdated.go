package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func outdatedCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "outdated",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
