package client

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
)

// catalog tells what a place that is no whole index has, in the words of one.
type catalog interface {
	// update makes everything be asked for again, and reports whether the place
	// answers as a registry.
	update(ctx context.Context) error
	status(ctx context.Context) (Status, error)
	// index is the text of config.json.
	index(ctx context.Context) ([]byte, error)
	// lines are the index lines of a package; errAbsent when it has none of that
	// name.
	lines(ctx context.Context, name string) ([]byte, error)
	search(ctx context.Context, q Query) ([]Match, error)
	// count says how many packages there are, if that can be told.
	count(ctx context.Context) (n int, known bool, err error)
	// distant reports whether asking for a package takes a while.
	distant() bool
	close() error
	forget() error
}

// maxAhead bounds how many packages one run asks for before they are needed.
const maxAhead = 5000

// catalogRegistry is a registry made of a catalog.
type catalogRegistry struct {
	config  RegistryConfig
	catalog catalog
	claims  Claims // names that another registry claims are not fetched ahead

	mu      sync.Mutex
	asked   map[string]bool // names that were asked for ahead
	running sync.WaitGroup
	ctx     context.Context //nolint:containedctx // of what is fetched ahead, which outlives a question and ends at Close
	stop    context.CancelFunc
}

func newCatalogRegistry(c *Config, config RegistryConfig, from catalog) *catalogRegistry {
	r := &catalogRegistry{config: config, catalog: from, claims: c.Claims, asked: map[string]bool{}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

func (r *catalogRegistry) Config() RegistryConfig { return r.config }

// Update has no commits to tell of.
func (r *catalogRegistry) Update(ctx context.Context, _ UpdateOptions) (_ Change, err error) {
	defer nameRegistry(&err, r.config.Name)
	r.mu.Lock()
	clear(r.asked)
	r.mu.Unlock()
	return Change{}, r.catalog.update(ctx)
}

func (r *catalogRegistry) Status(ctx context.Context) (_ Status, err error) {
	defer nameRegistry(&err, r.config.Name)
	return r.catalog.status(ctx)
}

func (r *catalogRegistry) Count(ctx context.Context) (n int, known bool, err error) {
	defer nameRegistry(&err, r.config.Name)
	return r.catalog.count(ctx)
}

func (r *catalogRegistry) Index(ctx context.Context) (_ *index.Config, err error) {
	defer nameRegistry(&err, r.config.Name)
	data, err := r.catalog.index(ctx)
	if err != nil {
		return nil, err
	}
	return parseIndexConfig(data)
}

func (r *catalogRegistry) Package(ctx context.Context, name string) (_ index.File, err error) {
	defer nameRegistry(&err, r.config.Name)
	if _, err := index.Path(name); err != nil {
		return index.File{}, &NoPackageError{Name: name}
	}
	data, err := r.catalog.lines(ctx, name)
	if errors.Is(err, errAbsent) {
		return index.File{}, &NoPackageError{Name: name}
	}
	if err != nil {
		return index.File{}, err
	}
	return indexcache.Lines(name, data), nil
}

// Entries begins to fetch what the newest version depends on: whoever resolves
// will ask for it.
func (r *catalogRegistry) Entries(ctx context.Context, name string) ([]*index.Entry, error) {
	file, err := r.Package(ctx, name)
	if err == nil && r.catalog.distant() {
		r.fetchAhead(file.Entries)
	}
	return file.Entries, err
}

func (r *catalogRegistry) fetchAhead(entries []*index.Entry) {
	newest := indexcache.Newest(entries)
	if newest == nil {
		return
	}
	for i := range newest.Deps {
		d := &newest.Deps[i]
		if d.Kind == index.KindDev || d.Optional || d.Registry != "" || r.claims.Check(r.config.Name, d.PackageName()) != nil {
			continue
		}
		if r.startAhead(d.PackageName()) {
			r.running.Go(func() {
				if file, err := r.Package(r.ctx, d.PackageName()); err == nil {
					r.fetchAhead(file.Entries)
				}
			})
		}
	}
}

// startAhead reports whether a package is to be fetched ahead.
func (r *catalogRegistry) startAhead(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := index.Fold(name)
	if r.asked[key] || len(r.asked) >= maxAhead || r.ctx.Err() != nil {
		return false
	}
	r.asked[key] = true
	return true
}

func (r *catalogRegistry) Search(ctx context.Context, q Query) (_ []Match, err error) {
	defer nameRegistry(&err, r.config.Name)
	return r.catalog.search(ctx, q)
}

// View shows config.json and the files of packages, as an index has them.
func (r *catalogRegistry) View(ctx context.Context, _ string, read func(fs.FS) error) (err error) {
	defer nameRegistry(&err, r.config.Name)
	return read(catalogFiles{ctx, r.catalog})
}

// Prove has nothing to prove: there are no commits.
func (r *catalogRegistry) Prove(context.Context, string, bool) error { return nil }

func (r *catalogRegistry) Close() error {
	r.stop()
	r.running.Wait()
	return r.catalog.close()
}

func (r *catalogRegistry) forget(context.Context) error {
	return errors.Join(r.Close(), r.catalog.forget())
}

// catalogFiles is a catalog as a file system without folders.
type catalogFiles struct {
	ctx     context.Context //nolint:containedctx // lives as long as the question
	catalog catalog
}

// Open implements fs.FS.
func (f catalogFiles) Open(name string) (fs.File, error) {
	var data []byte
	err := errAbsent
	if pkg, ok := index.NameOf(name); ok {
		data, err = f.catalog.lines(f.ctx, pkg)
	} else if name == index.ConfigPath {
		data, err = f.catalog.index(f.ctx)
	}
	if errors.Is(err, errAbsent) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return newMemoryFile(name, data), nil
}
