package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// EntrySuffix ends the names of the assets that carry a line.
const EntrySuffix = ".entry.json"

// maxEntry bounds an asset with a line; that of a line itself is tighter.
const maxEntry = 1 << 20

// Carried is a line that a published release carries until an index collects it.
type Carried struct {
	Tag, Asset string
	Key        string // of the asset's content; the same key is the same line
	Size       int64

	asset asset
}

// Carries lists the lines that the newest releases of the repository carry,
// newest release first. With the tag that an earlier answer came with, it is
// cheap, and reports that nothing changed, when nothing has. Drafts carry
// nothing yet.
func (c *Client) Carries(ctx context.Context, since string) (lines []Carried, tag string, changed bool, err error) {
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
			if !d.Draft && a.State == "uploaded" && strings.HasSuffix(a.Name, EntrySuffix) {
				lines = append(lines, Carried{Tag: d.Tag, Asset: a.Name, Key: fmt.Sprintf("%d %s", a.ID, a.Digest), Size: a.Size, asset: a})
			}
		}
	}
	return lines, header.Get("ETag"), true, nil
}

// Line reads a line that is carried.
func (c *Client) Line(ctx context.Context, carried Carried) ([]byte, error) {
	op := "read " + carried.Asset + " of the release " + carried.Tag
	if carried.Size > maxEntry {
		return nil, fmt.Errorf("%s: it has %d bytes, which no line has", op, carried.Size)
	}
	r := &Release{client: c}
	data, err := r.download(ctx, carried.asset)
	return bytes.TrimSuffix(data, []byte("\n")), explain(op, err)
}
