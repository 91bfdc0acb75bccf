package main

import (
	"errors"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// searchLimit is how many matches are shown unless more are asked for.
const searchLimit = 20

func searchCommand(a *app) *cobra.Command {
	var limit int
	var all, yanked bool
	cmd := &cobra.Command{
		Use:   "search WORD...",
		Short: "Search packages in all registries",
		Long: `Search the names, keywords and descriptions of the packages of all registries at
the same time. A package matches when it has every word. Matches of the name come
first: the whole name, its beginning, a word of it, a part of it; then keywords and
descriptions, then names that differ by a typing mistake: one letter in four is
forgiven, two at most, and swapped letters are one mistake. A package of which
every version is yanked is found by its whole name, or with --yanked.

What is searched is the copies that 'clyde registry update' brings up to date.`,
		Example: "  clyde search json\n  clyde search http client --limit 5\n  clyde search json --json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.TrimSpace(strings.Join(args, " "))
			if text == "" {
				return usagef("search: the words are empty")
			}
			if all && cmd.Flags().Changed("limit") {
				return usagef("--limit and --all exclude each other")
			}
			if limit < 1 {
				return usagef("--limit: %d is not a number of packages", limit)
			}
			if all {
				limit = math.MaxInt
			}
			return a.withRegistries(func(registries *client.Registries) error {
				if len(registries.All()) == 0 {
					a.noteNoRegistry()
				}
				matches, failed := registries.Search(cmd.Context(), client.Query{Text: text, Yanked: yanked})
				return errors.Join(a.renderMatches(text, matches[:min(limit, len(matches))], len(matches)), failed)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", searchLimit, "show at most `N` packages")
	cmd.Flags().BoolVar(&all, "all", false, "show every match")
	cmd.Flags().BoolVar(&yanked, "yanked", false, "find packages of which every version is yanked, too")
	return cmd
}

// matchJSON is a found package in --json output.
type matchJSON struct {
	client.Summary
	Registry string `json:"registry"`
}

func (a *app) renderMatches(text string, matches []client.Match, total int) error {
	if a.json {
		out := struct {
			Packages []matchJSON `json:"packages"`
			Total    int         `json:"total"`
		}{[]matchJSON{}, total}
		for _, m := range matches {
			out.Packages = append(out.Packages, matchJSON{m.Summary, m.Registry})
		}
		return a.printJSON(out)
	}
	if total == 0 {
		a.notef("nothing matches %q", terminal.Escape(text))
		return nil
	}
	table := terminal.Table{Width: a.stdoutWidth()}
	table.Row("NAME", "VERSION", "REGISTRY", "DESCRIPTION")
	for _, m := range matches {
		table.Row(m.Name, m.Version+mark(m.Yanked, m.Retired), m.Registry, oneLine(m.Description))
	}
	_, err := table.WriteTo(a.Stdout)
	if rest := total - len(matches); rest > 0 {
		a.notef("%d more; see them with --all or a higher --limit", rest)
	}
	return err
}

// mark is what stands behind a version that should not be used.
func mark(yanked bool, retired string) string {
	var marks []string
	if yanked {
		marks = append(marks, "yanked")
	}
	if retired != "" {
		marks = append(marks, retired)
	}
	if len(marks) == 0 {
		return ""
	}
	return " (" + strings.Join(marks, ", ") + ")"
}
