package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/pause"
	"github.com/clydepm/clyde/internal/review"
)

// Origin is a repository that packages come from, as its host tells of it.
type Origin interface {
	// Origin returns what the host knows about the repository.
	Origin(ctx context.Context) (forge.Origin, error)
	// Tag returns the commit that a tag names, and the tag object of an
	// annotated one; both are "" when there is no such tag.
	Tag(ctx context.Context, tag string) (commit, object string, err error)
	// Published returns the release of a tag. The error is ErrNoReleases where
	// there are none by nature, and forge.ErrNotFound when this one is not there.
	Published(ctx context.Context, tag string) (forge.Release, error)
}

// ErrNoReleases says that a host has no releases, such as a plain git server.
var ErrNoReleases = errors.New("the host has no releases")

// Limits bound what is fetched, in bytes, and how many versions of one change
// are looked into.
type Limits struct {
	File, All int64
	Versions  int
}

// DefaultLimits returns the limits for an index that takes any package.
func DefaultLimits() Limits {
	return Limits{File: archive.DefaultLimits().Size, All: 4 << 30, Versions: 20}
}

// Options say how evidence is had.
type Options struct {
	// Origin returns the repository at an address, which comes from a line. An
	// error of package forge, or ErrRefused of it, says why it is not asked.
	Origin func(address string) (Origin, error)
	HTTP   *http.Client // fetches archives and signatures, without any token; see Public
	Files  bool         // file:// URLs are meant for this machine, as in an index on its disk
	Dir    string       // for temporary files; "" is the system's
	Limits Limits       // zero is DefaultLimits
	Wait   func(ctx context.Context, d time.Duration) error
}

// Set is evidence by version. The caller closes it, after the judgement.
type Set struct {
	Versions map[string]*review.Evidence
	dir      string
}

// Close removes what was fetched.
func (s *Set) Close() error { return os.RemoveAll(s.dir) }

// gatherer gathers the evidence of one change.
type gatherer struct {
	opts   Options
	http   *http.Client
	set    *Set
	left   int64 // bytes
	config *index.Config
	files  map[string]*review.File // fetched already, by address
	failed map[string]error
}

// Gather fetches what can be found about each version that the change adds. A
// change that is not about versions has no evidence and needs none. The error
// is that of this machine, of the trees, or of ctx.
func Gather(ctx context.Context, opts Options, base, head fs.FS) (*Set, error) {
	added, err := review.Added(base, head)
	if err != nil {
		return nil, err
	}
	config, err := configOf(base, head)
	if err != nil {
		return nil, err
	}
	return gather(ctx, opts, config, added)
}

// GatherPublished fetches what can be found about a version that an index has
// already, as an audit needs it.
func GatherPublished(ctx context.Context, opts Options, files fs.FS, e *index.Entry) (*Set, error) {
	config, err := configOf(files, files)
	if err != nil {
		return nil, err
	}
	return gather(ctx, opts, config, []review.Addition{{Entry: e}})
}

