package main

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
)

func indexInitCommand(a *app) *cobra.Command {
	var opts registry.InitOptions
	var store string
	cmd := &cobra.Command{
		Use:   "init DIR|URL",
		Short: "Start an index",
		Long: `Start an index: a bare repository in a folder that is new or empty, or the first
commit of an empty remote repository.

It gets a configuration, a commented policy, a folder for owners and a README
for those who review and publish. With --github or --gitea it also gets workflows
that judge every proposed change, merge what may be merged and harvest releases,
and forms for those who propose. Archives are stored beside a local index, in DIR-archives,
unless --store or --dl-base say otherwise. Cargo can read the index and download
from it.

Running it again on the same index changes nothing.`,
		Example: `  clyde index init registry.git
  clyde index init /srv/registry.git --store /srv/www/archives
  clyde index init git@github.com:example/registry.git --github --dl-base https://packages.example.org/archives`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.indexInit(cmd.Context(), args[0], store, opts)
		},
	}
	cmd.Flags().StringVar(&opts.Name, "name", "", "name of the registry (default: that of the repository)")
	cmd.Flags().StringVar(&opts.DLBase, "dl-base", "", "`URL` under which the archives are served")
	cmd.Flags().StringVar(&store, "store", "", "folder of the archives on this machine: `DIR`")
	cmd.Flags().BoolVar(&opts.GitHub, "github", false, "add what a repository on GitHub needs to keep itself")
	cmd.Flags().BoolVar(&opts.Gitea, "gitea", false, "add what a repository on Gitea or Forgejo needs to keep itself")
	return cmd
}

// releaseVersion is a version that others can install, unlike that of a build
// from a checkout.
var releaseVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^v\d+\.\d+\.\d+$`) })

func (a *app) indexInit(ctx context.Context, target, store string, opts registry.InitOptions) error {
	if err := git.CheckURL(target); err != nil {
		return err
	}
	local := git.IsPath(target)
	if opts.Name == "" && local {
		opts.Name = registry.NameFrom(a.path(target))
	} else if opts.Name == "" {
		opts.Name = registry.NameFrom(target)
	}
	if err := a.chooseStore(target, store, local, &opts); err != nil {
		return err
	}
	by := a.author()
	opts.Author, opts.Email, opts.When = by.Name, by.Email, a.Now()
	if v := version(); releaseVersion().MatchString(v) {
		opts.Version = v
	}
	if local {
		done, err := registry.InitDir(a.path(target), opts)
		if err != nil {
			return err
		}
		return a.showInit(target, done)
	}
	if a.offline && !strings.HasPrefix(target, "file:") {
		return withCode(exitNetwork, errors.New("--offline: "+git.Redact(target)+" is not on this machine"))
	}
	temp, err := os.MkdirTemp("", "clyde-index-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	done, err := registry.InitRemote(ctx, target, temp, opts)
	if err != nil {
		return err
	}
	return a.showInit(git.Redact(target), done)
}

// chooseStore decides where the archives of the new index are.
func (a *app) chooseStore(target, store string, local bool, opts *registry.InitOptions) error {
	switch {
	case store != "" && opts.DLBase != "":
		return usagef("--store and --dl-base say the same in two ways: give one of them")
	case opts.DLBase != "":
	case store != "":
		opts.DLBase = registry.FileBase(a.path(store))
	case local:
		opts.DLBase = registry.FileBase(strings.TrimSuffix(a.path(target), ".git") + "-archives")
	default:
		return withHint(exitUsage, errors.New("where are the archives of the index?"),
			"give the URL they are served under with --dl-base, or a folder of this machine with --store")
	}
	return nil
}

func (a *app) showInit(target string, done *registry.Initialized) error {
	if a.json {
		return a.printJSON(done)
	}
	if done.Exists {
		a.printf("%s is the index %s already; nothing was done\n", target, done.Name)
		return nil
	}
	a.printf("started the index %s in %s\n", done.Name, target)
	a.printf("  commit    %s\n  archives  %s\n", done.Commit, done.DL)
	for _, name := range done.Files {
		a.printf("  wrote     %s\n", name)
	}
	return nil
}
