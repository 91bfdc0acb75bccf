package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
	"github.com/clydepm/clyde/publish"
)

func ownerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "owner",
		Aliases: []string{"owners"},
		Short:   "Show and change who publishes a package",
		Long: `Show and change the owners of a package.

A package's owners are two lists in its index: publishers, the repositories and
keys that may publish and sign its versions, and reviewers, the accounts that
approve its changes. A package without publishers may be published by anyone whom
the index's keepers accept.

Every change is proposed to the index like a version: as a pull request of its own
kind (--via pr), by a push, or in a bare repository on this machine. Running the
same again changes nothing. A change that lets somebody publish who could not
before always needs a person's approval.`,
		Example: "  clyde owner show hello --index acme/index",
	}
	cmd.AddCommand(ownerShowCommand(a), ownerAddCommand(a), ownerRemoveCommand(a), ownerSetCommand(a), ownerTransferCommand(a))
	return cmd
}

func ownerShowCommand(a *app) *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:     "show NAME --index INDEX",
		Aliases: []string{"list", "ls"},
		Short:   "Show who publishes a package, and who approves its changes",
		Example: `  clyde owner show hello --index acme/index
  clyde owner show hello --index ../registry.git --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.via == "" {
				flags.via = a.likelyWay(flags.index, flags.host)
			}
			place, err := flags.open(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer place.close()
			state, err := place.target.Head(cmd.Context())
			if err != nil {
				return err
			}
			path, owners, err := publish.ReadOwners(state.Tree, args[0])
			if err != nil {
				return err
			}
			return a.showOwners(args[0], path, owners)
		},
	}
	cmd.Flags().StringVar(&flags.via, "via", "", "how the index is reached: `WAY` is pr, push or local (default: as --index says)")
	cmd.Flags().StringVar(&flags.index, "index", "", "the `INDEX`: OWNER/REPO or the URL of its page, a git URL, or a bare repository's folder")
	cmd.Flags().StringVar(&flags.host, "host", "", "what kind of host has the index: `KIND` is github, gitea or forgejo")
	return cmd
}

// likelyWay is how an index is reached that is only read.
func (a *app) likelyWay(index, host string) string {
	if info, err := os.Stat(a.path(index)); err == nil && info.IsDir() {
		return "local"
	}
	if _, err := a.parseIndex(index, host); err == nil {
		return "pr"
	}
	return "push"
}

// ownersView is the owners of a package as data.
type ownersView struct {
	Package    string          `json:"package"`
	Path       string          `json:"path"`
	Publishers []publisherView `json:"publishers"`
	Reviewers  []string        `json:"reviewers"`
}

type publisherView struct {
	Repository   string      `json:"repository,omitempty"`
	RepositoryID int64       `json:"repositoryId,omitempty"`
	OwnerID      int64       `json:"ownerId,omitempty"`
	Key          string      `json:"key,omitempty"`
	Issuer       string      `json:"issuer,omitempty"`
	Workflow     string      `json:"workflow,omitempty"`
	Tags         []string    `json:"tags,omitempty"`
	Triggers     []string    `json:"triggers,omitempty"`
	Runner       string      `json:"runner,omitempty"`
	Signer       *signerView `json:"signer,omitempty"`
	Until        string      `json:"until,omitempty"`
}

type signerView struct {
	Workflow string   `json:"workflow"`
	Refs     []string `json:"refs"`
}

func viewOfPublisher(p review.Publisher) publisherView {
	v := publisherView{
		Repository: p.Repository, RepositoryID: p.RepositoryID, OwnerID: p.OwnerID, Key: p.Key, Issuer: p.Issuer,
		Workflow: p.Workflow, Tags: p.Tags, Triggers: p.Triggers, Runner: p.Runner,
	}
	if p.Signer != "" {
		v.Signer = &signerView{p.Signer, p.SignerRefs}
	}
	if !p.Until.IsZero() {
		v.Until = p.Until.UTC().Format(index.TimeLayout)
	}
	return v
}

func (a *app) showOwners(name, path string, owners *review.Owners) error {
	view := ownersView{Package: name, Path: path, Publishers: []publisherView{}, Reviewers: []string{}}
	if owners != nil {
		for _, p := range owners.Publishers {
			view.Publishers = append(view.Publishers, viewOfPublisher(p))
		}
		view.Reviewers = append(view.Reviewers, owners.Reviewers...)
	}
	if a.json {
		return a.printJSON(view)
	}
	if len(view.Publishers) == 0 {
		a.printf("publishers  anyone whom the index's keepers accept\n")
	}
	for _, p := range view.Publishers {
		if p.Key != "" {
			a.printf("publisher  key %s\n", terminal.Escape(p.Key))
		} else {
			a.printf("publisher  %s\n", terminal.Escape(p.Repository))
		}
		a.showSettings(p)
	}
	if len(view.Reviewers) > 0 {
		a.printf("reviewers  %s\n", terminal.Escape(strings.Join(view.Reviewers, ", ")))
	}
	return nil
}

func (a *app) showSettings(p publisherView) {
	row := func(name, value string) {
		if value != "" {
			a.printf("  %-14s %s\n", name, terminal.Escape(value))
		}
	}
	number := func(name string, n int64) {
		if n != 0 {
			row(name, fmt.Sprint(n))
		}
	}
	number("repository-id", p.RepositoryID)
	number("owner-id", p.OwnerID)
	row("issuer", p.Issuer)
	row("workflow", p.Workflow)
	row("tags", strings.Join(p.Tags, ", "))
	row("triggers", strings.Join(p.Triggers, ", "))
	row("runner", p.Runner)
	if p.Signer != nil {
		row("signer", p.Signer.Workflow)
		row("signer refs", strings.Join(p.Signer.Refs, ", "))
	}
	row("until", p.Until)
}

func ownerAddCommand(a *app) *cobra.Command {
	var change changeFlags
	var publisher publisherFlags
	cmd := &cobra.Command{
		Use:   "add NAME [ACCOUNT...] --via WAY --index INDEX",
		Short: "Add reviewers, or a publisher",
		Long: `Add accounts that approve changes of the package, or with --repository or --key
