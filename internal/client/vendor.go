package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

// A vendored folder holds everything that an installation takes from elsewhere:
//
//	vendor.json                        which registries it stands for
//	registries/NAME/                   of each, the files about the locked packages
//	archives/SHA256.tar.gz             the archives
//	signatures/SHA256.sigstore.json    the signatures
//
// Equal locks give equal folders. Files that are not of these stay as they are.
const (
	vendorName       = "vendor.json"
	vendorRegistries = "registries"
	vendorArchives   = "archives"
	vendorSignatures = "signatures"

	vendorVersion = 1
	maxVendor     = 1 << 20
)

// vendored is the content of vendor.json.
type vendored struct {
	Version    int                `json:"vendor"`
	Registries []vendoredFromHere `json:"registries"`
}

// vendoredFromHere is a registry that a vendored folder stands for.
type vendoredFromHere struct {
	Name   string       `json:"name"` // of its folder, and in the lock
	URL    string       `json:"url"`
	Kind   RegistryKind `json:"kind"`
	Branch string       `json:"branch,omitempty"`
	Commit string       `json:"commit,omitempty"`
}

// Vendored is what a vendored folder has now.
type Vendored struct {
	Dir        string          `json:"dir"`     // absolute
	Setting    string          `json:"setting"` // line of the project's configuration that makes installations use it
	Set        bool            `json:"set"`     // it is there already
	Packages   int             `json:"packages"`
	Archives   int             `json:"archives"`
	Bytes      int64           `json:"bytes"`
	Downloaded int             `json:"downloaded"`
	Removed    []string        `json:"removed"` // files that are not needed any more
	Lock       []PackageChange `json:"lock_changes"`
	Warnings   []string        `json:"warnings"`
}

// Vendor puts what the lock names into a folder: archives, signatures, and what
// the registries say about the packages. With the setting "vendor" the project
// installs from it without asking anybody. The folder is changed in place, what
// is needed first, what is not at the end, so that it serves the lock before
// or the lock after at every moment. The error is [ErrRefused] when there is
// a folder that is not a vendored one.
func (in *Installer) Vendor(ctx context.Context, dir string, opts FetchOptions) (*Vendored, error) {
	var v *Vendored
	err := in.Project.exclusive(ctx, in.Report, func() error {
		if err := checkVendorFolder(dir); err != nil {
			return err
		}
		p := &plan{}
		err := in.lockFor(ctx, p, InstallOptions{Locked: opts.Locked, NoDev: opts.NoDev})
		if err == nil {
			v, err = in.vendor(ctx, p, dir, opts)
		}
		return err
	})
	return v, err
}

// checkVendorFolder refuses a folder that holds something else.
func checkVendorFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := readVendored(dir); err != nil {
		return &Error{Class: ErrRefused, Message: dir + " is there and is not a vendored folder", Err: err, Remedy: "name another folder, or move it out of the way"}
	}
	return nil
}

