package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/clydepm/clyde/internal/forge"
)

// Carries lists the lines that the newest releases of the repository carry,
// newest release first. With the tag that an earlier answer came with, it is
// cheap, and reports that nothing changed, when nothing has. Drafts carry
// nothing yet.
func (c *Client) Carries(ctx context.Context, since string) (lines []forge.Carried, tag string, changed bool, err error) {
	op := "list the releases of " + c.opts.Repository
	request, err := newRequest(ctx, http.MethodGet, c.opts.API+"/repos/"+c.opts.Repository+"/releases"+pageQuery(1), "application/vnd.github+json", nil)
	if err != nil {
		return nil, "", false, err
	}
	if since != "" {
		request.Header.Set("If-None-Match", since)
	}
	data, header, err := c.do(request)
	if status(err) == http.StatusNotModified {
		return nil, since, false, nil
	}
	if err != nil {
		return nil, "", false, explain(op, err)
	}
	var releases []description
	if err := json.Unmarshal(data, &releases); err != nil {
		return nil, "", false, explain(op, err)
	}
	for _, d := range releases {
		for _, a := range d.Assets {
			if !d.Draft && a.State == "uploaded" && strings.HasSuffix(a.Name, forge.EntrySuffix) {
				lines = append(lines, forge.Carried{Tag: d.Tag, Asset: a.Name, Key: fmt.Sprintf("%d %s", a.ID, a.Digest), Size: a.Size, Address: a.path()})
			}
		}
	}
	return lines, header.Get("ETag"), true, nil
}

// Line reads a line that is carried.
func (c *Client) Line(ctx context.Context, carried forge.Carried) ([]byte, error) {
	op := "read " + carried.Asset + " of the release " + carried.Tag
	if err := carried.CheckSize(); err != nil {
		return nil, err
	}
	data, err := c.exchange(ctx, http.MethodGet, carried.Address, "", "application/octet-stream", nil)
	return bytes.TrimSuffix(data, []byte("\n")), explain(op, err)
}
