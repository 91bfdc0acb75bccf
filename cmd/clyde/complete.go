package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
)

const (
	// mostCompletions is how many packages a shell is given: nobody reads more,
	// and bash takes a while to sort them.
	mostCompletions = 500

	// completionTime bounds how long is looked for completions, as a person
	// waits for them with every press of a key.
	completionTime = 300 * time.Millisecond
)

// completer lists what a word may become. What it finds that does not begin as
// the word does is left out.
type completer func(ctx context.Context, word string) ([]string, error)

// addCompletions says how the arguments and options of every command are
// completed. It is called only when a shell asks.
func (a *app) addCompletions(root *cobra.Command) {
	arguments := map[string]cobra.CompletionFunc{
		"add":             a.each(a.packageVersions),
		"search":          a.each(a.packageNames),
		"info":            a.first(a.packageVersions),
		"sbom":            a.first(a.packageVersions),
		"verify":          a.orFile(a.packageVersions),
		"yank":            a.first(a.packageVersions),
		"retire":          a.first(a.packageVersions),
		"owner show":      a.first(a.packageNames),
		"owner add":       a.first(a.packageNames),
		"owner remove":    a.first(a.packageNames),
		"owner set":       a.first(a.packageNames),
		"owner transfer":  a.first(a.packageNames),
		"remove":          a.each(a.requiredNames),
		"update":          a.each(a.lockedNames),
		"why":             a.first(a.lockedNames),
		"run":             a.first(a.toolNames),
		"rollback":        a.first(a.generationNumbers),
		"registry show":   a.first(a.registryNames),
		"registry remove": a.first(a.registryNames),
		"registry update": a.each(a.registryNames),
	}
	for path, complete := range arguments {
		if cmd, _, err := root.Find(strings.Fields(path)); err == nil && cmd.CommandPath() == "clyde "+path {
			cmd.ValidArgsFunction = complete
		}
	}
	words := func(all ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)
	}
	completeOptions(root, map[string]cobra.CompletionFunc{
		"registry":  a.option(a.registryNames),
		"platform":  a.option(a.platformNames),
		"profile":   a.option(a.profileNames),
		"color":     words("auto", "always", "never"),
		"shell":     words("sh", "fish", "powershell"),
		"via":       words("pr", "push", "local"),
		"host":      words("github", "gitea", "forgejo"),
		"directory": cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
	})
}

// completeOptions says how options are completed, of a command and of those
// below it. A command that takes no arguments is not offered files for them.
func completeOptions(cmd *cobra.Command, options map[string]cobra.CompletionFunc) {
	cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if complete, ok := options[f.Name]; ok {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails when the command has one of its own
		}
	})
	if cmd.ValidArgsFunction == nil && !strings.Contains(cmd.Use, " ") {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, sub := range cmd.Commands() {
		completeOptions(sub, options)
	}
}

// each completes every argument, and offers none twice.
func (a *app) each(list completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, word string) ([]string, cobra.ShellCompDirective) {
		found := slices.DeleteFunc(a.completions(cmd, list, word), func(s string) bool {
			name, _, _ := strings.Cut(s, "\t")
			return slices.Contains(given, name)
		})
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// first completes the first argument.
func (a *app) first(list completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.completions(cmd, list, word), cobra.ShellCompDirectiveNoFileComp
	}
}

// orFile completes the first argument, which may be a file as well.
func (a *app) orFile(list completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.completions(cmd, list, word), cobra.ShellCompDirectiveDefault
	}
}

// option completes the value of an option.
func (a *app) option(list completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return a.completions(cmd, list, word), cobra.ShellCompDirectiveNoFileComp
	}
}

// completions asks for what a word may become. Of a failure nothing is told: the
// command itself will say it, at a better moment.
func (a *app) completions(cmd *cobra.Command, list completer, word string) []string {
	if a.start() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	all, err := list(ctx, word)
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(s string) bool { return !strings.HasPrefix(s, word) })
	if len(all) > mostCompletions {
		return cobra.AppendActiveHelp(nil, fmt.Sprintf("more than %d names begin with %q: type more of it", mostCompletions, word))
	}
	return all
}

// withKept runs do with the registries as they are kept in the cache.
func (a *app) withKept(do func(*client.Registries) error) error {
	config, err := a.loadConfig()
	if err != nil {
		return err
	}
	config.Offline = true
	registries, err := client.OpenRegistries(config, client.Access{Now: a.Now, KeptOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(do(registries), registries.Close())
}

// packageNames are the packages of all registries.
func (a *app) packageNames(ctx context.Context, word string) (names []string, err error) {
	err = a.withKept(func(registries *client.Registries) error {
		// What one registry cannot tell is missing, and no more.
		matches, _ := registries.Search(ctx, client.Query{Text: word, Prefix: true, Limit: mostCompletions})
		for _, m := range matches {
			names = append(names, cobra.CompletionWithDesc(m.Name, oneLine(m.Description)))
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// packageVersions are the packages of all registries, and behind an @ the
// versions of one that may be chosen, newest first.
func (a *app) packageVersions(ctx context.Context, word string) (names []string, err error) {
	name, _, version := strings.Cut(word, "@")
	if !version {
		return a.packageNames(ctx, word)
	}
	err = a.withKept(func(registries *client.Registries) error {
		for _, r := range registries.All() {
			entries, _ := r.Entries(ctx, name) // of a registry that cannot tell there are none
			for _, e := range client.NewestFirst(entries) {
				if text := name + "@" + e.Vers; !e.Yanked && !slices.Contains(names, text) {
					names = append(names, text)
				}
			}
		}
		return nil
	})
	return names, err
}

// requiredNames are the packages that the project's manifest names.
func (a *app) requiredNames(context.Context, string) ([]string, error) {
	view, err := a.view()
	if err != nil {
		return nil, err
	}
	return view.Requires, nil
}

// lockedNames are the packages in the project's lock.
func (a *app) lockedNames(context.Context, string) ([]string, error) {
	view, err := a.view()
	if err != nil || view.Lock == nil {
		return nil, err
	}
	var names []string
	for _, p := range view.Lock.Packages {
		names = append(names, p.Name)
	}
	return slices.Compact(names), nil
}

// toolNames are the programs that installed packages bring.
func (a *app) toolNames(context.Context, string) ([]string, error) {
	env, err := a.buildEnv()
	if err != nil {
		return nil, err
	}
	tools, err := env.Tools()
	return slices.Sorted(maps.Keys(tools)), err
}

// generationNumbers are the generations that are kept, newest first.
func (a *app) generationNumbers(context.Context, string) ([]string, error) {
	project, err := a.project()
	if err != nil {
		return nil, err
	}
	numbers, err := project.Generations.List()
	var texts []string
	for _, n := range slices.Backward(numbers) {
		texts = append(texts, strconv.Itoa(n))
	}
	return texts, err
}

func (a *app) registryNames(context.Context, string) ([]string, error) {
	config, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range config.Registries {
		names = append(names, cobra.CompletionWithDesc(r.Name, oneLine(r.URL)))
	}
	return names, nil
}

func (a *app) profileNames(context.Context, string) ([]string, error) {
	config, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(config.Profiles)), nil
}

func (a *app) platformNames(context.Context, string) ([]string, error) {
	var names []string
	for _, p := range index.Platforms() {
		names = append(names, p.String())
	}
	return names, nil
}
