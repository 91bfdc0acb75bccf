package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/spelling"
)

// Registry is one place where packages are published. It shows one state of
// it, chosen at the first question, until Update. It is safe for use by several
// goroutines. Errors are in the classes of this package.
type Registry interface {
	// Config is the configured entry; its Kind is never empty.
	Config() RegistryConfig
	// Status says which state is shown.
	Status(ctx context.Context) (Status, error)
	// Count says how many packages it has, if that is known.
	Count(ctx context.Context) (n int, known bool, err error)
	// Index reads the registry's config.json.
	Index(ctx context.Context) (*index.Config, error)
	// Package reads all versions of a package; *NoPackageError when the
	// registry has none of that name.
	Package(ctx context.Context, name string) (index.File, error)
	// Entries reads what resolving needs of all versions of a package, see
	// [indexcache.File.Entries]; they are to be read only. *NoPackageError when
	// the registry has none of that name.
	Entries(ctx context.Context, name string) ([]*index.Entry, error)
	// View shows the files of the index to read, at a commit, or as they are
	// shown otherwise when commit is "" or not here.
	View(ctx context.Context, commit string, read func(files fs.FS) error) error
	// Prove proves that a commit that a lock names is of the history of the state
	// that is shown, or moves on to the newest state and proves it there. A
	// registry without commits proves nothing. One that was never fetched is
	// fetched if fetch is set. The error is an [UnprovedError] when nobody could be
	// asked, and [ErrIntegrity] when the commit is of another history.
	Prove(ctx context.Context, commit string, fetch bool) error
	// Search lists what matches, best first.
	Search(ctx context.Context, q Query) ([]Match, error)
	// Update moves to the newest state of the registry.
	Update(ctx context.Context, opts UpdateOptions) (Change, error)
	// Close releases open files.
	Close() error
}

// Status is the state of a registry that is shown.
type Status struct {
	Commit  string    // ID of the commit, "" for a kind that has none
	Updated time.Time // when it was last brought up to date; zero for a kind that is read in place
	Signed  time.Time // until when the signature of the head holds; zero when nobody signs it
}

// UpdateOptions says how far an update may go.
type UpdateOptions struct {
	// AcceptHistory names, by registry, the commit whose history is taken over
	// although it does not follow the one that was known, or stands still. It is
	// a whole ID, or its first 12 digits or more.
	AcceptHistory map[string]string
}

// Change is what an update did.
type Change struct {
	Old, New string           // commits; Old is "" for the first copy
	Packages int              // how many packages are new, changed or gone
	Squashes []history.Squash // declared, that were followed; newest first
}

// Registries are the configured registries, opened when they are first asked.
type Registries struct {
	list   []Registry // in lookup order
	claims Claims
	jobs   int
}

// Access is what registries need of the outside world.
type Access struct {
	Now func() time.Time
	// Note tells a person of work that takes a while or repairs something; it
	// may be called by several goroutines. It may be nil.
	Note func(format string, args ...any)
	// KeptOnly reads what is kept in the cache, and makes no copy of a registry
	// that is not, wherever it is.
	KeptOnly bool
	// HTTP asks web servers; nil is a client of its own. [OpenRegistry] adds the
	// credentials of the configuration to it.
	HTTP *http.Client
	// Wait passes the time between attempts; nil really waits.
	Wait func(ctx context.Context, d time.Duration) error

	credentials *credential.Finder
}

func (a Access) note(format string, args ...any) {
	if a.Note != nil {
		a.Note(format, args...)
	}
}

// OpenRegistries opens all configured registries. Nothing is read yet. The
// caller must call Close.
func OpenRegistries(c *Config, a Access) (*Registries, error) {
	set := &Registries{jobs: c.Jobs, claims: c.Claims}
	for _, entry := range c.Registries {
		r, err := OpenRegistry(c, entry, a)
		if err != nil {
			return nil, errors.Join(err, set.Close())
		}
		set.list = append(set.list, r)
	}
	if c.Vendor != "" {
		if err := set.replaceVendored(c); err != nil {
			return nil, errors.Join(err, set.Close())
		}
	}
	if len(c.Claims) > 0 {
		for i, r := range set.list {
			set.list[i] = &claimedRegistry{r, c.Claims}
		}
	}
	return set, nil
}

// OpenRegistry opens one registry, whether it is configured or not. Nothing is
// read yet. The caller must call Close.
func OpenRegistry(c *Config, entry RegistryConfig, a Access) (Registry, error) {
	a.HTTP, a.credentials = c.HTTP(a.HTTP), c.Credentials
	r, err := openKind(c, entry, a)
	if err != nil || len(entry.Fallback) == 0 {
		return r, err
	}
	return openFallback(c, entry, r, a)
}

