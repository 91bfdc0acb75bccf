package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func treeCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use:  "tree",
		RunE: func(*cobra.Command, []string) error { return errors.New("not built yet") },
	}
}