func gather(ctx context.Context, opts Options, config *index.Config, added []review.Addition) (_ *Set, err error) {
	if opts.Limits == (Limits{}) {
		opts.Limits = DefaultLimits()
	}
	if opts.Wait == nil {
		opts.Wait = pause.For
	}
	dir, err := os.MkdirTemp(opts.Dir, "clyde-evidence-*")
	if err != nil {
		return nil, err
	}
	set := &Set{Versions: map[string]*review.Evidence{}, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, set.Close())
		}
	}()
	g := &gatherer{
		opts: opts, http: withoutCookies(opts.HTTP), set: set, left: opts.Limits.All, config: config,
		files: map[string]*review.File{}, failed: map[string]error{},
	}
	for i, a := range added {
		if i == opts.Limits.Versions {
			break // review sees that nothing was gathered for the others
		}
		if set.Versions[a.Entry.Vers], err = g.version(ctx, a); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// withoutCookies is the client without what could identify the reviewer.
func withoutCookies(c *http.Client) *http.Client {
	plain := &http.Client{}
	if c != nil {
		plain.Transport, plain.Timeout = c.Transport, c.Timeout
	}
	return plain
}

// configOf reads the configuration by which archives are found, that of the
// base where there is one.
func configOf(base, head fs.FS) (*index.Config, error) {
	tree := base
	if tree == nil {
		tree = head
	}
	data, err := fs.ReadFile(tree, index.ConfigPath)
	if errors.Is(err, fs.ErrNotExist) {
		return &index.Config{}, nil
	}
	if err != nil {
		return nil, err
	}
	config, err := index.ParseConfig(data)
	if err != nil {
		return &index.Config{}, nil //nolint:nilerr // an index whose configuration is broken has no archives of its own
	}
	return config, nil
}

// version gathers what belongs to one version.
func (g *gatherer) version(ctx context.Context, a review.Addition) (*review.Evidence, error) {
	v := &version{gatherer: g, entry: a.Entry, ev: &review.Evidence{Builds: map[string]*review.File{}}}
	steps := []func(context.Context) error{v.origin, v.archives, v.bundles}
	if a.Previous != nil {
		steps = append(steps, func(ctx context.Context) error { return v.previous(ctx, a.Previous) })
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(v.ev.Missing, func(a, b review.Missing) int { return cmp.Compare(a.What, b.What) })
	return v.ev, nil
}

type version struct {
	*gatherer
	entry *index.Entry
	ev    *review.Evidence
}

// missed notes what could not be had. It gives errors of this machine back.
func (v *version) missed(what string, err error) error {
	if err == nil {
		return nil
	}
	why := words(err)
	if why == "" {
		return fmt.Errorf("evidence about %s %s: %s: %w", v.entry.Name, v.entry.Vers, what, err)
	}
	v.ev.Missing = append(v.ev.Missing, review.Missing{What: what, Detail: why})
	return nil
}

// origin asks the repository that the line names for itself, the tag and the
// release.
func (v *version) origin(ctx context.Context) error {
	if v.entry.Source == nil {
		return nil
	}
	origin, err := v.opts.Origin(v.entry.Source.Repository)
	if err != nil {
		return v.missed("repository", err)
	}
	about, err := origin.Origin(ctx)
	if err != nil {
		return v.missed("repository", err)
	}
	v.ev.Repository = &review.Repository{URL: about.URL, RepositoryID: about.ID, OwnerID: about.OwnerID, Fork: about.Fork}
	tag, ok := strings.CutPrefix(v.entry.Source.Ref, "refs/tags/")
	if !ok {
		return nil
	}
	commit, object, err := origin.Tag(ctx, tag)
	switch {
	case err != nil:
		return v.missed("tag", err)
	case commit == "":
		v.ev.Missing = append(v.ev.Missing, review.Missing{What: "tag", Detail: "not found"})
	default:
		v.ev.Tag = &review.Tag{Commit: commit, Object: object}
	}
	release, err := origin.Published(ctx, tag)
	switch {
	case errors.Is(err, ErrNoReleases):
		return nil
	case err != nil:
		return v.missed("release", err)
	}
	v.ev.Release = &review.Release{Prerelease: release.Prerelease, Published: release.Published, Assets: release.Assets}
	return nil
}

func (v *version) archives(ctx context.Context) error {
	var err error
	if v.ev.Archive, err = v.archive(ctx, "archive", v.entry); err != nil {
		return err
	}
	for _, b := range v.entry.Builds {
		f, err := v.file(ctx, b.DL, b.Size)
		if err := v.missed("builds."+b.Platform, err); err != nil {
			return err
		}
		if f != nil {
			v.ev.Builds[b.Platform] = f
		}
	}
	return nil
}

// archive fetches the archive of a version itself.
func (v *version) archive(ctx context.Context, what string, e *index.Entry) (*review.File, error) {
	address, err := v.config.DownloadURL(e)
	if err != nil {
		return nil, v.missed(what, &unavailable{why: "neither the line nor the index says where it is"})
	}
	f, err := v.file(ctx, address, e.Size)
	return f, v.missed(what, err)
}

// file fetches a file once; size is what a line says, 0 for nothing.
func (v *version) file(ctx context.Context, address string, size int64) (*review.File, error) {
	if f, ok := v.files[address]; ok {
		return f, nil
	}
	if err, ok := v.failed[address]; ok {
		return nil, err
	}
	if size <= 0 {
		size = v.opts.Limits.File
	}
	f, err := v.download(ctx, address, size)
	if err != nil {
		v.failed[address] = err
		return nil, err
	}
	v.files[address] = f
	return f, nil
}

// bundles fetches the signature and the provenance.
func (v *version) bundles(ctx context.Context) error {
	att := v.entry.Att
	if att == nil {
		return nil
	}
	var err error
	if v.ev.Bundle, err = v.bundle(ctx, "bundle", att.URL); err != nil || att.Provenance == nil {
		return err
	}
	v.ev.Provenance, err = v.bundle(ctx, "provenance", att.Provenance.URL)
	return err
}

func (v *version) bundle(ctx context.Context, what, address string) ([]byte, error) {
	f, err := v.file(ctx, address, attest.MaxBundleSize)
	if err != nil {
		return nil, v.missed(what, err)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

func (v *version) previous(ctx context.Context, e *index.Entry) error {
	var err error
	v.ev.Previous, err = v.archive(ctx, "previous", e)
	return err
}