// openKind opens a registry by its kind. What is kept of it is kept under its
// own address, wherever a mirror has it.
func openKind(c *Config, entry RegistryConfig, a Access) (Registry, error) {
	location, err := ParseLocation(entry.URL, c.Places.Cache)
	if err != nil {
		return nil, err
	}
	there, err := c.mirrored(location)
	if err != nil {
		return nil, err
	}
	if entry.Kind == "" {
		// A folder that cannot be looked at now, such as an unplugged disk, is
		// an error of the first question, not of every command.
		if entry.Kind, err = location.InferKind(); err != nil && location.Path != "" {
			entry.Kind = KindDir
		}
	}
	if err := checkKind(entry.Kind); err != nil {
		return nil, err
	}
	base := copyBase(c, entry, location)
	switch entry.Kind {
	case KindDir:
		return newDirRegistry(entry, there)
	case KindSparse:
		return newSparseRegistry(c, entry, base, there, a)
	case KindAPI:
		return newAPIRegistry(c, entry, base, there, a)
	case KindPackages:
		return newPackagesRegistry(c, entry, base, there, a)
	case KindReleases:
		return newReleasesRegistry(c, entry, base, there, a)
	}
	return newGitRegistry(c, entry, base, there, a), nil
}

// All lists the registries in lookup order.
func (s *Registries) All() []Registry { return s.list }

// Close closes all registries.
func (s *Registries) Close() error {
	var all []error
	for _, r := range s.list {
		all = append(all, r.Close())
	}
	return errors.Join(all...)
}

// Get finds a registry by its alias; the error is [ErrNotFound].
func (s *Registries) Get(name string) (Registry, error) {
	var names []string
	for _, r := range s.list {
		if r.Config().Name == name {
			return r, nil
		}
		names = append(names, r.Config().Name)
	}
	remedy := "add it with 'clyde registry add URL --name " + name + "'"
	if near := spelling.Nearest(name, names); near != "" {
		remedy = "did you mean " + near + "?"
	}
	return nil, &Error{Class: ErrNotFound, Message: fmt.Sprintf("no registry named %q is configured", name), Remedy: remedy}
}

// ByURL finds the registry that an index line or a lock names by its URL; the
// error is an [UnknownRegistryError] when none has it.
func (s *Registries) ByURL(url string) (Registry, error) {
	location, err := ParseLocation(url, "/")
	if err != nil {
		return nil, err
	}
	for _, r := range s.list {
		have, err := ParseLocation(r.Config().URL, "/")
		if err == nil && have.Key() == location.Key() {
			return r, nil
		}
	}
	return nil, &UnknownRegistryError{URL: url}
}

// Each calls do for every registry, several at a time, and returns when all
// are done. One that fails does not stop the others.
func (s *Registries) Each(ctx context.Context, registries []Registry, do func(ctx context.Context, position int, r Registry)) {
	var group errgroup.Group
	group.SetLimit(max(s.jobs, 1))
	for i, r := range registries {
		group.Go(func() error {
			do(ctx, i, r)
			return nil
		})
	}
	_ = group.Wait() // the functions return nil
}

// Find asks every registry that may have a package and reports those that have it,
// in lookup order. The error joins the failures of those that could not answer.
func (s *Registries) Find(ctx context.Context, name string) ([]Registry, error) {
	list := s.permitted(name)
	has, errs := make([]bool, len(list)), make([]error, len(list))
	s.Each(ctx, list, func(ctx context.Context, i int, r Registry) {
		_, err := releasesOf(ctx, r, name)
		has[i] = err == nil
		if err != nil && !isNoPackage(err) {
			errs[i] = err
		}
	})
	var found []Registry
	for i, r := range list {
		if has[i] {
			found = append(found, r)
		}
	}
	return found, errors.Join(errs...)
}

// permitted are the registries that may be asked for a name: the one that claims
// it, or else all.
func (s *Registries) permitted(name string) []Registry {
	var list []Registry
	for _, r := range s.list {
		if s.claims.Check(r.Config().Name, name) == nil {
			list = append(list, r)
		}
	}
	return list
}

// Choose decides which registry a name without a pin belongs to: the only one
// that has it. Several are [ErrRefused], none is [ErrNotFound], and a registry
// that cannot answer is an error too, for it might have the name.
func (s *Registries) Choose(ctx context.Context, name string) (Registry, error) {
	if len(s.list) == 0 {
		return nil, NoRegistryError()
	}
	found, err := s.Find(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return nil, s.unknownPackage(ctx, name)
	}
	var names []string
	for _, r := range found {
		names = append(names, r.Config().Name)
	}
	return nil, &Error{
		Class:   ErrRefused,
		Message: fmt.Sprintf("package %q is in more than one registry: %s", name, strings.Join(names, ", ")),
		Remedy:  "say which one: 'registry: " + names[0] + "' in the manifest, or --registry " + names[0],
	}
}

// NoRegistryError says that there is no registry to ask.
func NoRegistryError() error {
	return &Error{Class: ErrNotFound, Message: "no registry is configured", Remedy: "add one with 'clyde registry add URL'"}
}

// unknownPackage explains that no registry has the name, with near ones.
func (s *Registries) unknownPackage(ctx context.Context, name string) error {
	var asked []string
	for _, r := range s.permitted(name) {
		asked = append(asked, r.Config().Name)
	}
	e := &Error{
		Class: ErrNotFound, Message: fmt.Sprintf("no package %q in %s", name, strings.Join(asked, ", ")),
		Remedy: "look for it with 'clyde search', or bring the copies up to date with 'clyde registry update'",
	}
	if claim, ok := s.claims.Of(name); ok {
		e.Message += fmt.Sprintf(", which claims %q (%s)", claim.Pattern, claim.Origin)
	}
	if near := s.NearestNames(ctx, name); len(near) > 0 {
		e.Remedy = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return e
}
