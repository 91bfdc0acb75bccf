package client

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// Source gives the resolver the lines of the configured registries. It is a
// [resolve.Source] and a [resolve.Suggester].
type Source struct {
	registries *Registries

	mu      sync.Mutex
	unknown []string // URLs that lines named and nobody configured
	read    map[resolve.Package]*index.Releases
}

// Source makes a source that shows what the registries show.
func (s *Registries) Source() *Source {
	return &Source{registries: s, read: map[resolve.Package]*index.Releases{}}
}

// Versions reads the versions of a package from its own registry and no other.
func (s *Source) Versions(ctx context.Context, p resolve.Package) (*index.Releases, error) {
	r, err := s.registries.Get(p.Registry)
	if err != nil {
		return nil, err
	}
	releases, err := releasesOf(ctx, r, p.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read[resolve.Package{Registry: p.Registry, Name: index.Fold(p.Name)}] = releases
	return releases, err
}

// releases are the versions of a package of a registry, as they were read for the
// resolver, or read now. A nil source has read nothing.
func (s *Source) releases(ctx context.Context, r Registry, name string) (*index.Releases, error) {
	if s != nil {
		s.mu.Lock()
		releases := s.read[resolve.Package{Registry: r.Config().Name, Name: index.Fold(name)}]
		s.mu.Unlock()
		if releases != nil {
			return releases, nil
		}
	}
	return releasesOf(ctx, r, name)
}

// releaser is a [Registry] that can tell what versions there are without reading
// the whole of them.
type releaser interface {
	Releases(ctx context.Context, name string) (*index.Releases, error)
}

func releasesOf(ctx context.Context, r Registry, name string) (*index.Releases, error) {
	if r, ok := r.(releaser); ok {
		return r.Releases(ctx, name)
	}
	entries, err := r.Entries(ctx, name)
	if err != nil {
		return nil, err
	}
	return index.ReleasesOf(entries), nil
}

// Coexist reports whether the lock may have incompatible versions of a package
// of the registry side by side: as the configuration says, and else the registry.
func (s *Source) Coexist(ctx context.Context, registry string) (bool, error) {
	r, err := s.registries.Get(registry)
	if err != nil {
		return false, err
	}
	return coexist(ctx, r)
}

func coexist(ctx context.Context, r Registry) (bool, error) {
	versions := r.Config().Versions
	if versions == "" {
		config, err := r.Index(ctx)
		if err != nil {
			return false, err
		}
		versions = config.Clyde.Versions
	}
	return versions == index.CargoVersions, nil
}

// Locate maps the registry that an index line names by URL to the configured
// one. The error is an [UnknownRegistryError] when there is none.
func (s *Source) Locate(_ context.Context, _ resolve.Package, registry string) (string, error) {
	r, err := s.registries.ByURL(registry)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Contains(s.unknown, registry) {
			s.unknown = append(s.unknown, registry)
		}
		return "", &UnknownRegistryError{URL: registry}
	}
	return r.Config().Name, nil
}

// Nearest suggests names of the same registry that are written alike.
func (s *Source) Nearest(ctx context.Context, p resolve.Package) []string {
	r, err := s.registries.Get(p.Registry)
	if err != nil {
		return nil
	}
	matches, err := r.Search(ctx, Query{Text: p.Name, Yanked: true, Guess: true})
	if err != nil {
		return nil // a suggestion less is no failure
	}
	return nearestOf(matches)
}

// Explain adds to a failed resolution that lines named registries which are
// not configured, if there were any: without them some versions could not be
// used.
func (s *Source) Explain(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var conflict *resolve.Conflict
	if len(s.unknown) == 0 || !errors.As(err, &conflict) {
		return err
	}
	return &explained{conflict, (&UnknownRegistryError{URL: s.unknown[0]}).Hint()}
}

// explained is a conflict with a remedy that the resolver cannot know.
type explained struct {
	*resolve.Conflict
	remedy string
}

func (e *explained) Unwrap() error { return e.Conflict }
func (e *explained) Hint() string  { return e.remedy }

// Locate decides which configured registry a dependency of the project belongs
// to. A pin, an alias or a URL, is authoritative; one that contradicts a claim is
// a [ClaimedError]. Without one, a name that is claimed is the claiming
// registry's; of any other the registry that the lock recorded stays, by its URL;
// "" says that the lock has none. Otherwise it is [Registries.Choose].
func (s *Registries) Locate(ctx context.Context, name, pin, lockedURL string) (Registry, error) {
	if pin != "" {
		return s.pinned(name, pin)
	}
	_, claimed := s.claims.Of(name)
	switch {
	case claimed:
		return s.Choose(ctx, name)
	case lockedURL != "":
		return s.ByURL(lockedURL)
	}
	return s.Choose(ctx, name)
}

// pinned finds the registry that a dependency names.
func (s *Registries) pinned(name, pin string) (r Registry, err error) {
	if CheckAlias(pin) == nil {
		r, err = s.Get(pin)
	} else {
		r, err = s.ByURL(pin)
	}
	if err != nil {
		return nil, err
	}
	return r, s.claims.Check(r.Config().Name, name)
}
