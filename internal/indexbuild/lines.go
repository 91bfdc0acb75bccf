package indexbuild

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/packagefolder"
	"github.com/clydepm/clyde/publish"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// deriver makes the new lines of an index from one state of it.
type deriver struct {
	opts     Options
	base     string // URL of the folder
	tree     fs.FS
	found    *packagefolder.Scanned
	versions []*packagefolder.Version
	own      map[string]bool   // lower-case names of the index and the folder
	folded   map[string]string // folded names of the index and what was taken
	files    map[string][]byte // to be written
	grown    map[string]bool   // packages with new lines
	built    Built
}

func newDeriver(opts Options, tree fs.FS, found *packagefolder.Scanned, versions []*packagefolder.Version) *deriver {
	base := strings.TrimSuffix(opts.BaseURL, "/")
	if base == "" {
		base = publish.FileURL(opts.Dir)
	}
	return &deriver{
		opts: opts, base: base, tree: tree, found: found, versions: versions,
		own: map[string]bool{}, folded: map[string]string{}, files: map[string][]byte{}, grown: map[string]bool{},
		built: Built{Problems: []Problem{}},
	}
}

func (d *deriver) run(ctx context.Context) error {
	names, err := packageNames(d.tree)
	if err != nil {
		return err
	}
	for name := range names {
		d.own[name] = true
		d.folded[index.Fold(name)] = name
	}
	for _, v := range d.versions {
		d.own[strings.ToLower(v.Name)] = true
	}
	for _, v := range d.versions {
		if err := d.version(ctx, v); err != nil {
			return err
		}
	}
	d.built.Packages = len(d.grown)
	return d.checkPlaces(names)
}