a publisher beside those that there are.

The numbers of a repository at GitHub, which stay when it is renamed, are looked
up; those of others are given with --repository-id and --owner-id.`,
		Example: `  clyde owner add hello bob acme/keepers --via pr --index acme/index
  clyde owner add hello --repository ann/hello --workflow .github/workflows/release.yml --via pr --index acme/index
  clyde owner add hello --key 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= --via local --index ../registry.git`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !publisher.named() {
				return withConsequence(usagef("whom? Name accounts, or a publisher with --repository or --key"), nothingChanged)
			}
			return a.changeOwners(cmd, &change, func(opts *publish.OwnersOptions) error {
				opts.Name, opts.AddReviewers = args[0], args[1:]
				return publisher.add(cmd.Context(), a, opts)
			})
		},
	}
	change.register(cmd)
	publisher.register(cmd)
	return cmd
}

func ownerRemoveCommand(a *app) *cobra.Command {
	var change changeFlags
	var publisher publisherFlags
	cmd := &cobra.Command{
		Use:     "remove NAME [ACCOUNT...] --via WAY --index INDEX",
		Aliases: []string{"rm"},
		Short:   "Remove reviewers, or a publisher",
		Long: `Remove accounts that approve changes of the package, or with --repository or
--key a publisher.

Clients refuse versions that a removed publisher signed. To keep those and refuse
new ones, end its right instead: 'clyde owner set --until TIME'. The last
publisher cannot be removed, because then anyone could publish.`,
		Example: `  clyde owner remove hello bob --via pr --index acme/index
  clyde owner remove hello --repository ann/hello --via pr --index acme/index`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && !publisher.named() {
				return withConsequence(usagef("whom? Name accounts, or a publisher with --repository or --key"), nothingChanged)
			}
			return a.changeOwners(cmd, &change, func(opts *publish.OwnersOptions) error {
				opts.Name, opts.RemoveReviewers = args[0], args[1:]
				if publisher.named() {
					opts.Remove = []review.Publisher{publisher.name(a)}
				}
				return nil
			})
		},
	}
	change.register(cmd)
	publisher.registerName(cmd)
	return cmd
}

func ownerSetCommand(a *app) *cobra.Command {
	var change changeFlags
	var publisher publisherFlags
	var renamed string
	cmd := &cobra.Command{
		Use:   "set NAME --via WAY --index INDEX",
		Short: "Change what a publisher may do",
		Long: `Change the settings of a publisher: the one that --repository or --key names, or
