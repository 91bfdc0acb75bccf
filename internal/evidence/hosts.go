package evidence

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/gitea"
	"github.com/clydepm/clyde/internal/release"
)

// Kinds of hosts. Anything else is asked with git alone.
const (
	GitHub = "github"
	Gitea  = "gitea" // and Forgejo
)

// Host is a host of repositories that has an API.
type Host struct {
	Kind  string
	Web   string // start of its repositories' URLs, "https://github.com"
	API   string // of a GitHub
	Token string // "" asks as anybody
}

// Hosts find out which host to ask, and how.
type Hosts struct {
	Known []Host
	HTTP  *http.Client // see Public
	Files bool         // a repository may be a folder of this machine
	Wait  func(ctx context.Context, d time.Duration) error
}

// Well known are hosts that need no configuration.
func wellKnown() []Host {
	return []Host{
		{Kind: GitHub, Web: "https://github.com", API: "https://api.github.com"},
		{Kind: Gitea, Web: "https://codeberg.org"},
		{Kind: Gitea, Web: "https://gitea.com"},
	}
}

// Origin returns the repository at an address: its known host's, and otherwise
// that of a plain git server. The error is forge.ErrRefused for addresses that a
// line may not send a reviewer to.
func (h Hosts) Origin(address string) (Origin, error) {
	refuse := &forge.Error{Kind: forge.ErrRefused, Op: "look into a repository", Detail: fmt.Sprintf("%q is none that can be asked", address)}
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, refuse
	}
	for _, host := range append(h.Known, wellKnown()...) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(address, ".git"), strings.TrimSuffix(host.Web, "/")+"/")
		if ok && plainRepository(name) {
			return h.origin(host, name)
		}
	}
	if u.Scheme == "https" || u.Scheme == "http" && forge.Loopback(u.Hostname()) || u.Scheme == "file" && h.Files {
		return gitOrigin{address, h.client()}, nil
	}
	return nil, refuse
}

func (h Hosts) client() *http.Client {
	if h.HTTP == nil {
		return &http.Client{}
	}
	return h.HTTP
}

func (h Hosts) origin(host Host, name string) (Origin, error) {
	if host.Kind == GitHub {
		return release.NewClient(release.Options{
			API: host.API, Web: host.Web, Repository: name, Token: host.Token, HTTP: h.client().Transport, Wait: h.Wait,
		})
	}
	return gitea.NewOrigin(gitea.Options{Server: host.Web, Repository: name, Token: host.Token, HTTP: h.client().Transport, Wait: h.Wait})
}

// plainRepository reports whether the text is "owner/name" and nothing that
// would change the path of a request.
func plainRepository(text string) bool {
	owner, name, ok := strings.Cut(text, "/")
	plain := func(s string) bool {
		return strings.Trim(s, ".") != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
		})
	}
	return ok && plain(owner) && plain(name)
}

// gitOrigin is a repository that only git can be asked about.
type gitOrigin struct {
	address string
	http    *http.Client
}

func (o gitOrigin) list(ctx context.Context) (*git.Remote, error) {
	remote, err := git.ListRemoteOver(ctx, o.address, o.http)
	switch {
	case err == nil, ctx.Err() != nil:
		return remote, err
	case errors.Is(err, git.ErrNotFound):
		err = fmt.Errorf("%w: %w", forge.ErrNotFound, err)
	case errors.Is(err, git.ErrAuth):
		err = fmt.Errorf("%w: %w", forge.ErrNotPermitted, err)
	case errors.Is(err, git.ErrURL):
		err = fmt.Errorf("%w: %w", forge.ErrRefused, err)
	default:
		err = fmt.Errorf("%w: %w", forge.ErrNetwork, err)
	}
	return nil, err
}

// Origin says that the repository is there; git knows no numbers.
func (o gitOrigin) Origin(ctx context.Context) (forge.Origin, error) {
	_, err := o.list(ctx)
	return forge.Origin{URL: o.address}, err
}

// Tag looks a tag up among the references.
func (o gitOrigin) Tag(ctx context.Context, tag string) (commit, object string, err error) {
	remote, err := o.list(ctx)
	if err != nil {
		return "", "", err
	}
	ref := "refs/tags/" + tag
	id, _ := remote.Find(ref)
	if commit, annotated := remote.Peeled(ref); annotated {
		return commit, id, nil
	}
	return id, "", nil
}

// Published says that git has no releases.
func (o gitOrigin) Published(context.Context, string) (forge.Release, error) {
	return forge.Release{}, ErrNoReleases
}
