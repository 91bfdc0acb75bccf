package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/spelling"
)

// Info is what a registry says about a package.
type Info struct {
	Registry RegistryConfig
	Commit   string         // of the registry, "" when it has none
	Entry    *index.Entry   // the version asked for, or the newest
	URL      string         // of its archive
	Versions []*index.Entry // newest first
	Skipped  int            // lines that cannot be read, most likely by a newer format
}

// ReadInfo reads what a registry knows about a package. Without a version it is about the
// one that a bare name means; see [Newest]. The error is [ErrNotFound] when
// the registry has no such package or version.
func ReadInfo(ctx context.Context, r Registry, name, version string) (*Info, error) {
	file, err := r.Package(ctx, name)
	if err != nil {
		return nil, err
	}
	info := &Info{Registry: r.Config(), Versions: NewestFirst(file.Entries), Skipped: len(file.Skipped)}
	if info.Entry, err = chooseVersion(name, version, info); err != nil {
		return nil, err
	}
	status, err := r.Status(ctx)
	if err != nil {
		return nil, err
	}
	info.Commit = status.Commit
	config, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	// Without an address a package can be looked at, if not installed.
	info.URL, _ = config.DownloadURL(info.Entry)
	return info, nil
}

func chooseVersion(name, version string, info *Info) (*index.Entry, error) {
	if version == "" {
		if newest := indexcache.Newest(info.Versions); newest != nil {
			return newest, nil
		}
		return nil, &Error{
			Class: ErrNotFound, Message: fmt.Sprintf("package %q has no version that this clyde can read", name),
			Remedy: "a newer clyde may read it",
		}
	}
	if _, err := index.ParseVersion(version); err != nil {
		return nil, &Error{Class: ErrUsage, Message: fmt.Sprintf("%q is not a full version", version), Remedy: "write NAME@MAJOR.MINOR.PATCH", Err: err}
	}
	var known []string
	for _, e := range info.Versions {
		if e.Vers == version {
			return e, nil
		}
		known = append(known, e.Vers)
	}
	remedy := "it has " + strings.Join(known[:min(len(known), 5)], ", ")
	if near := spelling.Nearest(version, known); near != "" {
		remedy = "did you mean " + name + "@" + near + "?"
	}
	return nil, &Error{Class: ErrNotFound, Message: fmt.Sprintf("package %q has no version %s", name, version), Remedy: remedy}
}

// NewestFirst sorts by version, highest first.
func NewestFirst(entries []*index.Entry) []*index.Entry {
	type release struct {
		version rankedVersion
		entry   *index.Entry
	}
	releases := make([]release, len(entries))
	for i, e := range entries {
		releases[i] = release{rankVersion(e.Vers), e}
	}
	slices.SortStableFunc(releases, func(a, b release) int { return b.version.compare(a.version) })
	sorted := make([]*index.Entry, len(entries))
	for i, r := range releases {
		sorted[i] = r.entry
	}
	return sorted
}

// rankedVersion is a version that was parsed once to be compared with many.
type rankedVersion struct {
	text   string
	parsed index.Version
	valid  bool
}

func rankVersion(text string) rankedVersion {
	parsed, err := index.ParseVersion(text)
	return rankedVersion{text, parsed, err == nil}
}

// compare orders versions; what is no version comes first.
func (v rankedVersion) compare(other rankedVersion) int {
	return cmp.Or(compareBool(v.valid, other.valid), v.parsed.Compare(other.parsed), cmp.Compare(v.text, other.text))
}

// compareVersions is [rankedVersion.compare] for two.
func compareVersions(a, b string) int { return rankVersion(a).compare(rankVersion(b)) }
