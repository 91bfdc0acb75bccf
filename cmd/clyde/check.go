package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/spdx"
	"github.com/clydepm/clyde/internal/strictyaml"
)

func checkCommand(a *app) *cobra.Command {
	var publish bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check " + manifest.Path + " and say all that is wrong with it",
		Long: `Check the manifest of the project around the current folder, or FILE.

Every problem is named with its line and column and what to write instead, and
the exit code is 9 if there is one. A manifest needs a name and a version only
to be published; --publish demands them.`,
		Example: "  clyde check\n" +
			"  clyde check --publish\n" +
			"  clyde check packages/fmt/.clyde/package.yaml --json",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := a.manifestFile(args)
			if err != nil {
				return err
			}
			return a.check(file, publish)
		},
	}
	cmd.Flags().BoolVar(&publish, "publish", false, "demand what publishing needs")
	return cmd
}

// manifestFile returns the manifest that was named, or that of the project.
func (a *app) manifestFile(args []string) (string, error) {
	if len(args) == 1 {
		return a.path(args[0]), nil
	}
	root, ok := client.FindProject(a.Dir)
	if !ok {
		return "", withHint(exitNotFound, fmt.Errorf("no %s here or in a folder above", manifest.Path), "start one with 'clyde init'")
	}
	return filepath.Join(root, filepath.FromSlash(manifest.Path)), nil
}

func (a *app) check(file string, publish bool) error {
	shown := a.relative(file)
	data, err := readManifest(file, shown)
	if err != nil {
		return err
	}
	m, err := manifest.Parse(shown, data)
	if err == nil && publish {
		err = m.CheckPublishable()
	}
	if err == nil && m.Publishable() {
		err = checkLine(m)
	}
	if a.json {
		return a.checkJSON(shown, m, err)
	}
	if err != nil {
		return err
	}
	a.printf("%s is valid\n", shown)
	for _, fact := range manifestFacts(m) {
		a.printf("  %-13s %s\n", fact.name, fact.value)
	}
	for _, note := range manifestAdvice(m) {
		a.notef("note: %s", strings.TrimSuffix(strictyaml.Problems{note}.Text(), "\n"))
	}
	return nil
}

// readManifest reads no more of the file than a manifest may have.
func readManifest(file, shown string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(exitNotFound, fmt.Errorf("there is no %s", shown), "start one with 'clyde init'")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, usagef("%s is not a file", shown)
	case info.Size() > strictyaml.MaxSize:
		return nil, strictyaml.Problems{{File: shown, Detail: fmt.Sprintf("the file has %d bytes; the limit is %d", info.Size(), strictyaml.MaxSize)}}
	}
	return os.ReadFile(file)
}

// checkLine reports what the rules of the index have against the line that the
// manifest gives. Parse has the same rules, closer to what the person wrote;
// this is the judge that review asks.
func checkLine(m *manifest.Manifest) error {
	entry := m.Entry()
	entry.Cksum = strings.Repeat("0", 64)
	for i := range entry.Deps {
		entry.Deps[i].Registry = "" // an alias, until publishing
	}
	var problems strictyaml.Problems
	for _, v := range index.CheckLine(entry.AppendLine(nil), m.Name) {
		p := m.Problem("name", v.Hint, v.Detail)
		p.Field = v.Field
		problems = append(problems, p)
	}
	return problems.Err()
}

// checkJSON prints the outcome as one object; the problems are not printed
// again as text.
func (a *app) checkJSON(shown string, m *manifest.Manifest, err error) error {
	var problems strictyaml.Problems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	result := struct {
		File        string              `json:"file"`
		Problems    strictyaml.Problems `json:"problems"`
		Notes       strictyaml.Problems `json:"notes"`
		Name        string              `json:"name,omitempty"`
		Version     string              `json:"version,omitempty"`
		Publishable bool                `json:"publishable"`
	}{File: shown, Problems: strictyaml.Problems{}, Notes: strictyaml.Problems{}}
	if len(problems) > 0 {
		result.Problems = problems
	} else {
		result.Notes = append(result.Notes, manifestAdvice(m)...)
		result.Name, result.Version, result.Publishable = m.Name, m.Version, m.Publishable()
	}
	if err := a.printJSON(result); err != nil {
		return err
	}
	if len(problems) > 0 {
		return withCode(exitFindings, errors.New(countProblems(problems)))
	}
	return nil
}

type manifestFact struct{ name, value string }

// manifestFacts says in a few lines what the manifest is about.
func manifestFacts(m *manifest.Manifest) []manifestFact {
	var all []manifestFact
	add := func(name, value string) {
		if value != "" {
			all = append(all, manifestFact{name, value})
		}
	}
	add("package", strings.TrimSpace(m.Name+" "+m.Version))
	add("license", m.License)
	add("dependencies", countDependencies(m))
	add("external", countLabelled(len(m.External), ""))
	add("hooks", strings.Join(hookNames(m), ", "))
	if m.Publishable() {
		add("publishable", "yes")
	} else {
		add("publishable", "no: that needs a name and a version")
	}
	return all
}

func countDependencies(m *manifest.Manifest) string {
	counts := map[string]int{}
	for _, d := range m.Dependencies {
		counts[d.Kind]++
	}
	var parts []string
	for _, kind := range []struct{ kind, label string }{{index.KindNormal, ""}, {index.KindBuild, "for building"}, {index.KindDev, "for development"}} {
		if text := countLabelled(counts[kind.kind], kind.label); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

func countLabelled(n int, label string) string {
	if n == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", n, label))
}

func hookNames(m *manifest.Manifest) []string {
	var names []string
	for _, name := range manifest.HookNames() {
		if _, ok := m.Hooks[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

// manifestAdvice is what a publisher may want to change though nothing is wrong.
func manifestAdvice(m *manifest.Manifest) strictyaml.Problems {
	if !m.Publishable() {
		return nil
	}
	var notes strictyaml.Problems
	note := func(key, hint, detail string) {
		notes = append(notes, m.Problem(key, hint, detail))
	}
	for _, r := range spdx.Deprecated(m.License) {
		hint := ""
		if r.Instead != "" {
			hint = "write " + r.Instead
		}
		note("license", hint, "SPDX has deprecated "+r.ID)
	}
	if m.License == "" {
		note("license", `add an SPDX expression, such as license: MIT`, "is missing; others cannot know what they may do with the package")
	}
	if m.Description == "" {
		note("description", "add one sentence", "is missing; searches show it")
	}
	notes.Sort()
	return notes
}
