package gitea

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/clydepm/clyde/internal/forge"
)

// ownTag begins the tags of answers that come without one.
const ownTag = "sha256:"

// Carries lists the lines that the newest releases of the repository carry,
// newest release first. With the tag that an earlier answer came with, it reports
// that nothing changed, when nothing has. These hosts give no tags to such answers
// so far, and count downloads in them: so the tag is made from what is carried,
// and one of the host is used where there is one. Drafts carry nothing yet.
//
// Source: the API's description at /api/swagger, "repoListReleases".
func (o *Origin) Carries(ctx context.Context, since string) (lines []forge.Carried, tag string, changed bool, err error) {
	op := "list the releases of " + o.name
	address := fmt.Sprintf("%s/api/v1/%s/releases?draft=false&limit=%d", o.client.server, repositoryPath(o.name), perPage)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", false, err
	}
	if since != "" && !strings.HasPrefix(since, ownTag) {
		req.Header.Set("If-None-Match", since)
	}
	data, header, err := o.client.do(req)
	if status(err) == http.StatusNotModified {
		return nil, since, false, nil
	}
	if err != nil {
		return nil, "", false, explain(op, err)
	}
	if lines, err = o.carried(data); err != nil {
		return nil, "", false, explain(op, err)
	}
	if tag = header.Get("ETag"); tag == "" {
		sum := sha256.New()
		for _, l := range lines {
			fmt.Fprintf(sum, "%q %q %q\n", l.Tag, l.Asset, l.Key)
		}
		tag = ownTag + hex.EncodeToString(sum.Sum(nil))
	}
	return lines, tag, tag != since, nil
}

func (o *Origin) carried(data []byte) ([]forge.Carried, error) {
	var releases []struct {
		Tag    string `json:"tag_name"`
		Draft  bool   `json:"draft"`
		Assets []struct {
			Name string `json:"name"`
			UUID string `json:"uuid"`
			Size int64  `json:"size"`
			URL  string `json:"browser_download_url"`
		} `json:"assets"`
	}
	if err := json.Unmarshal(data, &releases); err != nil {
		return nil, err
	}
	var lines []forge.Carried
	for _, r := range releases {
		for _, a := range r.Assets {
			// An asset may be a link to somewhere else, which has no content here.
			if !r.Draft && strings.HasSuffix(a.Name, forge.EntrySuffix) && strings.HasPrefix(a.URL, o.client.server+"/") {
				lines = append(lines, forge.Carried{Tag: r.Tag, Asset: a.Name, Key: a.UUID, Size: a.Size, Address: a.URL})
			}
		}
	}
	return lines, nil
}

// Line reads a line that is carried.
func (o *Origin) Line(ctx context.Context, carried forge.Carried) ([]byte, error) {
	op := "read " + carried.Asset + " of the release " + carried.Tag
	if err := carried.CheckSize(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, carried.Address, nil)
	if err != nil {
		return nil, err
	}
	data, _, err := o.client.do(req)
	return bytes.TrimSuffix(data, []byte("\n")), explain(op, err)
}
