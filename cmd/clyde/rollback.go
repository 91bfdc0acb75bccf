package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func rollbackCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "rollback",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
