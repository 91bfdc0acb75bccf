package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// packagesCatalog reads a folder of packages in place: archives, and unpacked
// folders with a manifest. What they said is kept in the cache beside their size
// and time, so that only what is new is read.
type packagesCatalog struct {
	config  RegistryConfig
	dir     string
	state   string
	access  Access
	aliases func(alias string) (address string, err error)

	mu    sync.Mutex
	files map[string][]byte // lines by path in an index; nil until the first question
}

func newPackagesRegistry(c *Config, config RegistryConfig, base string, there Location, a Access) (Registry, error) {
	if there.Path == "" {
		return nil, &Error{
			Class: ErrUsage, Message: fmt.Sprintf("registry %s: the kind packages needs a folder, not %s", config.Name, there),
			Remedy: "give a path or a file:// URL",
		}
	}
	return newCatalogRegistry(c, config, &packagesCatalog{config: config, dir: there.Path, state: base, access: a, aliases: c.addressOf}), nil
}

// addressOf is the address of the registry that a manifest knows by an alias.
func (c *Config) addressOf(alias string) (string, error) {
	for _, r := range c.Registries {
		if r.Name == alias {
			return r.URL, nil
		}
	}
	if strings.Contains(alias, "://") {
		return alias, nil
	}
	return "", fmt.Errorf("no registry named %q is configured", alias)
}

// read finds out what the folder has, once in a run. The caller holds p.mu.
func (p *packagesCatalog) read(ctx context.Context) error {
	if p.files != nil {
		return nil
	}
	found, err := packagefolder.Scan(ctx, packagefolder.Options{Dir: p.dir, Skip: filepath.Join(p.dir, ".clyde"), Unpacked: true, State: p.state})
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Class: ErrNotFound, Message: "there is no folder " + p.dir, Remedy: "check the address with 'clyde registry show " + p.config.Name + "'"}
	}
	if err != nil {
		return err
	}
	versions, problems := packagefolder.Versions(found)
	files := map[string][]byte{}
	for _, v := range versions {
		e, err := v.Line(v.Facts(p.address, p.registry))
		if err != nil {
			problems = append(problems, packagefolder.ManifestProblems(v.Main.Path, err)...)
			continue
		}
		path, err := index.Path(e.Name)
		if err != nil {
			problems = append(problems, packagefolder.Problem{Where: v.Main.Path, Detail: err.Error()})
			continue
		}
		files[path] = append(e.AppendLine(files[path]), '\n')
	}
	for _, problem := range append(found.Problems, problems...) {
		p.access.note("registry %s: %s is left out: %s", p.config.Name, problem.Where, problem.Detail)
	}
	p.files = files
	return nil
}

// address is where an archive is read from; a folder ends in a slash.
func (p *packagesCatalog) address(a *packagefolder.Archive) string {
	address := "file://" + rootedSlash(filepath.Join(p.dir, filepath.FromSlash(a.Path)))
	if a.Unpacked {
		address += "/"
	}
	return address
}

// registry is the address that a dependency's registry has in a line. The
// folder itself is "".
func (p *packagesCatalog) registry(alias string) (string, error) {
	if alias == p.config.Name {
		return "", nil
	}
	return p.aliases(alias)
}

func (p *packagesCatalog) update(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files = nil
	return p.read(ctx)
}

func (p *packagesCatalog) status(context.Context) (Status, error) {
	_, err := os.Stat(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = &Error{Class: ErrNotFound, Message: "there is no folder " + p.dir}
	}
	return Status{}, err
}

func (p *packagesCatalog) index(context.Context) ([]byte, error) {
	return (&index.Config{}).Format(), nil
}

func (p *packagesCatalog) lines(ctx context.Context, name string) ([]byte, error) {
	path, err := index.Path(name)
	if err != nil {
		return nil, errAbsent
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	data, ok := p.files[path]
	if !ok {
		return nil, errAbsent
	}
	return bytes.Clone(data), nil
}

func (p *packagesCatalog) search(ctx context.Context, q Query) ([]Match, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.read(ctx); err != nil {
		return nil, err
	}
	return q.search(ctx, p.config.Name, namesOf(summariesOf(p.files)))
}

// summariesOf are what a search knows of packages, by their lines.
func summariesOf(files map[string][]byte) []Summary {
	var all []Summary
	for path, lines := range files {
		if name, ok := index.NameOf(path); ok {
			if s, ok := indexcache.Summarize(indexcache.Lines(name, lines).Entries); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

func (p *packagesCatalog) count(ctx context.Context) (int, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.read(ctx)
	return len(p.files), true, err
}

func (p *packagesCatalog) distant() bool { return false }
func (p *packagesCatalog) close() error  { return nil }
func (p *packagesCatalog) forget() error { return removeAll(p.state) }
