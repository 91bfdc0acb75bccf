package client

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/manifest"
)

// BuildEnv is what a compiler, a linker and the tools of a build have to know
// to use the active generation of a project.
type BuildEnv struct {
	Generation int             `json:"generation"`
	Platform   string          `json:"platform"`
	Variables  []BuildVariable `json:"variables"`
}

// BuildVariable is a search path: folders that come before those which the
// variable already holds.
type BuildVariable struct {
	Name    string   `json:"name"`
	Folders []string `json:"folders"`
}

// prefixes are the folders of a package that are laid out like /usr, shortest
// first.
func prefixes() []string { return []string{".", "usr", "usr/local"} }

// BuildEnv works out the search paths. Only folders that exist are named, and
// they are named through .clyde/packages, so they stay right after the next
// installation. Behind those of the packages come the programs of other package
// managers that install into the project's folder. The error is [ErrNotFound] when nothing is installed and
// [ErrRefused] when the project's path cannot stand in a search path.
func (g Generations) BuildEnv(drivers *external.Drivers) (*BuildEnv, error) {
	active, err := g.Active()
	if err != nil {
		return nil, err
	}
	if active == 0 {
		return nil, &Error{Class: ErrNotFound, Message: "nothing is installed in " + g.where(), Remedy: "run 'clyde install'"}
	}
	if strings.ContainsRune(g.home, filepath.ListSeparator) {
		return nil, &Error{
			Class:   ErrRefused,
			Message: fmt.Sprintf("the path %s has a %q, which separates the folders of a search path", g.home, filepath.ListSeparator),
			Remedy:  "move the project to a folder without one",
		}
	}
	ledger, err := g.Ledger(active)
	if err != nil {
		return nil, err
	}
	return &BuildEnv{Generation: active, Platform: ledger.Platform, Variables: g.variables(ledger, drivers.Path(g.ExternalPrefix()))}, nil
}

func (g Generations) variables(ledger *Ledger, externals []string) []BuildVariable {
	var include, lib, prefix, bin []string
	more := map[string][]string{} // what installers want
	for _, p := range ledger.Packages {
		root := filepath.Join(g.Packages(), PackagePath(p.Name))
		tree := os.DirFS(root)
		add := func(list *[]string, dirs []string) {
			for _, dir := range dirs {
				if isFolder(tree, dir) {
					*list = append(*list, filepath.Join(root, filepath.FromSlash(dir)))
				}
			}
		}
		if l := p.Hooks; l.staged() {
			for name, dirs := range l.Search {
				for _, dir := range dirs {
					more[name] = append(more[name], filepath.Join(root, filepath.FromSlash(dir)))
				}
			}
			continue
		}
		if p.Type == manifest.TypeFiles {
			continue
		}
		add(&bin, under(prefixes(), []string{"bin"}))
		if p.Type == manifest.TypeTool {
			continue
		}
		add(&include, under(prefixes(), append([]string{"include"}, joined("include", triplets(ledger.Platform))...)))
		add(&lib, libDirs(ledger.Platform))
		add(&prefix, prefixes())
	}
	pkgConfig := filepath.Join(g.Packages(), pkgConfigName)
	vars := []BuildVariable{{"CPATH", include}, {"LIBRARY_PATH", lib}}
	if name := loaderVariable(ledger.Platform); name != "" {
		vars = append(vars, BuildVariable{name, lib})
	}
	if info, err := os.Stat(pkgConfig); err == nil && info.IsDir() {
		vars = append(vars, BuildVariable{"PKG_CONFIG_PATH", []string{pkgConfig}})
	}
	vars = append(vars, BuildVariable{"CMAKE_PREFIX_PATH", prefix}, BuildVariable{"PATH", bin})
	more["PATH"] = append(more["PATH"], externals...)
	return nonEmpty(withMore(vars, more))
}

// withMore adds folders to variables, and variables by name.
func withMore(vars []BuildVariable, more map[string][]string) []BuildVariable {
	for _, name := range slices.Sorted(maps.Keys(more)) {
		i := slices.IndexFunc(vars, func(v BuildVariable) bool { return v.Name == name })
		if i < 0 {
			i, vars = len(vars), append(vars, BuildVariable{Name: name})
		}
		vars[i].Folders = append(vars[i].Folders, more[name]...)
	}
	return vars
}

