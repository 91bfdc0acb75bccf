package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/gate"
	"github.com/clydepm/clyde/internal/github"
	"github.com/clydepm/clyde/internal/review"
)

// reviewPull judges a pull request on the index as it is, or as it was at the
// commits that the flags name.
func (a *app) reviewPull(ctx context.Context, f *reviewFlags) (err error) {
	g, done, err := a.judging(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	j := judged{pull: f.pull, what: fmt.Sprintf("pull request %d", f.pull), host: g.Forge}
	g.Forge = &asOf{Forge: g.Forge, base: f.base, head: f.head, now: g.Now()}
	judge := g.Judge
	g.Judge = func(ctx context.Context, in review.Input) (*review.Report, error) {
		j.tree = in.Head
		return judge(ctx, in)
	}
	verdicts, err := g.JudgeOne(ctx, f.pull)
	if err != nil {
		return err
	}
	v := verdicts[0]
	switch {
	case v.Done:
		a.notef("pull request %d: the index has all of it already", f.pull)
		return nil
	case v.Report == nil:
		return withHint(exitConflict, fmt.Errorf("pull request %d cannot be judged on the index as it is: %s", f.pull, v.Detail), "run the same again; if it stays so, its author has to make it anew")
	}
	j.Report, j.url = v.Report, v.URL
	return a.show(ctx, &f.show, j)
}

// asOf is an index, and a pull request to it, as they were. Empty commits are
// those of now.
type asOf struct {
	gate.Forge
	base, head string
	now        time.Time
}

func (x *asOf) Head(ctx context.Context) (forge.Snapshot, error) {
	head, err := x.Forge.Head(ctx)
	if err != nil || x.base == "" || x.base == head.ID {
		return head, err
	}
	tree, err := x.Tree(ctx, x.base)
	return forge.Snapshot{ID: x.base, Tree: tree}, err
}

func (x *asOf) Pull(ctx context.Context, number int) (forge.Pull, error) {
	pull, err := x.Forge.Pull(ctx, number)
	pull.Head = cmp.Or(x.head, pull.Head)
	return pull, err
}

func (x *asOf) Reviews(ctx context.Context, pull forge.Pull) ([]forge.Review, error) {
	all, err := x.Forge.Reviews(ctx, pull)
	return slices.DeleteFunc(all, func(r forge.Review) bool { return r.At.After(x.now) }), err
}

// judgeWith judges a change, with the evidence for it where it is to be had.
// Local says that the index, and so what it names, is on this machine.
func (a *app) judgeWith(ctx context.Context, in review.Input, gather, local bool, kind string) (*review.Report, error) {
	if !gather {
		return review.Judge(in)
	}
	set, err := evidence.Gather(ctx, a.evidenceOptions(local, in.Index, kind), in.Base, in.Head)
	if err != nil {
		return nil, err
	}
	in.Evidence = set.Versions
	r, err := review.Judge(in)
	return r, errors.Join(err, set.Close())
}

// evidenceOptions say how evidence is fetched. Addresses of the local network
// are for an index of this machine only.
func (a *app) evidenceOptions(local bool, index, kind string) evidence.Options {
	client := &http.Client{Transport: a.HTTP.Transport, Timeout: time.Hour}
	if base, ok := a.HTTP.Transport.(*http.Transport); !local && (ok || a.HTTP.Transport == nil) && !forge.Loopback(hostOf(a.gitHubServer())) {
		client.Transport = evidence.Public(base)
	}
	hosts := evidence.Hosts{HTTP: client, Files: local, Wait: a.wait, Known: a.knownHosts(index, kind)}
	return evidence.Options{Origin: hosts.Origin, HTTP: client, Files: local, Wait: a.wait}
}

// knownHosts are the GitHub of the environment, and the host of an index that is
// a Gitea or Forgejo, which may have its publishers too.
func (a *app) knownHosts(index, kind string) []evidence.Host {
	var known []evidence.Host
	if x, err := a.parseIndex(index, kind); err == nil && x.kind == "gitea" {
		known = append(known, evidence.Host{Kind: evidence.Gitea, Web: x.server, Token: a.Getenv("GITEA_TOKEN")})
	}
	return append(known, evidence.Host{
		Kind: evidence.GitHub, Web: a.gitHubServer(), API: strings.TrimSuffix(cmp.Or(a.Getenv("GITHUB_API_URL"), github.DefaultAPI), "/"), Token: a.Getenv("GITHUB_TOKEN"),
	})
}

// hostOf is the host of an address without its port.
func hostOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":")
	return host
}

func (a *app) isFolder(path string) bool {
	info, err := os.Stat(a.path(path))
	return err == nil && info.IsDir()
}

// reproduce is the command that gives the same report in JSON on any machine
// that sees the same index.
func (f *reviewFlags) reproduce(pull int, b review.Binding, now time.Time, gather bool) string {
	words := []string{"clyde", "review", "--index", f.index}
	if f.host != "" {
		words = append(words, "--host", f.host)
	}
	if pull > 0 {
		words = append(words, "--pull", strconv.Itoa(pull))
	}
	words = append(words, "--base", b.Base, "--head", b.Head, "--at", now.Format(time.RFC3339))
	if gather {
		words = append(words, "--evidence", "always")
	} else {
		words = append(words, "--evidence", "never")
	}
	words = append(words, "--format", "json")
	for i, word := range words {
		words[i] = shellWord(word)
	}
	return strings.Join(words, " ")
}

// shellWord quotes a word that a shell would not take as it is.
func shellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
