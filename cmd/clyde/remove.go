package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func removeCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "remove",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
