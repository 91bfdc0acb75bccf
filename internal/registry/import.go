package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// ImportOptions say what is taken over from another index.
type ImportOptions struct {
	Names    []string // packages; ignored with All
	All      bool
	Registry string // address under which others reach the source, "" if there is none
	Author   string
	Email    string
	When     time.Time
}

// Imported is the outcome of an import.
type Imported struct {
	Commit   string    `json:"commit,omitempty"` // "" when nothing was taken
	Packages int       `json:"packages"`         // that got new lines
	Versions int       `json:"versions"`         // new lines
	Present  int       `json:"present"`          // versions that were there already, with the same digest
	Refused  []Refusal `json:"refused"`          // what could not be taken
}

// Refusal is a package, a version or a line that was not taken, and why.
type Refusal struct {
	Where  string `json:"where"`
	Detail string `json:"detail"`
}

// maxAttempts bounds how often an import is derived anew because the index
// changed while it ran.
const maxAttempts = 20

// Import appends the versions of packages of the source to the index in repo,
// each as a canonical line, in one commit. A version that is there already is
// left as it is. A line without a place for its archive gets the one that the
// source gives it. A dependency on a package that neither the index nor the
// import has gets the source's address as its registry. What cannot be taken is
// in the result, and the rest is taken.
func Import(repo *git.Repo, source *Source, opts ImportOptions) (*Imported, error) {
	config, err := source.Config()
	if err != nil {
		return nil, err
	}
	ref, err := repo.HeadRef()
	if err != nil {
		return nil, err
	}
	wanted, err := readWanted(source, opts)
	if err != nil {
		return nil, err
	}
	for range maxAttempts {
		base, err := repo.ReadRef(ref)
		if err != nil {
			return nil, err
		}
		tree, err := repo.Tree(base)
		if err != nil {
			return nil, err
		}
		m := &importer{tree: tree, source: source.Tree, config: config, opts: opts, wanted: wanted, result: Imported{Refused: slices.Clone(wanted.refused)}}
		files, err := m.run()
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return &m.result, nil
		}
		m.result.Commit, err = repo.WriteCommit(git.Commit{
			Parent: base, Files: files, Message: m.message(), Name: opts.Author, Email: opts.Email, When: opts.When,
		})
		if err != nil {
			return nil, err
		}
		err = repo.CompareAndSwap(ref, base, m.result.Commit)
		if err == nil {
			return &m.result, nil
		}
		if !errors.Is(err, git.ErrConflict) {
			return nil, err
		}
	}
	return nil, &git.Error{Op: "update", Name: ref, Kind: git.ErrConflict, Err: fmt.Errorf("it moved %d times while the import ran", maxAttempts)}
}

// wantedPackages is what the source has of what is to be taken.
type wantedPackages struct {
	files   map[string][]byte // by path
	refused []Refusal
}

func readWanted(source *Source, opts ImportOptions) (*wantedPackages, error) {
	w := &wantedPackages{files: map[string][]byte{}}
	if opts.All {
		return w, source.eachPackage(func(p string, data []byte) error {
			w.files[p] = data
			return nil
		})
	}
	for _, name := range opts.Names {
		p, err := index.Path(name)
		if err != nil {
			return nil, err
		}
		data, err := fs.ReadFile(source.Tree, p)
		if errors.Is(err, fs.ErrNotExist) {
			w.refused = append(w.refused, Refusal{name, "the source has no such package"})
			continue
		}
		if err != nil {
			return nil, err
		}
		w.files[p] = data
	}
	return w, nil
}

// importer derives the files of an import from one state of the index.
type importer struct {
	tree   fs.FS // of the index
	source fs.FS
	config *index.Config // of the source
	opts   ImportOptions
	wanted *wantedPackages
	folded map[string]string // of the index and of what was taken
	result Imported
}

func (m *importer) run() (map[string][]byte, error) {
	if err := m.readNames(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, p := range sortedKeys(m.wanted.files) {
		name, _ := index.NameOf(p)
		if twin, ok := m.folded[index.Fold(name)]; ok && twin != name {
			m.refuse(p, "%q is too easily taken for %q, which is there already", name, twin)
			continue
		}
		data, err := m.merge(p)
		if err != nil {
			return nil, err
		}
		if data != nil {
			files[p] = data
			m.folded[index.Fold(name)] = name
			m.result.Packages++
		}
	}
	return files, nil
}

func (m *importer) refuse(where, format string, args ...any) {
	m.result.Refused = append(m.result.Refused, Refusal{where, fmt.Sprintf(format, args...)})
}

func (m *importer) readNames() error {
	m.folded = map[string]string{}
	return fs.WalkDir(m.tree, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name, ok := index.NameOf(p); ok && !e.IsDir() {
			m.folded[index.Fold(name)] = name
		}
		return nil
	})
}

