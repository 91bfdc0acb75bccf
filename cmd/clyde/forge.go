package main

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/gitea"
	"github.com/clydepm/clyde/internal/github"
	"github.com/clydepm/clyde/internal/pause"
	"github.com/clydepm/clyde/internal/release"
	"github.com/clydepm/clyde/publish"
)

// longWait is from when on a person is told why nothing happens.
const longWait = 3 * time.Second

// address is an index at a host.
type address struct {
	kind       string // github or gitea
	server     string // of the pages, "https://git.example.org"; "" is what the environment says
	repository string // "owner/name"
	url        string // as it was given
}

// is reports whether a registry's URL is that of the index.
func (x address) is(registry string) bool {
	plain := func(s string) string {
		return strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(s, "/"), ".git"))
	}
	if x.repository != "" {
		return plain(registry) == plain(x.server+"/"+x.repository)
	}
	return x.url != "" && plain(registry) == plain(x.url)
}

// gitHubServer is the GitHub of the environment.
func (a *app) gitHubServer() string {
	return strings.TrimSuffix(cmp.Or(a.Getenv("GITHUB_SERVER_URL"), "https://github.com"), "/")
}

// parseIndex reads OWNER/REPO, which is at GitHub, or the URL of an index's page.
func (a *app) parseIndex(text, kind string) (address, error) {
	const form = "write OWNER/REPO, or the URL of the index's page with --host github, gitea or forgejo"
	switch kind {
	case "forgejo":
		kind = "gitea" // they speak the same API
	case "", "github", "gitea":
	default:
		return address{}, withHint(exitUsage, fmt.Errorf("--host: %q is no kind of host", kind), "choose github, gitea or forgejo")
	}
	if ownerAndName(text) {
		if kind == "gitea" {
			return address{}, withHint(exitUsage, fmt.Errorf("--index: %q does not say which host", text), "write the URL of the index's page, such as https://git.example.org/acme/index")
		}
		return address{"github", a.gitHubServer(), text, text}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !forge.Loopback(u.Hostname())) {
		return address{}, withHint(exitUsage, fmt.Errorf("--index: %q is no index at a host", text), form)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return address{}, withHint(exitUsage, fmt.Errorf("--index: the URL has a user, query or fragment"), "a token goes into the environment variable CLYDE_INDEX_TOKEN, or to 'clyde auth login', and into no URL")
	}
	parts := strings.Split(strings.Trim(strings.TrimSuffix(u.Path, ".git"), "/"), "/")
	if len(parts) < 2 {
		return address{}, withHint(exitUsage, fmt.Errorf("--index: %q names no repository", text), form)
	}
	n := len(parts)
	if !ownerAndName(parts[n-2] + "/" + parts[n-1]) {
		return address{}, withHint(exitUsage, fmt.Errorf("--index: %q names no repository", text), form)
	}
	x := address{kind: kind, repository: parts[n-2] + "/" + parts[n-1], url: text}
	x.server = strings.TrimSuffix(u.Scheme+"://"+u.Host+"/"+strings.Join(parts[:n-2], "/"), "/")
	if x.kind == "" && x.server == a.gitHubServer() {
		x.kind = "github"
	}
	if x.kind == "" {
		return address{}, withHint(exitUsage, fmt.Errorf("--host is missing: what kind of host is %s?", u.Host), "give --host github, gitea or forgejo")
	}
	return x, nil
}

// openForge opens an index at its host.
func (a *app) openForge(x address, auth git.Auth) (publish.Forge, func() error, error) {
	if x.kind == "gitea" {
		index, err := gitea.New(gitea.Options{
			Server: x.server, Repository: x.repository, Token: auth.Token,
			HTTP: a.HTTP.Transport, Wait: a.wait, Trace: a.trace,
		})
		if err != nil {
			return nil, nil, err
		}
		return index, index.Close, nil
	}
	host, err := a.gitHub(x.server, auth.Token)
	if err != nil {
		return nil, nil, err
	}
	index, err := host.Index(x.repository)
	return index, func() error { return nil }, err
}

