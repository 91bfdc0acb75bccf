package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestExamples parses the examples of every command as what they are: command
// lines of a command that is there, with flags and arguments that it takes.
func TestExamples(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.HasParent() && !c.Hidden && c.Name() != "help" {
			checkExamples(t, c)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&app{Env: systemEnv()}))
}

// TestHelpShowsNoEmptyDefault looks for what the libraries of flags print where
// there is no default.
func TestHelpShowsNoEmptyDefault(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		text := c.UsageString()
		for _, blemish := range []string{"(default [])", `(default "")`, "(default )", " strings ", " stringArray ", " stringToString "} {
			if strings.Contains(text, blemish) {
				t.Errorf("the help of %s has %q", c.CommandPath(), blemish)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&app{Env: systemEnv()}))
}

func checkExamples(t *testing.T, c *cobra.Command) {
	t.Helper()
	quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`)
	if c.Example == "" {
		t.Errorf("%s has no example in its help", c.CommandPath())
	}
	for line := range strings.Lines(c.Example) {
		line, ours := strings.CutPrefix(strings.TrimSpace(line), "clyde ")
		if !ours {
			continue // a line of the shell around, or what follows a comment
		}
		line, _, _ = strings.Cut(line, " # ")
		args := strings.Fields(quoted.ReplaceAllString(line, "quoted"))
		for i, arg := range args {
			if strings.ContainsAny(arg[:1], "|<>") {
				args = args[:i]
				break
			}
		}
		root := newRoot(&app{Env: systemEnv()})
		found, rest, err := root.Find(args)
		if err == nil {
			err = found.ParseFlags(rest)
		}
		if err == nil && !found.DisableFlagParsing {
			err = found.ValidateArgs(found.Flags().Args())
		}
		if err != nil {
			t.Errorf("the help of %s has the example %q: %v", c.CommandPath(), line, err)
		}
	}
}