func nonEmpty(vars []BuildVariable) []BuildVariable {
	kept := []BuildVariable{}
	for _, v := range vars {
		if len(v.Folders) > 0 {
			kept = append(kept, v)
		}
	}
	return kept
}

// loaderVariable is where the system looks for the libraries of a program
// that is started; "" where that is PATH. macOS hides DYLD_LIBRARY_PATH from
// its own programs and lets the fallback through to others.
func loaderVariable(platform string) string {
	switch {
	case strings.HasPrefix(platform, "macos"):
		return "DYLD_FALLBACK_LIBRARY_PATH"
	case strings.HasPrefix(platform, "windows"):
		return ""
	}
	return "LD_LIBRARY_PATH"
}

// triplets are the names of the folders in which Debian and its kin keep the
// files of one architecture.
func triplets(platform string) []string {
	p, err := index.ParsePlatform(platform)
	if err != nil || p.OS != "linux" {
		return nil
	}
	return []string{p.Arch + "-linux-gnu", p.Arch + "-linux-musl"}
}

func libDirs(platform string) []string {
	return under(prefixes(), append([]string{"lib", "lib64"}, joined("lib", triplets(platform))...))
}

// pkgConfigDirs are the folders of a tree in which pkg-config files may be.
func pkgConfigDirs(platform string) []string {
	dirs := under(libDirs(platform), []string{"pkgconfig"})
	return append(dirs, under(prefixes(), []string{"share/pkgconfig"})...)
}

// under joins every base with every dir.
func under(bases, dirs []string) []string {
	var all []string
	for _, base := range bases {
		all = append(all, joined(base, dirs)...)
	}
	return all
}

func joined(base string, dirs []string) []string {
	var all []string
	for _, dir := range dirs {
		all = append(all, path.Join(base, dir))
	}
	return all
}

func isFolder(tree fs.FS, dir string) bool {
	info, err := fs.Stat(tree, dir)
	return err == nil && info.IsDir()
}

// Shell says how a shell writes down the setting of a variable.
type Shell string

// The shells that [BuildEnv.Script] knows.
const (
	ShellPOSIX      Shell = "sh" // also bash, zsh, dash, ksh
	ShellFish       Shell = "fish"
	ShellPowerShell Shell = "powershell"
)

// ErrUnknownShell is for a shell that Script does not know.
var ErrUnknownShell = errors.New("unknown shell")

// Script gives the lines that a shell evaluates to take over the environment.
// Folders are put before those that a variable has when the lines are
// evaluated, and no character of a path is special to the shell.
func (e *BuildEnv) Script(shell Shell) (string, error) {
	var line func(BuildVariable) string
	switch shell {
	case ShellPOSIX:
		line = posixLine
	case ShellFish:
		line = fishLine
	case ShellPowerShell:
		line = powerShellLine
	default:
		return "", fmt.Errorf("%w %q", ErrUnknownShell, shell)
	}
	var b strings.Builder
	for _, v := range e.Variables {
		b.WriteString(line(v))
	}
	return b.String(), nil
}

// posixLine never makes an empty folder: it would mean the working folder.
func posixLine(v BuildVariable) string {
	value := "'" + strings.ReplaceAll(v.Value(), "'", `'\''`) + "'"
	return fmt.Sprintf("export %s=%s\"${%s:+%c$%s}\"\n", v.Name, value, v.Name, filepath.ListSeparator, v.Name)
}

// fishLine sets a list: fish splits and joins variables that end in PATH.
func fishLine(v BuildVariable) string {
	line := "set -gx --path " + v.Name
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, dir := range v.Folders {
		line += " '" + quote.Replace(dir) + "'"
	}
	return line + " $" + v.Name + "\n"
}

// powerShellLine doubles quotes; to PowerShell the typographic ones are quotes too.
func powerShellLine(v BuildVariable) string {
	double := strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛")
	return fmt.Sprintf("$env:%s = '%s' + $(if ($env:%s) { '%c' + $env:%s })\n",
		v.Name, double.Replace(v.Value()), v.Name, filepath.ListSeparator, v.Name)
}

// Value is the folders as one search path.
func (v BuildVariable) Value() string {
	return strings.Join(v.Folders, string(filepath.ListSeparator))
}