func (d *deriver) problem(where, rule, hint, format string, args ...any) {
	d.built.Problems = append(d.built.Problems, Problem{Where: where, Rule: rule, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

// version appends the line of one version, if it is to be.
func (d *deriver) version(ctx context.Context, v *packagefolder.Version) error {
	where := v.Main.Path
	if twin, ok := d.folded[index.Fold(v.Name)]; ok && twin != strings.ToLower(v.Name) {
		d.problem(where, "name/unique", "choose another name", "%q is too easily taken for %q, which is there already", v.Name, twin)
		return nil
	}
	entry, err := v.Line(v.Facts(d.address, d.opts.Registry))
	if err != nil {
		d.built.Problems = append(d.built.Problems, packagefolder.ManifestProblems(where, err)...)
		return nil
	}
	path, before, err := d.file(v.Name)
	if err != nil {
		d.problem(where, packagefolder.RuleManifest, "", "%v", err)
		return nil
	}
	known := index.ParseFile(before).Entries
	if len(known) > 0 && known[0].Name != entry.Name {
		d.problem(where, "name/unique", "write the name as the index has it", "the index has the package as %q and not %q", known[0].Name, entry.Name)
		return nil
	}
	if have := sameArchive(known, entry); have != nil {
		adopt(entry, have, v.Manifest)
	} else {
		if err := d.locate(ctx, where, entry); err != nil {
			return err
		}
		if !d.valid(where, entry) {
			return nil
		}
	}
	d.add(where, path, before, entry)
	return nil
}

// address is that of an archive below the folder.
func (d *deriver) address(a *packagefolder.Archive) string { return d.url(a.Path) }

// url is the address of a file below the folder.
func (d *deriver) url(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return d.base + "/" + strings.Join(parts, "/")
}

// file is the path and the present text of a package's file.
func (d *deriver) file(name string) (path string, data []byte, err error) {
	path, err = index.Path(name)
	if err != nil {
		return "", nil, err
	}
	if data, ok := d.files[path]; ok {
		return path, data, nil
	}
	data, err = fs.ReadFile(d.tree, path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil, nil
	}
	return path, data, err
}

// sameArchive is the line of an archive that the index has already.
func sameArchive(known []*index.Entry, e *index.Entry) *index.Entry {
	for _, have := range known {
		if have.Vers == e.Vers && have.Cksum == e.Cksum {
			return have
		}
	}
	return nil
}

// adopt takes from a line that is there what an archive cannot say: who built
// it, builds that lie elsewhere, and where its dependencies were found.
func adopt(e, have *index.Entry, m *manifest.Manifest) {
	e.Source = have.Source
	if len(e.Builds) == 0 {
		e.Builds = have.Builds
	}
	if len(e.Deps) != len(have.Deps) {
		return
	}
	for i, d := range m.Entry().Deps {
		if d.Registry == "" {
			e.Deps[i].Registry = have.Deps[i].Registry
		}
	}
}

// locate says of each dependency without a registry where it is.
func (d *deriver) locate(ctx context.Context, where string, e *index.Entry) error {
	for i := range e.Deps {
		dep := &e.Deps[i]
		name := dep.PackageName()
		if dep.Registry != "" || d.own[strings.ToLower(name)] || d.claimed(name) {
			continue
		}
		if d.opts.Overlay != nil {
			has, err := d.opts.Overlay.Has(ctx, name)
			if err != nil {
				return fmt.Errorf("overlay: %s: %w", name, err)
			}
			if has {
				dep.Registry = d.opts.Overlay.Address
				continue
			}
		}
		if dep.Kind != index.KindDev && !dep.Optional { // of which packages can do without
			d.problem(where, RuleDependency, "add its archive, or name the index that has it with --overlay", "depends on %s, which neither the folder nor the index has", name)
		}
	}
	return nil
}

// claimed reports whether an archive that cannot be read seems to be of the
// package.
func (d *deriver) claimed(name string) bool {
	return slices.ContainsFunc(d.found.Unreadable, func(file string) bool {
		return strings.HasPrefix(strings.ToLower(file), strings.ToLower(strings.ReplaceAll(name, "/", "-"))+"-")
	})
}

// valid reports whether a line satisfies the rules for lines that are published.
func (d *deriver) valid(where string, e *index.Entry) bool {
	violations := index.CheckLine(e.AppendLine(nil), e.Name)
	for _, v := range violations {
		d.problem(where, v.Rule, v.Hint, "%s: %s", v.Field, v.Detail)
	}
	return len(violations) == 0
}

// add appends the line, unless the index has it or disagrees.
func (d *deriver) add(where, path string, before []byte, e *index.Entry) {
	if len(before) > 0 && before[len(before)-1] != '\n' {
		d.problem(path, "delta/append-only", "repair the file first", "the last line of the index's file has no newline")
		return
	}
	after, err := publish.AppendLine(before, e)
	var conflict *publish.ConflictError
	switch {
	case errors.As(err, &conflict) && len(conflict.DifferingMembers) > 0:
		d.problem(where, RuleLine, "the line stays; a change of what a version says is a new version",
			"the index says otherwise of the same bytes: %s", strings.Join(conflict.DifferingMembers, ", "))
	case errors.As(err, &conflict):
		d.problem(where, RuleDigest, "a published version never changes: put the original archive back, or give this one a new version",
			"the index has %s %s with sha256 %s, this archive has %s", e.Name, conflict.Published, conflict.PublishedSHA256, conflict.SHA256)
	case err != nil:
		d.problem(where, RuleLine, "", "%v", err)
	case after == nil:
		d.built.Present++
	case len(after) > index.MaxFileSize:
		d.problem(where, RuleLine, "", "%s would have more than %d bytes", path, index.MaxFileSize)
	default:
		d.files[path] = after
		d.folded[index.Fold(e.Name)] = strings.ToLower(e.Name)
		d.grown[e.Name] = true
		d.built.Versions++
	}
}

// checkPlaces reports lines whose archives should be in the folder and are not.
func (d *deriver) checkPlaces(names map[string]bool) error {
	there := map[string]bool{}
	for _, f := range d.found.Archives {
		there[d.url(f.Path)] = true
	}
	for _, p := range d.found.Problems {
		there[d.url(p.Where)] = true // there, and reported
	}
	for _, name := range sortedKeys(names) {
		path, err := index.Path(name)
		if err != nil {
			return err
		}
		data, err := fs.ReadFile(d.tree, path)
		if err != nil {
			return err
		}
		for _, e := range index.ParseFile(data).Entries {
			for _, dl := range places(e) {
				if strings.HasPrefix(dl, d.base+"/") && !there[dl] {
					d.problem(path, RuleGone, "put the archive back", "the line of %s %s names %s, which is not there", e.Name, e.Vers, dl)
				}
			}
		}
	}
	return nil
}

// places are the addresses of all archives of a line.
func places(e *index.Entry) []string {
	all := []string{e.DL}
	for _, b := range e.Builds {
		all = append(all, b.DL)
	}
	return all
}