func (in *Installer) vendor(ctx context.Context, p *plan, dir string, opts FetchOptions) (*Vendored, error) {
	meant, archives, err := p.archivesFor(opts)
	if err != nil {
		return nil, err
	}
	fits := p.lock == p.locked
	lock, warnings, err := in.verify(ctx, p.lock, func(name string) bool { return !fits || hasPackage(meant, name) })
	if err != nil {
		return nil, err
	}
	w := &vendorWriter{in: in, dir: dir, wanted: map[string]bool{}}
	v := &Vendored{
		Dir: dir, Packages: len(meant), Archives: len(archives), Removed: []string{},
		Lock: lockChanges(p.locked, p.lock), Warnings: warn(append([]string{}, p.warnings...), warnings...),
	}
	v.Setting, v.Set = in.vendorSetting(dir)
	for _, a := range archives {
		v.Bytes += a.Size
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	if v.Downloaded, err = w.archives(ctx, archives); err != nil {
		return nil, err
	}
	if err := w.registries(ctx, lock, meant); err != nil {
		return nil, err
	}
	if !fits {
		if err := in.Project.apply(ctx, change{lock: lock.Bytes()}, in.store(), in.Config.Keep); err != nil {
			return nil, err
		}
	}
	v.Removed, err = w.removeOthers()
	return v, err
}

// vendorSetting is the line of the configuration for a vendored folder, and
// whether it is there.
func (in *Installer) vendorSetting(dir string) (line string, set bool) {
	name := dir
	if rel, err := filepath.Rel(in.Project.Root, dir); err == nil {
		name = filepath.ToSlash(rel)
	}
	c := &Config{Places: in.Config.Places, Project: in.Project.Root}
	set = c.loadFiles() == nil && c.Vendor == dir
	quoted, err := json.Marshal(name)
	if err != nil {
		panic(err) // a string always encodes
	}
	return "vendor: " + string(quoted), set
}

// vendorWriter fills a vendored folder and remembers what belongs there.
type vendorWriter struct {
	in     *Installer
	dir    string
	wanted map[string]bool // paths below dir, with slashes
}

// want notes a file and gives its path.
func (w *vendorWriter) want(elem ...string) string {
	name := path.Join(elem...)
	w.wanted[name] = true
	return filepath.Join(w.dir, filepath.FromSlash(name))
}

// begin marks a new folder as a vendored one, that stands for nothing yet, so
// that a run which ends too soon can be repeated.
func (w *vendorWriter) begin() error {
	if _, err := os.Lstat(filepath.Join(w.dir, vendorName)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return w.say(vendored{Version: vendorVersion, Registries: []vendoredFromHere{}})
}

// say writes which registries the folder stands for.
func (w *vendorWriter) say(list vendored) error {
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(w.want(vendorName), append(data, '\n'))
}

// archives brings the archives that are not there yet.
func (w *vendorWriter) archives(ctx context.Context, archives []Archive) (fetched int, err error) {
	names := map[string]string{}
	for _, a := range archives {
		names[a.SHA256] = w.want(vendorArchives, a.SHA256+".tar.gz")
	}
	missing := missingFrom(archives, func(digest string) error {
		sum, err := hashFile(names[digest])
		if err == nil && sum != digest {
			err = fs.ErrNotExist
		}
		return err
	})
	d := w.in.downloader()
	return len(missing), d.each(ctx, missing, func(ctx context.Context, a Archive) error {
		return d.save(ctx, a, names[a.SHA256])
	})
}

// registries writes what the registries of the lock say about the packages that
// are meant, as of the locked commits.
func (w *vendorWriter) registries(ctx context.Context, lock *lockfile.Lock, meant []lockfile.Package) error {
	list := vendored{Version: vendorVersion, Registries: []vendoredFromHere{}}
	for _, r := range lock.Registries {
		registry, err := w.in.Registries.ByURL(r.URL)
		if err != nil {
			return err
		}
		names := []string{}
		for _, p := range lock.Packages {
			if p.Registry == r.Name && hasPackage(meant, p.Name) {
				names = append(names, p.Name)
				if err := w.signature(p); err != nil {
					return err
				}
			}
		}
		files := map[string][]byte{}
		err = registry.View(ctx, r.Commit, func(tree fs.FS) error { return indexTree{tree}.extract(names, files) })
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := writeFile(w.want(vendorRegistries, r.Name, name), files[name]); err != nil {
				return err
			}
		}
		list.Registries = append(list.Registries, vendoredFromHere{
			Name: r.Name, URL: r.URL, Kind: registry.Config().Kind, Branch: registry.Config().Branch, Commit: r.Commit,
		})
	}
	return w.say(list)
}

// signature takes the signature of a package from the store, where verifying it
// left it.
func (w *vendorWriter) signature(p lockfile.Package) error {
	if p.Verification == nil || p.Verification.Bundle == "" {
		return nil
	}
	data, err := w.in.store().Attestation(p.Verification.Bundle)
	if err != nil {
		return fmt.Errorf("signature of %s %s: %w", p.Name, p.Version, err)
	}
	return writeFile(w.want(vendorSignatures, p.Verification.Bundle+".sigstore.json"), data)
}

// extract takes from an index what clients need of some packages: their lines,
// who may sign them, and what is demanded and trusted.
func (t indexTree) extract(names []string, files map[string][]byte) error {
	take := func(name string) error {
		data, err := t.read(name)
		if err == nil {
			files[name] = data
		}
		return err
	}
	if err := take(index.ConfigPath); err != nil {
		return err
	}
	optional := []string{index.PolicyPath}
	for _, name := range names {
		at, err := index.Path(name)
		if err != nil {
			return err
		}
		if err := take(at); err != nil {
			return err
		}
		owners, err := index.OwnersPath(name)
		if err != nil {
			return err
		}
		optional = append(optional, owners)
	}
	err := fs.WalkDir(t.files, trustFolder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			optional = append(optional, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range optional {
		if err := take(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeOthers removes the files of the folder that are not needed any more.
func (w *vendorWriter) removeOthers() ([]string, error) {
	removed := []string{}
	for _, top := range []string{vendorRegistries, vendorArchives, vendorSignatures} {
		var folders []string
		err := filepath.WalkDir(filepath.Join(w.dir, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				folders = append(folders, name)
				return err
			}
			rel, err := filepath.Rel(w.dir, name)
			if err != nil || w.wanted[filepath.ToSlash(rel)] {
				return err
			}
			removed = append(removed, filepath.ToSlash(rel))
			return os.Remove(name)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, folder := range slices.Backward(folders) {
			_ = os.Remove(folder) // those that are empty now
		}
	}
	return removed, nil
}

// save downloads an archive to a file, which has its name only once the digest
// is right.
func (d *Downloader) save(ctx context.Context, a Archive, name string) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return d.fetchTo(ctx, a, dir, func(f *os.File) error {
		if err := errors.Join(f.Chmod(0o644), f.Sync(), os.Rename(f.Name(), name)); err != nil {
			return err
		}
		return syncDir(dir)
	})
}

func readVendored(dir string) (*vendored, error) {
	name := filepath.Join(dir, vendorName)
	data, err := readBounded(name, maxVendor)
	if err != nil {
		return nil, err
	}
	var v vendored
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if v.Version != vendorVersion {
		return nil, fmt.Errorf("%s has version %d, this clyde knows %d", name, v.Version, vendorVersion)
	}
	for _, r := range v.Registries {
		if err := CheckAlias(r.Name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &v, nil
}

// vendoredFile is where a vendored folder has the archive or signature with a
// digest; false when it has none.
func vendoredFile(dir, digest string) (string, bool) {
	if !isDigest(digest) {
		return "", false
	}
	for _, name := range []string{
		filepath.Join(dir, vendorArchives, digest+".tar.gz"), filepath.Join(dir, vendorSignatures, digest+".sigstore.json"),
	} {
		if isFile(name) {
			return name, true
		}
	}
	return "", false
}

// vendoredRegistry is a registry as a vendored folder has it. What can be
// chosen is what was vendored; what is verified is held against all the lines.
type vendoredRegistry struct {
	Registry // the folder
	config   RegistryConfig
	commit   string
	dir      string // of all that is vendored
}

func (r *vendoredRegistry) Config() RegistryConfig { return r.config }

func (r *vendoredRegistry) Status(ctx context.Context) (Status, error) {
	status, err := r.Registry.Status(ctx)
	status.Commit = r.commit
	return status, err
}

func (r *vendoredRegistry) Package(ctx context.Context, name string) (index.File, error) {
	file, err := r.Registry.Package(ctx, name)
	if err != nil {
		return file, err
	}
	file.Entries = slices.DeleteFunc(slices.Clone(file.Entries), func(e *index.Entry) bool {
		digests := []string{e.Cksum}
		for _, b := range e.Builds {
			digests = append(digests, b.Cksum)
		}
		return !slices.ContainsFunc(digests, func(digest string) bool {
			_, ok := vendoredFile(r.dir, digest)
			return ok
		})
	})
	if len(file.Entries) == 0 {
		return index.File{}, &NoPackageError{Name: name}
	}
	return file, nil
}

// replaceVendored puts the registries of the vendored folder in the place of
// those that it stands for.
func (s *Registries) replaceVendored(c *Config) error {
	list, err := readVendored(c.Vendor)
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{
			Class: ErrNotFound, Message: "the setting \"vendor\" names a folder that is not a vendored one: " + c.Vendor,
			Remedy: "make it with 'clyde vendor', or turn the setting off with '--config vendor='",
		}
	}
	if err != nil {
		return &Error{Class: ErrIntegrity, Message: "the vendored folder", Err: err, Remedy: "make it again with 'clyde vendor'"}
	}
	for _, v := range list.Registries {
		folder := filepath.Join(c.Vendor, vendorRegistries, v.Name)
		inner, err := newDirRegistry(RegistryConfig{Name: v.Name, URL: folder, Kind: KindDir}, Location{Path: folder})
		if err != nil {
			return err
		}
		r := &vendoredRegistry{
			Registry: inner, commit: v.Commit, dir: c.Vendor,
			config: RegistryConfig{Name: v.Name, URL: v.URL, Kind: v.Kind, Branch: v.Branch, Origin: Origin{Scope: ScopeProject, File: filepath.Join(c.Vendor, vendorName)}},
		}
		s.put(r)
	}
	return nil
}

// put replaces the registry with the same address, or adds one, under a name of
// its own.
func (s *Registries) put(r *vendoredRegistry) {
	taken := map[string]bool{}
	for i, have := range s.list {
		if have.Config().Key() == r.config.Key() {
			r.config = have.Config()
			s.list[i] = r
			return
		}
		taken[have.Config().Name] = true
	}
	for taken[r.config.Name] {
		r.config.Name = strings.TrimRight(r.config.Name[:min(len(r.config.Name), maxAlias-2)], "-._") + "-v"
	}
	s.list = append(s.list, r)
}

// DefaultVendor is the vendored folder of a project that names none.
func (p *Project) DefaultVendor() string { return filepath.Join(p.Root, "vendor") }