// gitHub returns a client for a GitHub. The variables of the environment tell
// about the one that GITHUB_SERVER_URL names.
func (a *app) gitHub(server, token string) (*github.Client, error) {
	opts := github.Options{Token: token, HTTP: a.HTTP.Transport, Wait: a.wait, Trace: a.trace, Web: server}
	switch {
	case server == a.gitHubServer():
		opts.API, opts.GraphQL = a.Getenv("GITHUB_API_URL"), a.Getenv("GITHUB_GRAPHQL_URL")
	case server != "https://github.com":
		opts.API = server + "/api/v3"
	}
	return github.NewClient(opts)
}

// releaseStore is a release at the environment's GitHub.
func (a *app) releaseStore(ctx context.Context, repository, tag string) (publish.Store, error) {
	if !ownerAndName(repository) {
		return nil, withHint(exitUsage, fmt.Errorf("--release: %q is no repository", repository), "write OWNER/REPO@TAG, such as ann/hello@v1.2.3")
	}
	server := a.gitHubServer()
	api := a.Getenv("GITHUB_API_URL")
	if api == "" {
		api = github.DefaultAPI
	}
	client, err := release.NewClient(release.Options{
		API: strings.TrimSuffix(api, "/"), Web: server, Repository: repository,
		Token: a.Getenv("GITHUB_TOKEN"), HTTP: a.HTTP.Transport, Wait: a.wait,
	})
	if err != nil {
		return nil, err
	}
	return client.Find(ctx, tag)
}

// ownerAndName reports whether the text is OWNER/REPO, and nothing that would
// change the path of a request.
func ownerAndName(text string) bool {
	owner, name, ok := strings.Cut(text, "/")
	plain := func(s string) bool {
		return s != "" && strings.Trim(s, ".") != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
		})
	}
	return ok && plain(owner) && plain(name)
}

// gitAuth is what a push over the web authenticates with.
func (a *app) gitAuth(ctx context.Context, address string) (git.Auth, error) {
	u, err := url.Parse(address)
	if err == nil && u.User != nil && (u.Scheme == "https" || u.Scheme == "http") {
		return git.Auth{}, withHint(exitUsage, fmt.Errorf("--index: the URL has a user"), "a token goes into the environment variable CLYDE_INDEX_TOKEN, or to 'clyde auth login', and into no URL")
	}
	return a.indexAuth(ctx, address, "", (*credential.Finder).Asked)
}

// indexAuth is what the host of an index is told: the token that is for the index,
// one of the environment that is for the host, and else what 'clyde auth status'
// shows. Who changes the index finds it with Asked, since nothing is changed
// without a token; who reads it with Ready, which asks no helper in vain.
func (a *app) indexAuth(ctx context.Context, address, kind string, find client.FindCredential) (git.Auth, error) {
	if token := a.Getenv("CLYDE_INDEX_TOKEN"); token != "" {
		return git.Auth{Token: token}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return git.Auth{}, nil //nolint:nilerr // a folder, or git's short form for ssh
	}
	if token := a.ambientToken(u, kind); token != "" && a.Getenv(credential.Variable(credential.HostOf(u))) == "" {
		return git.Auth{Token: token}, nil
	}
	config, err := a.loadConfig()
	if err != nil {
		return git.Auth{}, err
	}
	return config.GitAuth(ctx, address, find)
}

// ambientToken is what jobs and shells have for a host without clyde. GITHUB_TOKEN
// is for the GitHub of the environment and for no other.
func (a *app) ambientToken(u *url.URL, kind string) string {
	switch {
	case kind == "gitea":
		return a.Getenv("GITEA_TOKEN")
	case u.Scheme+"://"+u.Host == a.gitHubServer():
		return a.Getenv("GITHUB_TOKEN")
	}
	return ""
}

// wait waits for a host, and tells a person who would wonder.
func (a *app) wait(ctx context.Context, d time.Duration) error {
	if d >= longWait {
		a.notef("waiting %s for the host", d.Round(time.Second))
	}
	if a.Wait != nil {
		return a.Wait(ctx, d)
	}
	return pause.For(ctx, d)
}

// trace shows the calls of a host's API to whoever wants to know more.
func (a *app) trace(line string) {
	if a.verbose {
		a.notef("%s", line)
	}
}