// merge appends the source's lines of one package to those of the index, and
// gives nil when there is nothing to append.
func (m *importer) merge(p string) ([]byte, error) {
	before, err := fs.ReadFile(m.tree, p)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(before) > 0 && before[len(before)-1] != '\n' {
		m.refuse(p, "the last line of the index's file has no newline; repair it first")
		return nil, nil
	}
	known := index.ParseFile(before).Entries
	source := index.ParseFile(m.wanted.files[p])
	for _, s := range source.Skipped {
		m.refuse(fmt.Sprintf("%s:%d", p, s.Line), "%v", s.Err)
	}
	data := bytes.Clone(before)
	for _, e := range source.Entries {
		line := m.line(p, e, known)
		if line == nil {
			continue
		}
		data = append(append(data, line...), '\n')
		known = append(known, e)
		m.result.Versions++
	}
	if len(data) == len(before) {
		return nil, nil
	}
	return data, nil
}

// line is the canonical line of an entry that is to be taken, or nil.
func (m *importer) line(p string, e *index.Entry, known []*index.Entry) []byte {
	where := p + " " + e.Vers
	version, err := index.ParseVersion(e.Vers)
	if err != nil {
		m.refuse(where, "%v", err)
		return nil
	}
	if got, err := index.Path(e.Name); err != nil || got != p || len(known) > 0 && known[0].Name != e.Name {
		m.refuse(where, "the line has the name %q", e.Name)
		return nil
	}
	for _, k := range known {
		v, err := index.ParseVersion(k.Vers)
		switch {
		case err != nil || v.Compare(version) != 0:
		case k.Vers == e.Vers && k.Cksum == e.Cksum:
			m.result.Present++
			return nil
		case k.Vers == e.Vers:
			m.refuse(where, "the index has this version with the digest %s and not %s", k.Cksum, e.Cksum)
			return nil
		default:
			m.refuse(where, "the index has the version as %s; build metadata does not make another", k.Vers)
			return nil
		}
	}
	return m.rewrite(where, e)
}

// rewrite makes the line stand on its own outside the source.
func (m *importer) rewrite(where string, e *index.Entry) []byte {
	e = e.Clone()
	url, err := m.config.DownloadURL(e)
	if err != nil {
		m.refuse(where, "%v", err)
		return nil
	}
	e.DL = url
	for i := range e.Deps {
		d := &e.Deps[i]
		// Two oddities of Cargo's older lines that mean nothing.
		d.Features = slices.DeleteFunc(d.Features, func(f string) bool { return f == "" })
		if d.Package == d.Name {
			d.Package = ""
		}
		if d.Registry != "" || m.has(d.PackageName()) || !m.sourceHas(d.PackageName()) {
			continue // a dependency that nobody has is as useless there as here
		}
		if m.opts.Registry == "" {
			m.refuse(where, "it depends on %s, which is not imported", d.PackageName())
			return nil
		}
		d.Registry = m.opts.Registry
	}
	e.V = max(e.V, 1, index.FeatureVersion(e.Features))
	line := e.AppendLine(nil)
	for _, v := range index.CheckLine(line, e.Name) {
		if essential(v.Rule) {
			m.refuse(where, "%s: %s", v.Rule, v.Detail)
			return nil
		}
	}
	return line
}

// essential reports whether a line that breaks a rule is of no use to anyone.
// The other rules are for lines that are published anew.
func essential(rule string) bool {
	switch rule {
	case "line/json", "line/object", "line/list", "line/type", "line/missing", "line/canonical", "line/cksum", "line/version", "line/requirement", "line/feature", "line/size":
		return true
	}
	return false
}

// has reports whether a package is in the index or comes with the import.
func (m *importer) has(name string) bool {
	p, err := index.Path(name)
	if err != nil {
		return false
	}
	if _, ok := m.wanted.files[p]; ok {
		return true
	}
	_, err = fs.Stat(m.tree, p)
	return err == nil
}

func (m *importer) sourceHas(name string) bool {
	p, err := index.Path(name)
	if err != nil {
		return false
	}
	_, err = fs.Stat(m.source, p)
	return err == nil
}

func (m *importer) message() string {
	subject := fmt.Sprintf("Import %d versions of %d packages", m.result.Versions, m.result.Packages)
	if m.result.Packages == 1 && len(m.wanted.files) == 1 {
		for p := range m.wanted.files {
			name, _ := index.NameOf(p)
			subject = fmt.Sprintf("Import %d versions of %s", m.result.Versions, strings.TrimSuffix(path.Clean(name), "/"))
		}
	}
	return subject + "\n"
}
