package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
)

// defaultSigned is how long a signature of a head holds: renewed every day, it
// outlives two days without.
const defaultSigned = 3 * 24 * time.Hour

func indexSignHeadCommand(a *app) *cobra.Command {
	var target, key string
	opts := registry.SignOptions{Valid: defaultSigned}
	cmd := &cobra.Command{
		Use:   "sign-head --index PATH|URL --sign-key FILE",
		Short: "Sign the newest commit of an index, for some days",
		Long: `Sign which commit is the newest of an index, until --valid from now, by a key under
trust/index of the index. Clients fetch it with the branch, without another
request, and see when somebody holds back what is new: a signature that is out of
date, of a commit that is not shown, or left away ends their update with exit
code 5. The form is that of a static export's signed head.

It lies beside the branch, as a tag at refs/clyde/head, so that the index gets no
commit by it. Run it after changes and on a schedule, at least twice in the time
that it holds; one that says the same is made anew when half of its time is gone.
The index may go on meanwhile: what counts is that the signed commit leads to it.

The index is a repository on this machine, or a URL to push to.`,
		Example: `  clyde index sign-head --index registry.git --sign-key index.key
  clyde index sign-head --index https://git.example.org/team/registry --sign-key index.key --valid 48h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case target == "":
				return withHint(exitUsage, errors.New("--index is missing: which index?"), "usage: "+cmd.UseLine())
			case key == "":
				return withHint(exitUsage, errors.New("--sign-key is missing: which key of the index signs?"), "usage: "+cmd.UseLine())
			case opts.Valid < minValid:
				return withCode(exitUsage, fmt.Errorf("--valid %v is shorter than %v", opts.Valid, minValid))
			}
			return withConsequence(a.indexSignHead(cmd.Context(), target, key, opts), nothingChanged)
		},
	}
	cmd.Flags().StringVar(&target, "index", "", "the index: the `PATH` of a repository, or a URL")
	cmd.Flags().StringVar(&key, "sign-key", "", "key that signs: a `FILE`, or the URI of a key management service")
	cmd.Flags().DurationVar(&opts.Valid, "valid", opts.Valid, "how long the signature holds: a `DURATION` such as 48h")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "show what would be signed, and change nothing")
	return cmd
}

func (a *app) indexSignHead(ctx context.Context, target, key string, opts registry.SignOptions) (err error) {
	signer, err := a.keySigner(ctx, key, attest.Services{})
	if err != nil {
		return err
	}
	by := a.author()
	opts.Key, opts.Now, opts.Author, opts.Email = signer, a.Now(), by.Name, by.Email
	var done *registry.SignedHead
	if git.IsPath(target) {
		done, err = a.signHeadLocal(ctx, target, opts)
	} else {
		err = a.withMirror(ctx, target, func(mirror *git.Mirror, auth git.Auth) error {
			done, err = registry.SignHeadRemote(ctx, mirror, target, auth, opts)
			return err
		})
	}
	if err != nil {
		return err
	}
	return a.showSignedHead(done)
}

func (a *app) signHeadLocal(ctx context.Context, target string, opts registry.SignOptions) (_ *registry.SignedHead, err error) {
	repo, err := git.Open(a.path(target))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	return registry.SignHeadLocal(ctx, repo, opts)
}

// withMirror does something with a mirror of a remote index.
func (a *app) withMirror(ctx context.Context, target string, do func(*git.Mirror, git.Auth) error) (err error) {
	if a.offline && !strings.HasPrefix(target, "file:") {
		return withCode(exitNetwork, errors.New("--offline: "+git.Redact(target)+" is not on this machine"))
	}
	auth, err := a.gitAuth(ctx, target)
	if err != nil {
		return err
	}
	mirror, err := git.NewMirror(git.MirrorOptions{URL: target, Depth: 1, Auth: auth})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mirror.Close()) }()
	return do(mirror, auth)
}

func (a *app) showSignedHead(done *registry.SignedHead) error {
	if a.json {
		return a.printJSON(done)
	}
	verb := "signed"
	switch {
	case done.Kept:
		verb = "is signed:"
	case done.DryRun:
		verb = "would sign"
	}
	a.printf("%s %s\n  by     %s\n  until  %s\n", verb, done.Commit, done.Key, done.Expires.Format(time.RFC3339))
	return nil
}
