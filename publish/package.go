package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// maxManifest bounds the manifest file.
const maxManifest = 1 << 20

// Options say which package is published and where to.
type Options struct {
	Target
	Dir    string // root of the package, absolute
	Store  Store
	Source *index.Source // where the package comes from; may be nil
	// Artifacts are those that the manifest does not name, or names otherwise: a
	// path or pattern for each platform. It may be nil.
	Artifacts map[string]string
	// Sign signs a line, which has everything but the signature, and says where
	// the bundle is. It is called when the plan is applied, and not for a line
	// that is proposed or published already. It may be nil.
	Sign func(ctx context.Context, entry *index.Entry) (*index.Attestation, error)
	// Registry returns the address of the registry that a manifest knows by an
	// alias, or "" when that is the destination itself.
	Registry func(alias string) (address string, err error)
	Limits   archive.Limits
}

// Archive is an archive of a plan.
type Archive struct {
	Platform string // of a build; "" for the package itself
	Name     string
	URL      string
	Summary  archive.Summary

	file string // the packed file, temporary
}

// NewPackagePlan plans to publish the package in a folder. The error is
// strictyaml.Problems for a faulty manifest, *archive.RefusedError for a tree
// that cannot be packed, and a *ConflictError for a version that is published
// with other bytes. The caller closes the plan.
func NewPackagePlan(ctx context.Context, opts Options) (*Plan, error) {
	m, packed, err := packFolder(ctx, opts)
	if err != nil {
		return nil, errors.Join(err, removeArchives(packed))
	}
	entry, err := newEntry(m, packed, opts)
	if err != nil {
		return nil, errors.Join(err, removeArchives(packed))
	}
	r := &release{entry: entry, packed: packed, sign: opts.Sign}
	plan, err := newPlan(ctx, Plan{
		Kind:     index.KindPublish,
		Package:  entry.Name,
		Archives: packed,
		target:   opts.Target,
		wanted:   entry.Vers,
		store:    opts.Store,
		release:  r,
		derive:   r.derive,
	})
	if err != nil {
		return nil, errors.Join(err, removeArchives(packed))
	}
	return plan, nil
}

// packFolder reads the manifest and packs the folder to temporary files: the
// package itself first, then its builds. The files that are packed are returned
// even with an error.
func packFolder(ctx context.Context, opts Options) (*manifest.Manifest, []*Archive, error) {
	root, err := os.OpenRoot(opts.Dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	m, err := ReadManifest(root)
	if err != nil {
		return nil, nil, err
	}
	if m.Artifacts == nil {
		m.Artifacts = map[string]string{}
	}
	maps.Copy(m.Artifacts, opts.Artifacts)
	var packed []*Archive
	for _, platform := range append([]string{""}, slices.Sorted(maps.Keys(m.Artifacts))...) {
		a, err := packOne(ctx, root, m, platform, opts)
		if a != nil {
			packed = append(packed, a)
		}
		if err != nil {
			return nil, packed, err
		}
	}
	return m, packed, nil
}

func packOne(ctx context.Context, root *os.Root, m *manifest.Manifest, platform string, opts Options) (*Archive, error) {
	files, err := Select(root, m, platform, opts.Limits)
	if err != nil {
		return nil, err
	}
	out, err := os.CreateTemp("", "clyde-publish-*.tar.gz")
	if err != nil {
		return nil, err
	}
	a := &Archive{Platform: platform, Name: m.ArchiveName(platform), file: out.Name()}
	a.Summary, err = Pack(ctx, out, root, m, files, opts.Limits)
	a.URL = opts.Store.URL(a.Name, a.Summary.SHA256)
	return a, errors.Join(err, out.Close())
}

func removeArchives(archives []*Archive) error {
	var err error
	for _, a := range archives {
		err = errors.Join(err, os.Remove(a.file))
	}
	return err
}

// ReadManifest reads the manifest of the package at root, which must have what
// publishing needs. The error is strictyaml.Problems for a faulty one, and
// ErrNotFound when there is none.
func ReadManifest(root *os.Root) (*manifest.Manifest, error) {
	info, err := root.Stat(filepath.FromSlash(manifest.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Kind: ErrNotFound, Detail: fmt.Sprintf("there is no %s in %s", manifest.Path, root.Name()), Remedy: "run 'clyde init' to write one"}
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > maxManifest {
		return nil, strictyaml.Problems{{File: manifest.Path, Detail: fmt.Sprintf("the file has more than %d bytes", maxManifest)}}
	}
	data, err := root.ReadFile(filepath.FromSlash(manifest.Path))
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(manifest.Path, data)
	if err != nil {
		return nil, err
	}
	return m, m.CheckPublishable()
}

// newEntry completes the manifest's fields to a line.
func newEntry(m *manifest.Manifest, packed []*Archive, opts Options) (*index.Entry, error) {
	facts := manifest.Facts{Pubtime: opts.Now().UTC().Format(index.TimeLayout), Source: opts.Source, Registry: opts.Registry}
	for _, a := range packed {
		build := index.Build{Platform: a.Platform, DL: a.URL, Cksum: a.Summary.SHA256, Size: a.Summary.Size}
		if a.Platform == "" {
			facts.Archive = build
			continue
		}
		facts.Builds = append(facts.Builds, build)
	}
	return m.Line(facts)
}