the only one there is. A setting that is given empty is removed.`,
		Example: `  clyde owner set hello --workflow .github/workflows/release.yml --tags 'v{version}' --via pr --index acme/index
  clyde owner set hello --repository ann/hello --until 2027-01-01T00:00:00Z --via pr --index acme/index
  clyde owner set hello --renamed-to https://github.com/ann/hi --via pr --index acme/index`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := cmd.Flags().Changed
			return a.changeOwners(cmd, &change, func(opts *publish.OwnersOptions) error {
				settings, err := publisher.settings()
				if err != nil {
					return err
				}
				opts.Name, opts.Which = args[0], publisher.name(a)
				opts.Set = func(p *review.Publisher) {
					publisher.set(p, settings, given)
					if given("renamed-to") {
						p.Repository = a.repositoryURL(renamed)
					}
				}
				if !publisher.anySetting(given) && !given("renamed-to") {
					return usagef("which setting?")
				}
				return nil
			})
		},
	}
	change.register(cmd)
	publisher.register(cmd)
	cmd.Flags().StringVar(&renamed, "renamed-to", "", "the repository's new `URL`; its numbers stay")
	return cmd
}

func ownerTransferCommand(a *app) *cobra.Command {
	var change changeFlags
	var publisher publisherFlags
	cmd := &cobra.Command{
		Use:   "transfer NAME [ACCOUNT...] --repository REPO --via WAY --index INDEX",
		Short: "Hand a package over to another repository or key",
		Long: `Hand a package over: the publisher that --repository or --key names takes the
place of all others. Accounts take the place of the reviewers there are.

What the others signed until now stays valid; what they sign from now on is
refused. The change is of a kind of its own, "transfer", and always needs a
person's approval.`,
		Example: `  clyde owner transfer hello bob --repository bob/hello --via pr --index acme/index --dry-run
  clyde owner transfer hello bob --repository bob/hello --via pr --index acme/index`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !publisher.named() {
				return withConsequence(usagef("to whom? Name a publisher with --repository or --key"), nothingChanged)
			}
			return a.changeOwners(cmd, &change, func(opts *publish.OwnersOptions) error {
				opts.Name, opts.AddReviewers, opts.Transfer = args[0], args[1:], true
				return publisher.add(cmd.Context(), a, opts)
			})
		},
	}
	change.register(cmd)
	publisher.register(cmd)
	return cmd
}

// changeOwners plans what fill asks for and carries it out.
func (a *app) changeOwners(cmd *cobra.Command, flags *changeFlags, fill func(*publish.OwnersOptions) error) error {
	place, err := flags.open(cmd.Context(), a)
	if err != nil {
		return withConsequence(err, nothingChanged)
	}
	defer place.close()
	opts := publish.OwnersOptions{Target: place.target}
	if err := fill(&opts); err != nil {
		return withConsequence(err, nothingChanged)
	}
	plan, err := publish.NewOwnersPlan(cmd.Context(), opts)
	if err != nil {
		return withConsequence(err, nothingChanged)
	}
	verb := "changed the owners of"
	if opts.Transfer {
		verb = "transferred"
	}
	return a.carryOut(cmd.Context(), plan, flags.dryRun, verb, nothingChanged)
}
