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
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b *index.Entry) int { return compareVersions(b.Vers, a.Vers) })
	return sorted
}

// compareVersions orders versions; what is no version comes first.
func compareVersions(a, b string) int {
	x, errX := index.ParseVersion(a)
	y, errY := index.ParseVersion(b)
	return cmp.Or(compareBool(errX == nil, errY == nil), x.Compare(y), cmp.Compare(a, b))
}
