package registryapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/index"
)

// hpmBuild is one archive as HPM's API tells of it.
type hpmBuild struct {
	Name        string          `json:"name"`
	Vers        string          `json:"vers"`
	Deps        []hpmDependency `json:"deps"`
	Cksum       string          `json:"cksum"`
	DL          string          `json:"dl"`
	Platform    string          `json:"platform"`
	Yanked      bool            `json:"yanked"`
	Description string          `json:"description"`
	Author      string          `json:"author"`
	License     string          `json:"license"`
	CreatedAt   string          `json:"created_at"`
}

type hpmDependency struct {
	Name     string `json:"name"`
	Req      string `json:"req"`
	Optional bool   `json:"optional"`
}

// hpmAddress is the address of what the server has of a package: a scoped name
// is two elements of the path.
func (r *Registry) hpmAddress(name string) string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return r.base + "/packages/" + strings.Join(parts, "/")
}

// hpmLines makes one line of the builds of each version.
func (r *Registry) hpmLines(ctx context.Context, name string) ([]byte, error) {
	at := r.hpmAddress(name)
	builds, err := r.builds(ctx, at, "versions")
	if err != nil {
		return nil, err
	}
	var order []string
	versions := map[string][]hpmBuild{}
	for _, b := range builds {
		if versions[b.Vers] == nil {
			order = append(order, b.Vers)
		}
		versions[b.Vers] = append(versions[b.Vers], b)
	}
	var lines bytes.Buffer
	for _, version := range order {
		known := versions[version]
		if known[0].Cksum == "" {
			alone, err := r.builds(ctx, at+"/"+url.PathEscape(version), "builds")
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			if len(alone) > 0 {
				known = alone
			}
		}
		if e := lineOf(name, version, known); e != nil {
			lines.Write(append(e.AppendLine(nil), '\n'))
		}
	}
	return lines.Bytes(), nil
}

func (r *Registry) builds(ctx context.Context, at, member string) ([]hpmBuild, error) {
	raw, err := r.list(ctx, at, member, maxVersions)
	if err != nil {
		return nil, err
	}
	var all []hpmBuild
	for _, item := range raw {
		var b hpmBuild
		if err := json.Unmarshal(item, &b); err != nil {
			return nil, &FormatError{at, "lists a version that cannot be read: " + err.Error()}
		}
		all = append(all, b)
	}
	return all, nil
}

// lineOf is the line of a version, nil when clyde knows none of the platforms
// that it was built for. The package's own archive is the one for all platforms.
// Where there is none it is the first of the builds, and the line says for which
// platforms it is.
func lineOf(name, version string, builds []hpmBuild) *index.Entry {
	e := &index.Entry{Name: name, Vers: version}
	universal := false
	for _, b := range builds {
		if b.Name != name || b.Vers != version {
			continue
		}
		if b.Platform == "" || strings.EqualFold(b.Platform, "universal") {
			if !universal {
				e.DL, e.Cksum = b.DL, digestOf(b)
				describe(e, b)
			}
			universal = true
			continue
		}
		platform, err := index.ParsePlatform(b.Platform)
		if err != nil {
			continue
		}
		if e.DL == "" {
			e.DL, e.Cksum = b.DL, digestOf(b)
			describe(e, b)
		}
		e.Builds = append(e.Builds, index.Build{Platform: platform.String(), DL: b.DL, Cksum: digestOf(b)})
	}
	if e.DL == "" {
		return nil
	}
	if !universal {
		for _, b := range e.Builds {
			e.Platforms = append(e.Platforms, b.Platform)
		}
	}
	return e
}

// describe takes over what is said of all builds alike.
func describe(e *index.Entry, b hpmBuild) {
	e.Yanked, e.Description, e.License, e.Pubtime = b.Yanked, b.Description, b.License, b.CreatedAt
	if b.Author != "" {
		e.Authors = []string{b.Author}
	}
	for _, d := range b.Deps {
		e.Deps = append(e.Deps, index.Dependency{Name: d.Name, Req: d.Req, Optional: d.Optional, DefaultFeatures: true, Kind: index.KindNormal})
	}
}

// digestOf is the checksum as lines have it.
func digestOf(b hpmBuild) string { return strings.ToLower(strings.TrimPrefix(b.Cksum, "sha256:")) }
