package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func publishCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "publish",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
