package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5"
	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/spdx"
)

func initCommand(a *app) *cobra.Command {
	var name, register string
	var force bool
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Start a package or project: write " + manifest.Path,
		Long: `Write a commented ` + manifest.Path + ` in DIR, or in the current folder.

The version is 0.1.0, the name is made from the folder's, the license is recognised from a LICENSE
file where that is simple, and the repository is git's remote "origin".
An existing manifest is left alone unless --force is given.

With --register nothing is written: the repository of the package that is there
is registered with an index, which then collects what its releases carry.`,
		Example: "  clyde init\n" +
			"  clyde init packages/fmt",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := a.Dir
			if len(args) == 1 {
				dir = a.path(args[0])
			}
			if register != "" {
				return a.register(cmd.Context(), dir, register)
			}
			if name == "" {
				name = manifest.NameFor(filepath.Base(dir))
			}
			if err := index.CheckName(name); err != nil {
				return asUsage("--name", err)
			}
			return a.writeStarter(dir, manifest.Starter{
				Name: name, Version: "0.1.0", License: guessLicense(dir), Repository: originOf(dir),
			}, force)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`NAME` of the package (default: made from the folder's name)")
	cmd.Flags().StringVar(&register, "register", "", "register this package's repository with an index: `OWNER/REPO`")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite an existing manifest")
	return cmd
}

// asUsage makes err, about the value of a flag, a usage error.
func asUsage(flag string, err error) error {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return withHint(exitUsage, fmt.Errorf("%s: %w", flag, err), hinted.Hint())
	}
	return usagef("%s: %w", flag, err)
}

// writeStarter writes the manifest and says what to do next.
func (a *app) writeStarter(dir string, s manifest.Starter, force bool) error {
	file := filepath.Join(dir, filepath.FromSlash(manifest.Path))
	shown := a.relative(file)
	_, err := os.Lstat(file)
	switch {
	case err == nil && !force:
		return withHint(exitConflict, fmt.Errorf("%s is there already; nothing was written", shown), "edit it, or overwrite it with --force")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	text := s.Text()
	if _, err := manifest.Parse(shown, text); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := maybe.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]string{"file": shown, "name": s.Name, "version": s.Version, "license": s.License, "repository": s.Repository})
	}
	a.printf("wrote %s for %s %s\n", shown, s.Name, s.Version)
	a.notef("Next: fill in its comments, then\n  clyde check      to look it over\n  clyde add NAME   to use a package\n  clyde publish    to publish this one")
	return nil
}

// relative shows a path as the person would write it.
func (a *app) relative(file string) string {
	rel, err := filepath.Rel(a.Dir, file)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		return file
	}
	return filepath.ToSlash(rel)
}

// licenseSize is the largest licence file that is looked at; GPL-3.0, the
// longest of the common ones, has 35 kB.
const licenseSize = 64 << 10

func guessLicense(dir string) string {
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt", "COPYING"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Size() > licenseSize {
			continue
		}
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return spdx.Guess(string(text))
		}
	}
	return ""
}

// originOf returns the web address of the remote "origin" of the git
// repository around dir, or "" when there is none that others could read.
func originOf(dir string) string {
	repository, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil {
		return ""
	}
	origin, err := repository.Remote(git.DefaultRemoteName)
	if err != nil || len(origin.Config().URLs) == 0 {
		return ""
	}
	address := webAddress(origin.Config().URLs[0])
	// An address that a manifest may not have is left for the person to write.
	if _, err := manifest.Parse(manifest.Path, (manifest.Starter{Repository: address}).Text()); err != nil {
		return ""
	}
	return address
}

var scpAddress = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+\.[A-Za-z0-9-]+):([^:/][^:]*)$`)
})

// webAddress returns the https form of an address that git understands,
// without credentials, or "" for one that names no host.
func webAddress(address string) string {
	if m := scpAddress().FindStringSubmatch(address); m != nil {
		address = "ssh://" + m[1] + "/" + m[2]
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	switch u.Scheme {
	case "ssh", "git+ssh":
		u.Scheme, u.Host = "https", u.Hostname()
	case "https", "http":
	default:
		return ""
	}
	u.User = nil
	u.Path = strings.TrimSuffix(u.Path, ".git")
	return u.String()
}
