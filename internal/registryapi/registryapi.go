package registryapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/index"
)

// Bounds of what a server says.
const (
	MaxDocument = 32 << 20
	maxPages    = 100
	maxVersions = 100_000
	maxFound    = 100 // packages that a search asks for
)

// Get reads a document of at most limit bytes. The error is fs.ErrNotExist when
// the server does not have it.
type Get func(ctx context.Context, address string, limit int64) ([]byte, error)

// Dialect is one of the APIs that are understood.
type Dialect string

// The dialects; see the package comment.
const (
	Clyde Dialect = "clyde"
	HPM   Dialect = "hpm"
)

// Found is a package that a search found.
type Found struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Description string   `json:"description"`
	Keywords    []string `json:"keywords"`
	Yanked      bool     `json:"yanked"`
	Retired     string   `json:"retired"`

	Vers string `json:"vers"` // HPM's word for Version
}

// FormatError reports an answer that is not what the API promises.
type FormatError struct {
	Address string
	Detail  string
}

func (e *FormatError) Error() string { return e.Address + ": " + e.Detail }

// UnknownError reports a server that speaks none of the dialects.
type UnknownError struct {
	Base  string
	Asked []string // addresses, and what was answered
}

func (e *UnknownError) Error() string {
	return e.Base + " does not answer as a registry does: " + strings.Join(e.Asked, "; ")
}

// Registry is a server whose dialect is known.
type Registry struct {
	base    string
	dialect Dialect
	get     Get
}

// Detect asks a server which dialect it speaks. The error is an *UnknownError
// when it speaks none, or that of Get.
func Detect(ctx context.Context, base *url.URL, get Get) (*Registry, error) {
	r := &Registry{base: strings.TrimSuffix(base.String(), "/"), get: get}
	unknown := &UnknownError{Base: r.base}
	for _, dialect := range []Dialect{Clyde, HPM} {
		r.dialect = dialect
		at := r.searchAddress("a")
		_, err := r.page(ctx, at, "packages")
		var format *FormatError
		switch {
		case err == nil:
			return r, nil
		case errors.Is(err, fs.ErrNotExist):
			unknown.Asked = append(unknown.Asked, at+" is not there")
		case errors.As(err, &format):
			unknown.Asked = append(unknown.Asked, at+" "+format.Detail)
		default:
			return nil, err
		}
	}
	return nil, unknown
}

// Dialect is the API that the server speaks.
func (r *Registry) Dialect() Dialect { return r.dialect }

// Config is what an index has as its config.json.
func (r *Registry) Config() *index.Config {
	c := &index.Config{API: r.base}
	if r.dialect == Clyde {
		c.DL = r.base + "/packages/{crate}/{version}/download"
	}
	return c
}

// Search asks for the packages that match words, in the order of the server.
func (r *Registry) Search(ctx context.Context, words string) ([]Found, error) {
	at := r.searchAddress(words)
	raw, err := r.list(ctx, at, "packages", maxFound)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // HPM's client takes it so, too
	}
	if err != nil {
		return nil, err
	}
	var all []Found
	for _, item := range raw {
		var f Found
		if err := json.Unmarshal(item, &f); err != nil {
			return nil, &FormatError{at, "lists a package that cannot be read: " + err.Error()}
		}
		if f.Version == "" {
			f.Version = f.Vers
		}
		if _, err := index.ParseVersion(f.Version); err == nil && index.CheckLookupName(f.Name) == nil {
			all = append(all, f)
		}
	}
	return all, nil
}

func (r *Registry) searchAddress(words string) string {
	if r.dialect == HPM {
		return r.base + "/packages?" + url.Values{"q": {words}}.Encode()
	}
	return r.base + "/search?" + url.Values{"q": {words}, "limit": {fmt.Sprint(maxFound)}}.Encode()
}

// Lines are the index lines of a package. The error is fs.ErrNotExist when the
// server has none of that name.
func (r *Registry) Lines(ctx context.Context, name string) ([]byte, error) {
	if r.dialect == HPM {
		return r.hpmLines(ctx, name)
	}
	at := r.base + "/packages/" + url.PathEscape(name) + "/versions"
	raw, err := r.list(ctx, at, "versions", maxVersions)
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	for _, item := range raw {
		if err := r.line(&lines, name, item); err != nil {
			return nil, &FormatError{at, err.Error()}
		}
	}
	return lines.Bytes(), nil
}

// line appends one line, with the address that it is downloaded from. What
// cannot be read is left as it is, for the reader of lines to report.
func (r *Registry) line(to *bytes.Buffer, name string, raw json.RawMessage) error {
	e, err := index.ParseLine(raw)
	if err == nil && e.DL == "" {
		e.DL = r.base + "/packages/" + url.PathEscape(name) + "/" + url.PathEscape(e.Vers) + "/download"
		to.Write(append(e.AppendLine(nil), '\n'))
		return nil
	}
	if err := json.Compact(to, raw); err != nil {
		return err
	}
	return to.WriteByte('\n')
}

// list reads a list, page by page.
func (r *Registry) list(ctx context.Context, at, member string, limit int) ([]json.RawMessage, error) {
	var all []json.RawMessage
	seen := map[string]bool{}
	for pages := 0; ; pages++ {
		if pages == maxPages || seen[at] {
			return nil, &FormatError{at, fmt.Sprintf("is page %d of a list that does not end", pages+1)}
		}
		seen[at] = true
		p, err := r.page(ctx, at, member)
		if err != nil {
			return nil, err
		}
		all = append(all, p.items...)
		if len(all) >= limit && member == "packages" {
			return all[:limit], nil
		}
		if len(all) > limit {
			return nil, &FormatError{at, fmt.Sprintf("lists more than %d %s", limit, member)}
		}
		if p.next == "" {
			return all, nil
		}
		at = p.next
	}
}

// page is one page of a list.
type page struct {
	items []json.RawMessage
	next  string
}

func (r *Registry) page(ctx context.Context, at, member string) (page, error) {
	data, err := r.get(ctx, at, MaxDocument)
	if err != nil {
		return page{}, err
	}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(data, &said); err != nil {
		return page{}, &FormatError{at, "is no JSON object"}
	}
	var p page
	if err := json.Unmarshal(said[member], &p.items); err != nil || p.items == nil {
		return page{}, &FormatError{at, fmt.Sprintf("has no list %q", member)}
	}
	if raw := said["next"]; raw != nil {
		var next string
		if err := json.Unmarshal(raw, &next); err != nil {
			return page{}, &FormatError{at, `has a "next" that is no URL`}
		}
		if p.next, err = sameServer(at, next); err != nil {
			return page{}, &FormatError{at, err.Error()}
		}
	}
	return p, nil
}

// sameServer resolves the address of the next page, which has to be on the
// server of this one.
func sameServer(at, next string) (string, error) {
	if next == "" {
		return "", nil
	}
	from, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	to, err := from.Parse(next)
	if err != nil {
		return "", errors.New(`has a "next" that is no URL`)
	}
	if to.Scheme != from.Scheme || to.Host != from.Host || to.User != nil {
		return "", fmt.Errorf("continues on another server, %s", to.Host)
	}
	to.Fragment = ""
	return to.String(), nil
}
