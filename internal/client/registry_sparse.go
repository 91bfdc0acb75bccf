package client

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/clydepm/clyde/index"
)

// sparseRegistry reads an index from a web server. One that was exported by
// clyde has a change log: it is kept as one packed file, as a git repository is.
// Any other has the files of packages and no more: they are asked for one by one
// and kept. Which of the two it is shows at the first request.
type sparseRegistry struct {
	config RegistryConfig
	host   *fileHost
	packed *gitRegistry
	plain  *catalogRegistry
	files  *documents // of plain

	mu    sync.Mutex
	shown Registry // packed or plain; nil until it is known
}

func newSparseRegistry(c *Config, config RegistryConfig, base string, there Location, a Access) (*sparseRegistry, error) {
	if !isWeb(there) {
		return nil, wrongServer(config, there, "sparse+https://example.org/index/")
	}
	host := newFileHost(there.URL, a, c.Timeout)
	s := &sparseRegistry{config: config, host: host}
	s.packed = &gitRegistry{
		config: config, packages: map[string]index.File{},
		copy: gitCopy{
			name: config.Name, url: there.String(), base: base, static: host,
			offline: c.Offline || a.KeptOnly, timeout: c.Timeout, access: a,
		},
	}
	s.files = newDocuments(c, config, host, base, a)
	s.plain = newCatalogRegistry(c, config, plainCatalog{s.files})
	return s, nil
}

func (s *sparseRegistry) Config() RegistryConfig { return s.config }

// reader is the form in which the registry is kept. What is kept decides; when
// there is nothing, the server is asked.
func (s *sparseRegistry) reader(ctx context.Context) (Registry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown != nil {
		return s.shown, nil
	}
	if _, err := s.packed.copy.readRecord(); err == nil {
		s.shown = s.packed
	} else if s.files.kept() {
		s.shown = s.plain
	} else if s.packed.copy.offline {
		return nil, &registryError{s.config.Name, s.packed.copy.offlineError("it was never fetched")}
	} else if err := s.begin(ctx); err != nil {
		return nil, &registryError{s.config.Name, err}
	}
	return s.shown, nil
}

// begin fetches the first copy. The caller holds s.mu.
func (s *sparseRegistry) begin(ctx context.Context) error {
	_, err := s.packed.copy.make(ctx)
	switch {
	case errors.Is(err, errAbsent):
		s.shown = s.plain
		return s.plain.catalog.update(ctx)
	case err != nil:
		return err
	}
	s.shown = s.packed
	return nil
}

// Update moves to the newest state. One that has become an export of clyde is
// taken for that from now on; one that was cannot become less.
func (s *sparseRegistry) Update(ctx context.Context, opts UpdateOptions) (Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.packed.copy.offline {
		return s.packed.Update(ctx, opts)
	}
	change, err := s.packed.Update(ctx, opts)
	if !errors.Is(err, errAbsent) {
		if err == nil {
			s.shown = s.packed
		}
		return change, err
	}
	s.shown = s.plain
	return s.plain.Update(ctx, opts)
}

func (s *sparseRegistry) Status(ctx context.Context) (Status, error) {
	r, err := s.reader(ctx)
	if err != nil {
		return Status{}, err
	}
	return r.Status(ctx)
}

func (s *sparseRegistry) Count(ctx context.Context) (n int, known bool, err error) {
	r, err := s.reader(ctx)
	if err != nil {
		return 0, false, err
	}
	return r.Count(ctx)
}

func (s *sparseRegistry) Index(ctx context.Context) (*index.Config, error) {
	r, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return r.Index(ctx)
}

func (s *sparseRegistry) Package(ctx context.Context, name string) (index.File, error) {
	r, err := s.reader(ctx)
	if err != nil {
		return index.File{}, err
	}
	return r.Package(ctx, name)
}

func (s *sparseRegistry) Entries(ctx context.Context, name string) ([]*index.Entry, error) {
	r, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return r.Entries(ctx, name)
}

func (s *sparseRegistry) View(ctx context.Context, commit string, read func(fs.FS) error) error {
	r, err := s.reader(ctx)
	if err != nil {
		return err
	}
	return r.View(ctx, commit, read)
}

// Prove implements [Registry]. A registry without a change log proves nothing.
func (s *sparseRegistry) Prove(ctx context.Context, commit string, fetch bool) error {
	if _, err := s.packed.copy.readRecord(); err != nil && !fetch {
		return s.packed.Prove(ctx, commit, false)
	}
	r, err := s.reader(ctx)
	if err != nil {
		return unproved(ctx, commit, err)
	}
	return r.Prove(ctx, commit, fetch)
}

// Releases is [sparseRegistry.Entries] as choosing versions needs it.
func (s *sparseRegistry) Releases(ctx context.Context, name string) (*index.Releases, error) {
	r, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return releasesOf(ctx, r, name)
}

func (s *sparseRegistry) Search(ctx context.Context, q Query) ([]Match, error) {
	r, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	return r.Search(ctx, q)
}

func (s *sparseRegistry) Close() error {
	err := errors.Join(s.packed.Close(), s.plain.Close())
	s.host.close()
	return err
}

// forget removes what is kept of a registry that is no longer configured.
func (s *sparseRegistry) forget(ctx context.Context) error {
	return errors.Join(s.packed.forget(ctx), s.plain.forget(ctx))
}

// namesLimit bounds the list of names of a registry.
const namesLimit = 256 << 20
