package review

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// findSimilar finds the names in a tree that are similar to a new one: of
// packages, of packages to come, and where the new one opens a scope, of other
// scopes. It reads only folders in which there can be one, and no file.
func findSimilar(tree fs.FS, name string, policy *NamePolicy) ([]string, error) {
	w := &nameWalk{tree: tree, own: name, resembler: newResembler(name, policy)}
	w.prefixes = newPrefixes(w.resembler)
	if scope, _, scoped := strings.Cut(name, "/"); scoped {
		w.ownScope = scope
	}
	if err := w.top(".", index.NameOf); err != nil {
		return nil, err
	}
	if err := w.top("sources", index.SourceOf); err != nil {
		return nil, err
	}
	if err := w.scopes(policy); err != nil {
		return nil, err
	}
	slices.Sort(w.similar)
	const most = 5
	similar := slices.Compact(w.similar)
	return similar[:min(most, len(similar))], nil
}

type nameWalk struct {
	tree          fs.FS
	own, ownScope string
	resembler     *resembler
	prefixes      *prefixes
	similar       []string
}

// top reads the folders of a tree of names: "1", "2", "3", those of two letters,
// and those of scopes.
func (w *nameWalk) top(root string, nameOf func(string) (string, bool)) error {
	entries, err := readDir(w.tree, root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := path.Join(root, e.Name())
		switch {
		case !e.IsDir() || strings.HasPrefix(e.Name(), "."):
			continue
		case len(e.Name()) == 1:
			err = w.below(dir, nameOf, e.Name() == "3", func(next string) string { return next })
		case len(e.Name()) == 2 && w.prefixes.has(e.Name()):
			err = w.below(dir, nameOf, true, func(next string) string { return e.Name() + next })
		case len(e.Name()) > 2 && e.Name() != w.ownScope && w.prefixes.has(e.Name()+"/"):
			err = w.below(dir, nameOf, false, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below visits the files of a folder, or of those folders in it of which names
// can be similar.
func (w *nameWalk) below(dir string, nameOf func(string) (string, bool), nested bool, prefix func(next string) string) error {
	entries, err := readDir(w.tree, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		if !e.IsDir() {
			if name, ok := nameOf(at); ok {
				w.visit(name)
			}
			continue
		}
		if nested && w.prefixes.has(prefix(e.Name())) {
			if err := w.below(at, nameOf, false, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *nameWalk) visit(name string) {
	if !strings.EqualFold(name, w.own) && w.resembler.resembles(foldScoped(name)) {
		w.similar = append(w.similar, name)
	}
}

// scopes compares a new scope with those that are there.
func (w *nameWalk) scopes(policy *NamePolicy) error {
	if w.ownScope == "" {
		return nil
	}
	entries, err := readDir(w.tree, ".")
	if err != nil {
		return err
	}
	r := newResembler(w.ownScope, policy)
	var similar []string
	for _, e := range entries {
		scope := e.Name()
		if scope == w.ownScope && e.IsDir() {
			return nil // not a new one
		}
		if e.IsDir() && index.CheckName(scope+"/x") == nil && r.resembles(foldScoped(scope)) {
			similar = append(similar, scope+"/")
		}
	}
	w.similar = append(w.similar, similar...)
	return nil
}
