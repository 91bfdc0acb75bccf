package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func initCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "init",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
