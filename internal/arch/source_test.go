package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/clydepm/clyde"

// root is the top of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// paths lists the files of the repository, slash-separated and sorted. Hidden
// folders other than our own and what .gitignore names are left out.
func paths(t *testing.T) []string {
	t.Helper()
	var found []string
	top := root(t)
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (name == ".git" || name == "dist"):
			return filepath.SkipDir
		case d.IsDir() || name == ".git" || ignored(name):
			return nil
		}
		found = append(found, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// ignored reports whether .gitignore leaves the file out: what a build or a
// profile leaves behind.
func ignored(name string) bool {
	return name == "clyde" || name == "clyde.exe" || strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".out")
}

// read returns the text of one file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// pkg is one folder of Go files, parsed.
type pkg struct {
	Dir   string // slash-separated, from the top
	Files map[string]*ast.File
	Tests map[string]*ast.File
	Fset  *token.FileSet
}

// packages parses every Go file outside testdata, for every system: build
// constraints do not hide a file from these rules.
func packages(t *testing.T) []*pkg {
	t.Helper()
	byDir := map[string]*pkg{}
	fset := token.NewFileSet()
	for _, name := range paths(t) {
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(root(t), filepath.FromSlash(name)), nil,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(name)
		p := byDir[dir]
		if p == nil {
			p = &pkg{Dir: dir, Files: map[string]*ast.File{}, Tests: map[string]*ast.File{}, Fset: fset}
			byDir[dir] = p
		}
		if strings.HasSuffix(name, "_test.go") {
			p.Tests[name] = file
		} else {
			p.Files[name] = file
		}
	}
	var all []*pkg
	for _, p := range byDir {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *pkg) int { return strings.Compare(a.Dir, b.Dir) })
	if len(all) == 0 {
		t.Fatal("no package found")
	}
	return all
}

// position is where a node stands, as file:line from the top.
func (p *pkg) position(t *testing.T, node ast.Node) string {
	t.Helper()
	at := p.Fset.Position(node.Pos())
	rel, err := filepath.Rel(root(t), at.Filename)
	if err != nil {
		t.Fatal(err)
	}
	at.Filename, at.Column = filepath.ToSlash(rel), 0
	return at.String()
}
