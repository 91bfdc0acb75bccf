package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// fallbackRegistry asks a registry and then, for packages that it does not
// have, others in order. Only that a registry has no such package leads to the
// next one: one that cannot answer might have it, and the name of a package must
// not change hands because a server is down. Everything but packages is the
// first registry's: its policy and its keys hold for what the others have, too.
type fallbackRegistry struct {
	Registry
	others []Registry
}

// openFallback opens a registry with what it falls back on.
func openFallback(c *Config, entry RegistryConfig, first Registry, a Access) (Registry, error) {
	f := &fallbackRegistry{Registry: first}
	for _, place := range entry.Fallback {
		r, err := openKind(c, RegistryConfig{
			Name: entry.Name, URL: place.URL, Kind: place.Kind, Verify: entry.Verify, Versions: entry.Versions, TTL: entry.TTL, Origin: entry.Origin,
		}, a)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("fallback of registry %s: %w", entry.Name, err), f.Close())
		}
		f.others = append(f.others, r)
	}
	return f, nil
}

// members are all registries in the order they are asked.
func (f *fallbackRegistry) members() []Registry { return append([]Registry{f.Registry}, f.others...) }

// find asks one registry after the other, until one has the package.
func (f *fallbackRegistry) find(name string, ask func(Registry) error) (Registry, error) {
	none := &NoPackageError{Name: name}
	for _, r := range f.members() {
		err := ask(r)
		switch {
		case err == nil:
			return r, nil
		case isNoPackage(err):
			none.Asked = append(none.Asked, r.Config().URL)
		case len(none.Asked) > 0:
			return nil, fmt.Errorf("%w (%s)", err, none.whoHasNone())
		default:
			return nil, err
		}
	}
	return nil, none
}

func (f *fallbackRegistry) Package(ctx context.Context, name string) (file index.File, err error) {
	r, err := f.find(name, func(r Registry) error {
		file, err = r.Package(ctx, name)
		return err
	})
	if err != nil {
		return index.File{}, err
	}
	file.Entries, err = f.addressed(ctx, r, file.Entries)
	return file, err
}

func (f *fallbackRegistry) Entries(ctx context.Context, name string) (entries []*index.Entry, err error) {
	r, err := f.find(name, func(r Registry) error {
		entries, err = r.Entries(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f.addressed(ctx, r, entries)
}

// addressed gives the lines of another registry the addresses of their
// archives, which they may have from that registry's config.json.
func (f *fallbackRegistry) addressed(ctx context.Context, from Registry, entries []*index.Entry) ([]*index.Entry, error) {
	if from == f.Registry {
		return entries, nil
	}
	config, err := from.Index(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*index.Entry, len(entries))
	for i, e := range entries {
		all[i] = e
		if address, err := config.DownloadURL(e); err == nil && address != e.DL {
			all[i] = e.Clone()
			all[i].DL = address
		}
	}
	return all, nil
}

// Search lists what any of the registries has; of two packages of one name the
// one that would be installed.
func (f *fallbackRegistry) Search(ctx context.Context, q Query) ([]Match, error) {
	var all []Match
	seen := map[string]bool{}
	for _, r := range f.members() {
		found, err := r.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if name := index.Fold(m.Name); !seen[name] {
				seen[name] = true
				all = append(all, m)
			}
		}
	}
	sortMatches(all)
	return all, nil
}

// Count is not known: the same package may be in several of the registries.
func (f *fallbackRegistry) Count(context.Context) (int, bool, error) { return 0, false, nil }

// Update brings all of them up to date and tells what changed in the first.
func (f *fallbackRegistry) Update(ctx context.Context, opts UpdateOptions) (Change, error) {
	change, err := f.Registry.Update(ctx, opts)
	all := []error{err}
	for _, r := range f.others {
		if _, err := r.Update(ctx, opts); err != nil {
			all = append(all, fmt.Errorf("fallback %s: %w", r.Config().URL, err))
		}
	}
	return change, errors.Join(all...)
}

// View shows the first registry, with the packages that others have.
func (f *fallbackRegistry) View(ctx context.Context, commit string, read func(fs.FS) error) error {
	return f.Registry.View(ctx, commit, func(first fs.FS) error {
		return f.viewOthers(ctx, fallbackFiles{first}, f.others, read)
	})
}

func (f *fallbackRegistry) viewOthers(ctx context.Context, seen fallbackFiles, rest []Registry, read func(fs.FS) error) error {
	if len(rest) == 0 {
		return read(seen)
	}
	return rest[0].View(ctx, "", func(files fs.FS) error {
		return f.viewOthers(ctx, append(seen, files), rest[1:], read)
	})
}

func (f *fallbackRegistry) Close() error {
	var all []error
	for _, r := range f.members() {
		all = append(all, r.Close())
	}
	return errors.Join(all...)
}

func (f *fallbackRegistry) forget(ctx context.Context) error {
	var all []error
	for _, r := range f.members() {
		if cached, ok := r.(interface{ forget(context.Context) error }); ok {
			all = append(all, cached.forget(ctx))
		}
	}
	return errors.Join(all...)
}

// fallbackFiles are the trees of several registries, the first one's with what
// the others have of packages that it has not.
type fallbackFiles []fs.FS

// Open implements fs.FS. The owners of a package are those that the registry
// names from which the package is taken.
func (f fallbackFiles) Open(name string) (fs.File, error) {
	pkg := name
	if owned, ok := index.OwnersOf(name); ok {
		path, err := index.Path(owned)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		pkg = path
	} else if _, ok := index.NameOf(name); !ok {
		return f[0].Open(name)
	}
	for _, files := range f[:len(f)-1] {
		file, err := files.Open(pkg)
		switch {
		case err == nil:
			return openBeside(files, file, pkg, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return f[len(f)-1].Open(name)
}

// openBeside opens another file of the tree that has a package, whose own file
// is open already.
func openBeside(files fs.FS, file fs.File, pkg, name string) (fs.File, error) {
	if pkg == name {
		return file, nil
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return files.Open(name)
}
