package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/clydepm/clyde/index"
)

// dirRegistry reads a folder in the index layout in place. Its files may change
// at any time; a package is read once, so that one run sees one state of it.
type dirRegistry struct {
	config RegistryConfig
	path   string

	mu       sync.Mutex
	root     *os.Root // nil until the first question
	packages map[string]index.File
}

func newDirRegistry(config RegistryConfig, location Location) (*dirRegistry, error) {
	if location.Path == "" {
		return nil, &Error{
			Class: ErrUsage, Message: fmt.Sprintf("registry %s: the kind dir needs a folder, not %s", config.Name, location),
			Remedy: "give a path or a file:// URL, or the kind git",
		}
	}
	return &dirRegistry{config: config, path: location.Path, packages: map[string]index.File{}}, nil
}

func (d *dirRegistry) Config() RegistryConfig { return d.config }

// open opens the folder at the first question. Nothing that is read later can
// lie outside of it.
func (d *dirRegistry) open() (indexTree, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.root == nil {
		root, err := os.OpenRoot(d.path)
		if errors.Is(err, fs.ErrNotExist) {
			return indexTree{}, &Error{Class: ErrNotFound, Message: "there is no folder " + d.path, Remedy: "check the address with 'clyde registry show " + d.config.Name + "'"}
		}
		if err != nil {
			return indexTree{}, err
		}
		tree := indexTree{root.FS()}
		if err := tree.checkIndex(); err != nil {
			return indexTree{}, errors.Join(err, root.Close())
		}
		d.root = root
	}
	return indexTree{d.root.FS()}, nil
}

func (d *dirRegistry) Status(context.Context) (_ Status, err error) {
	defer nameRegistry(&err, d.config.Name)
	_, err = d.open()
	return Status{}, err
}

func (d *dirRegistry) Count(context.Context) (_ int, known bool, err error) {
	defer nameRegistry(&err, d.config.Name)
	tree, err := d.open()
	if err != nil {
		return 0, false, err
	}
	names, err := changedPackages(nil, tree.files)
	return len(names), true, err
}

func (d *dirRegistry) Index(context.Context) (_ *index.Config, err error) {
	defer nameRegistry(&err, d.config.Name)
	tree, err := d.open()
	if err != nil {
		return nil, err
	}
	return tree.config()
}

func (d *dirRegistry) Package(_ context.Context, name string) (_ index.File, err error) {
	defer nameRegistry(&err, d.config.Name)
	tree, err := d.open()
	if err != nil {
		return index.File{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if file, ok := d.packages[name]; ok {
		return file, nil
	}
	file, err := tree.versions(name)
	if err == nil {
		d.packages[name] = file
	}
	return file, err
}

// Entries are all there is to the lines: they have to be read anyway.
func (d *dirRegistry) Entries(ctx context.Context, name string) ([]*index.Entry, error) {
	file, err := d.Package(ctx, name)
	return file.Entries, err
}

// View shows the files as they are: a folder has no commits.
func (d *dirRegistry) View(_ context.Context, _ string, read func(fs.FS) error) (err error) {
	defer nameRegistry(&err, d.config.Name)
	tree, err := d.open()
	if err != nil {
		return err
	}
	return read(tree.files)
}

// Prove has nothing to prove: a folder has no commits.
func (d *dirRegistry) Prove(context.Context, string, bool) error { return nil }

func (d *dirRegistry) Search(ctx context.Context, q Query) (_ []Match, err error) {
	defer nameRegistry(&err, d.config.Name)
	tree, err := d.open()
	if err != nil {
		return nil, err
	}
	summaries, err := tree.summaries(ctx)
	if err != nil {
		return nil, err
	}
	return q.search(ctx, d.config.Name, namesOf(summaries))
}

// Update has nothing to fetch; it checks that the folder answers.
func (d *dirRegistry) Update(context.Context, UpdateOptions) (_ Change, err error) {
	defer nameRegistry(&err, d.config.Name)
	if _, err := d.open(); err != nil {
		return Change{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.packages)
	return Change{}, nil
}

func (d *dirRegistry) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.root == nil {
		return nil
	}
	root := d.root
	d.root = nil
	return root.Close()
}
