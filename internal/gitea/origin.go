package gitea

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/clydepm/clyde/internal/forge"
)

// Origin is a repository that packages come from, at Gitea or Forgejo.
type Origin struct {
	client *client
	name   string
}

// NewOrigin returns the repository that the options name. The error is
// forge.ErrRefused for an address that would send the token in the clear.
func NewOrigin(opts Options) (*Origin, error) {
	c, err := newClient(opts)
	return &Origin{client: c, name: opts.Repository}, err
}

func (o *Origin) call(ctx context.Context, op, path string, into any) error {
	return explain(op+" of "+o.name, o.client.call(ctx, http.MethodGet, repositoryPath(o.name)+path, nil, into))
}

// Origin says what the host knows about the repository. The error is
// forge.ErrNotFound when there is none that the token may see.
func (o *Origin) Origin(ctx context.Context) (forge.Origin, error) {
	var said struct {
		ID    int64  `json:"id"`
		Page  string `json:"html_url"`
		Fork  bool   `json:"fork"`
		Owner struct {
			ID int64 `json:"id"`
		} `json:"owner"`
	}
	err := o.call(ctx, "look up the repository", "", &said)
	return forge.Origin{URL: said.Page, ID: said.ID, OwnerID: said.Owner.ID, Fork: said.Fork}, err
}

// Tag looks a tag up: the commit that it names and, when it is an annotated tag,
// the tag object. Both are "" when there is no such tag.
func (o *Origin) Tag(ctx context.Context, tag string) (commit, object string, err error) {
	var said struct {
		ID     string `json:"id"` // of the tag object, or of the commit
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	err = o.call(ctx, "look up the tag "+tag, "/tags/"+url.PathEscape(tag), &said)
	if errors.Is(err, forge.ErrNotFound) {
		return "", "", nil
	}
	if err != nil || said.ID == said.Commit.SHA {
		return said.Commit.SHA, "", err
	}
	return said.Commit.SHA, said.ID, nil
}

// Published says what everybody can see of the release of a tag. The error is
// forge.ErrNotFound when there is none.
func (o *Origin) Published(ctx context.Context, tag string) (forge.Release, error) {
	var said struct {
		Draft      bool      `json:"draft"`
		Prerelease bool      `json:"prerelease"`
		Published  time.Time `json:"published_at"`
		Assets     []struct {
			Name string `json:"name"`
			URL  string `json:"browser_download_url"`
		} `json:"assets"`
	}
	op := "find the release of the tag " + tag
	if err := o.call(ctx, op, "/releases/tags/"+url.PathEscape(tag), &said); err != nil {
		return forge.Release{}, err
	}
	if said.Draft {
		return forge.Release{}, &forge.Error{Kind: forge.ErrNotFound, Op: op, Detail: "it is a draft"}
	}
	r := forge.Release{Prerelease: said.Prerelease, Published: said.Published, Assets: map[string]string{}}
	for _, a := range said.Assets {
		r.Assets[a.Name] = a.URL
	}
	return r, nil
}
