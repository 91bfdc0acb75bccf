package review

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/clydepm/clyde/index"
)

// newName checks the name of a new package against the policy and against the
// names that are there.
func (j *judge) newName() error {
	name := j.delta.Package
	at, err := index.Path(name)
	if err != nil {
		return err
	}
	if j.policy.Names.reserves(name) {
		j.add("name/reserved", at, "choose another name", "%q is reserved by the policy", name)
	}
	if j.in.Base == nil {
		return nil
	}
	twin, err := findTwin(j.in.Base, name)
	if err != nil {
		return err
	}
	if twin != "" {
		j.add("name/unique", at, "choose a name that differs by more than case, \"-\", \"_\" and \".\"", "%q is too easily taken for %q, which is there already", name, twin)
		return nil
	}
	if err := j.scopeOwner(name, at); err != nil {
		return err
	}
	return j.similarNames(name, at)
}

// similarNames compares a new name with those of packages and registrations. A
// registered one was compared when it was registered.
func (j *judge) similarNames(name, at string) error {
	if j.registered || j.policy.status(rule("name/similar")) == Off {
		return nil
	}
	similar, err := findSimilar(j.in.Base, name, &j.policy.Names)
	if err != nil {
		return err
	}
	if len(similar) > 0 {
		j.add("name/similar", at, "make sure that this is not meant to be taken for it", "%q is easily taken for %s", name, strings.Join(quoteAll(similar), ", "))
	}
	return nil
}

func quoteAll(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, "\""+n+"\"")
	}
	return out
}

// findTwin finds a package whose name folds to the same, without reading more
// than the folders that could hold one: a twin has the same length, and its
// prefix folders differ only in separators.
func findTwin(tree fs.FS, name string) (string, error) {
	if scope, base, scoped := strings.Cut(name, "/"); scoped {
		return findScopedTwin(tree, scope, base)
	}
	file, err := index.Path(name)
	if err != nil {
		return "", err
	}
	dirs, err := twinFolders(tree, strings.Split(path.Dir(file), "/"))
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		twin, err := foldedEntry(tree, dir, name)
		if err != nil || twin != "" {
			return twin, err
		}
	}
	return "", nil
}

// twinFolders finds the folders whose path folds to the same, segment by
// segment.
func twinFolders(tree fs.FS, segments []string) ([]string, error) {
	dirs := []string{"."}
	for _, segment := range segments {
		var next []string
		for _, dir := range dirs {
			entries, err := readDir(tree, dir)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if e.IsDir() && index.Fold(e.Name()) == index.Fold(segment) {
					next = append(next, path.Join(dir, e.Name()))
				}
			}
		}
		dirs = next
	}
	return dirs, nil
}

func foldedEntry(tree fs.FS, dir, name string) (string, error) {
	entries, err := readDir(tree, dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if twin, ok := index.NameOf(path.Join(dir, e.Name())); ok && !e.IsDir() && index.Fold(twin) == index.Fold(name) {
			return twin, nil
		}
	}
	return "", nil
}

// findScopedTwin finds a twin of a scoped name. The scopes themselves must be
// different: another scope that folds to the same belongs to someone else.
func findScopedTwin(tree fs.FS, scope, base string) (string, error) {
	dirs, err := twinFolders(tree, []string{scope})
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		if dir != scope {
			return dir + "/", nil
		}
		twin, err := foldedEntry(tree, dir, scope+"/"+base)
		if err != nil || twin != "" {
			return twin, err
		}
	}
	return "", nil
}

func readDir(tree fs.FS, dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(tree, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
