package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// packagesCatalog reads a folder of packages in place: archives, and unpacked
// folders with a manifest. What they said is kept in the cache beside their size
// and time, so that only what is new is read.
type packagesCatalog struct {
	*wholeCatalog
	config  RegistryConfig
	dir     string
	state   string
	access  Access
	aliases func(alias string) (address string, err error)
}

func newPackagesRegistry(c *Config, config RegistryConfig, base string, there Location, a Access) (Registry, error) {
	if there.Path == "" {
		return nil, &Error{
			Class: ErrUsage, Message: fmt.Sprintf("registry %s: the kind packages needs a folder, not %s", config.Name, there),
			Remedy: "give a path or a file:// URL",
		}
	}
	p := &packagesCatalog{config: config, dir: there.Path, state: base, access: a, aliases: c.addressOf}
	p.wholeCatalog = &wholeCatalog{name: config.Name, load: p.entries}
	return newCatalogRegistry(c, config, p), nil
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

// entries finds out what the folder has.
func (p *packagesCatalog) entries(ctx context.Context) ([]*index.Entry, error) {
	found, err := packagefolder.Scan(ctx, packagefolder.Options{Dir: p.dir, Skip: filepath.Join(p.dir, ".clyde"), Unpacked: true, State: p.state})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Class: ErrNotFound, Message: "there is no folder " + p.dir, Remedy: "check the address with 'clyde registry show " + p.config.Name + "'"}
	}
	if err != nil {
		return nil, err
	}
	versions, problems := packagefolder.Versions(found)
	var entries []*index.Entry
	for _, v := range versions {
		e, err := v.Line(v.Facts(p.address, p.registry))
		if err != nil {
			problems = append(problems, packagefolder.ManifestProblems(v.Main.Path, err)...)
			continue
		}
		entries = append(entries, e)
	}
	for _, problem := range append(found.Problems, problems...) {
		p.access.note("registry %s: %s is left out: %s", p.config.Name, problem.Where, problem.Detail)
	}
	return entries, nil
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
	p.reset()
	_, err := p.read(ctx)
	return err
}

func (p *packagesCatalog) status(context.Context) (Status, error) {
	_, err := os.Stat(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = &Error{Class: ErrNotFound, Message: "there is no folder " + p.dir}
	}
	return Status{}, err
}

func (p *packagesCatalog) forget() error { return removeAll(p.state) }
