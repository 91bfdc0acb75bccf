package release

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/clydepm/clyde/internal/forge"
)

// Origin says what GitHub knows about the repository. The error is
// forge.ErrNotFound when there is none that the token may see.
func (c *Client) Origin(ctx context.Context) (forge.Origin, error) {
	var said struct {
		ID    int64  `json:"id"`
		Page  string `json:"html_url"`
		Fork  bool   `json:"fork"`
		Owner struct {
			ID int64 `json:"id"`
		} `json:"owner"`
	}
	if err := c.call(ctx, http.MethodGet, "", nil, &said); err != nil {
		return forge.Origin{}, explain("look up the repository "+c.opts.Repository, err)
	}
	return forge.Origin{URL: said.Page, ID: said.ID, OwnerID: said.Owner.ID, Fork: said.Fork}, nil
}

// Published says what everybody can see of the release of a tag. The error is
// forge.ErrNotFound when there is none, as for a draft.
func (c *Client) Published(ctx context.Context, tag string) (forge.Release, error) {
	var said struct {
		Prerelease bool      `json:"prerelease"`
		Published  time.Time `json:"published_at"`
		Assets     []struct {
			Name  string `json:"name"`
			State string `json:"state"`
			URL   string `json:"browser_download_url"`
		} `json:"assets"`
	}
	if err := c.call(ctx, http.MethodGet, "/releases/tags/"+escapePath(tag), nil, &said); err != nil {
		return forge.Release{}, explain(fmt.Sprintf("find the release of the tag %s of %s", tag, c.opts.Repository), err)
	}
	r := forge.Release{Prerelease: said.Prerelease, Published: said.Published, Assets: map[string]string{}}
	for _, a := range said.Assets {
		if a.State == "uploaded" {
			r.Assets[a.Name] = a.URL
		}
	}
	return r, nil
}
