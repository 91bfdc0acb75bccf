package releaseindex

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/manifest"
)

// readers is how many archives are read at a time.
const readers = 8

// maxManifest bounds the manifest in an archive.
const maxManifest = 1 << 20

// Facts are what an archive says. They are worth keeping: the same archive says
// the same again.
type Facts struct {
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	Manifest string `json:"manifest"`
}

// Options are what is needed beside the list of releases.
type Options struct {
	// Stream reads an archive; read may stop before its end.
	Stream func(ctx context.Context, address string, read func(io.Reader) error) error
	// Known returns what was found out about an archive before, and Keep keeps it.
	// The key is of one state of one archive.
	Known func(key string) (Facts, bool)
	Keep  func(key string, facts Facts) error
	// Registry returns the address of the registry that a manifest knows by an
	// alias, or "" when that is the repository itself.
	Registry func(alias string) (string, error)
}

// LeftOut is a release that is no version, and why.
type LeftOut struct {
	Tag string
	Err error
}

// Entries reads the lines of all releases, oldest version first. The error is
// one that hinders all of them, such as a host that does not answer.
func (r *Repository) Entries(ctx context.Context, opts Options) ([]*index.Entry, []LeftOut, error) {
	releases, err := r.Releases(ctx)
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	var entries []*index.Entry
	var left []LeftOut
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, release := range releases {
		group.Go(func() error {
			e, err := r.entry(inner, release, opts)
			var out *notVersionError
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.As(err, &out):
				left = append(left, LeftOut{release.Tag, out.err})
			case err != nil:
				return fmt.Errorf("release %s: %w", release.Tag, err)
			default:
				entries = append(entries, e)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(left, func(a, b LeftOut) int { return cmp.Compare(a.Tag, b.Tag) })
	slices.SortFunc(entries, func(a, b *index.Entry) int {
		v, _ := index.ParseVersion(a.Vers) // all of them were read before
		w, _ := index.ParseVersion(b.Vers)
		return cmp.Or(cmp.Compare(a.Name, b.Name), v.Compare(w), cmp.Compare(a.Vers, b.Vers))
	})
	return entries, left, nil
}

// notVersionError says why a release is left out.
type notVersionError struct{ err error }

func (e *notVersionError) Error() string { return e.err.Error() }

func leaveOut(format string, args ...any) error { return &notVersionError{fmt.Errorf(format, args...)} }

func (r *Repository) entry(ctx context.Context, release Release, opts Options) (*index.Entry, error) {
	if e, err := r.carried(ctx, release); e != nil || err != nil {
		return e, err
	}
	main, builds := release.archives()
	facts, err := r.facts(ctx, release, main, opts)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(manifest.Path, []byte(facts.Manifest))
	if err == nil {
		err = m.CheckPublishable()
	}
	if err != nil {
		return nil, &notVersionError{err}
	}
	if m.Version != release.Version {
		return nil, leaveOut("its tag says %s, and %s in its archive says %s", release.Version, manifest.Path, m.Version)
	}
	known := manifest.Facts{
		Pubtime:  release.published(),
		Archive:  index.Build{DL: main.Address, Cksum: facts.SHA256, Size: facts.Size},
		Registry: opts.Registry,
	}
	for _, platform := range slices.Sorted(maps.Keys(builds)) {
		built, err := r.facts(ctx, release, builds[platform], opts)
		if err != nil {
			return nil, err
		}
		known.Builds = append(known.Builds, index.Build{Platform: platform, DL: builds[platform].Address, Cksum: built.SHA256, Size: built.Size})
	}
	e, err := m.Line(known)
	if err != nil {
		return nil, &notVersionError{err}
	}
	return e, nil
}

// carried is the line that a release carries, nil when it carries none of its
// version.
func (r *Repository) carried(ctx context.Context, release Release) (*index.Entry, error) {
	for _, a := range release.Assets {
		if !a.whole() || !strings.HasSuffix(a.Name, forge.EntrySuffix) {
			continue
		}
		data, err := r.get(ctx, a.Address, maxSmall)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		e, err := index.ParseLine(bytes.TrimSpace(data))
		if err == nil && e.Vers == release.Version && e.Cksum != "" && e.DL != "" {
			return e, nil
		}
	}
	return nil, nil
}

// whole reports whether an upload has not broken off.
func (a Asset) whole() bool { return a.State == "" || a.State == "uploaded" }

// archives are the package's own archive and its builds, among the assets or
// else made by the host.
func (r Release) archives() (main Asset, builds map[string]Asset) {
	builds = map[string]Asset{}
	var packed []Asset
	for _, a := range r.Assets {
		stem, ok := strings.CutSuffix(a.Name, ".tar.gz")
		if !ok {
			stem, ok = strings.CutSuffix(a.Name, ".tgz")
		}
		if !ok || !a.whole() {
			continue
		}
		if platform := platformOf(stem, r.Version); platform != "" {
			builds[platform] = a
			continue
		}
		if strings.HasSuffix(stem, "-"+r.Version) {
			packed = slices.Insert(packed, 0, a)
		} else {
			packed = append(packed, a)
		}
	}
	if len(packed) == 0 || len(packed) > 1 && !strings.Contains(packed[0].Name, "-"+r.Version+".") {
		return Asset{Name: r.Tag + ".tar.gz", Address: r.Source}, nil
	}
	return packed[0], builds
}

// platformOf is the platform that the name of a build ends in.
func platformOf(stem, version string) string {
	_, rest, ok := strings.Cut(stem, "-"+version+"-")
	if p, err := index.ParsePlatform(rest); ok && err == nil && p != (index.Platform{}) {
		return rest
	}
	return ""
}

// facts finds out what an archive says, by what is known of it as far as that
// goes.
func (r *Repository) facts(ctx context.Context, release Release, a Asset, opts Options) (Facts, error) {
	key := fmt.Sprintf("%s %d %s %d %s %s", a.Address, a.ID, a.UUID, a.Size, a.Digest, release.published())
	if facts, ok := opts.Known(key); ok {
		return facts, nil
	}
	facts := Facts{Size: a.Size}
	var err error
	if facts.SHA256, err = r.checksum(ctx, release, a); err != nil {
		return facts, err
	}
	err = opts.Stream(ctx, a.Address, func(body io.Reader) error { return facts.read(ctx, body) })
	var unsafe *archive.UnsafeError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return facts, leaveOut("it has no archive with %s", manifest.Path)
	case errors.As(err, &unsafe):
		return facts, &notVersionError{err}
	case err != nil:
		return facts, err
	}
	return facts, opts.Keep(key, facts)
}

// read reads the manifest, and all of the archive where the checksum is not
// known.
func (f *Facts) read(ctx context.Context, body io.Reader) error {
	if f.SHA256 != "" {
		text, err := archive.ReadMember(body, manifest.Path, maxManifest) //nolint:contextcheck // the body ends with the context
		f.Manifest = string(text)
		return err
	}
	contents, err := archive.Inspect(ctx, body, archive.DefaultLimits())
	if err != nil {
		return err
	}
	if contents.Manifest == nil {
		return fs.ErrNotExist
	}
	f.SHA256, f.Size, f.Manifest = contents.SHA256, contents.Size, string(contents.Manifest)
	return nil
}

// checksum is the SHA-256 that the host, or the release, tells of an asset.
func (r *Repository) checksum(ctx context.Context, release Release, a Asset) (string, error) {
	if digest, ok := strings.CutPrefix(a.Digest, "sha256:"); ok && isDigest(digest) {
		return digest, nil
	}
	for _, list := range release.Assets {
		own := list.Name == a.Name+".sha256"
		if !list.whole() || !own && !strings.EqualFold(list.Name, "sha256sums") && !strings.EqualFold(list.Name, "sha256sums.txt") {
			continue
		}
		data, err := r.get(ctx, list.Address, maxSmall)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if digest := listed(string(data), a.Name, own); digest != "" {
			return digest, nil
		}
	}
	return "", nil
}

// listed finds the digest of a file in what sha256sum prints. A list of its own
// may have the digest alone.
func listed(text, name string, own bool) string {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || !isDigest(strings.ToLower(fields[0])) {
			continue
		}
		if len(fields) == 1 && own || len(fields) == 2 && strings.TrimPrefix(fields[1], "*") == name {
			return strings.ToLower(fields[0])
		}
	}
	return ""
}

func isDigest(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && strings.ToLower(s) == s
}
