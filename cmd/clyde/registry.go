package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func registryCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "registry",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
