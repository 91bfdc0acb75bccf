package arch

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shortestComment is how much a package comment must say at least: a few
// lines that specify, not a line that repeats the name.
const shortestComment = 200

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		var comments []string
		for name, file := range p.Files {
			if file.Doc == nil {
				continue
			}
			comments = append(comments, name)
			text := file.Doc.Text()
			start := "Package " + file.Name.Name + " "
			if file.Name.Name == "main" {
				start = "Command " + path.Base(p.Dir) + " "
			}
			if !strings.HasPrefix(text, start) {
				t.Errorf("%s: the package comment starts with %q", name, start)
			}
			if len(text) < shortestComment {
				t.Errorf("%s: a package comment of %d bytes specifies nothing; write what the package holds and promises", name, len(text))
			}
		}
		slices.Sort(comments)
		switch {
		case len(p.Files) == 0:
			t.Errorf("%s: only tests here; give the package a doc.go", p.Dir)
		case len(comments) == 0:
			t.Errorf("%s: no package comment", p.Dir)
		case len(comments) > 1:
			t.Errorf("%s: package comments in %s; one is the specification", p.Dir, strings.Join(comments, " and "))
		}
	}
}

func TestPackageNames(t *testing.T) {
	drawers := []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "base", "lib", "core"}
	for _, name := range paths(t) {
		for part := range strings.SplitSeq(strings.TrimSuffix(name, path.Ext(name)), "/") {
			if slices.Contains(drawers, strings.TrimSuffix(part, "_test")) {
				t.Errorf("%s: %q says nothing about what is in it", name, part)
			}
		}
	}
	for _, p := range packages(t) {
		for name, file := range p.Files {
			if got := file.Name.Name; got != path.Base(p.Dir) && got != "main" {
				t.Errorf("%s: package %s in a folder named %s", name, got, path.Base(p.Dir))
			}
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for _, file := range p.Files {
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s: func init does its work behind the reader's back; call it", p.position(t, f))
				}
			}
		}
	}
}

func TestNoMutableState(t *testing.T) {
	for _, p := range packages(t) {
		written := assigned(p)
		for _, file := range p.Files {
			for _, decl := range file.Decls {
				gen, ok := decl.(*ast.GenDecl)
				if !ok || gen.Tok != token.VAR {
					continue
				}
				for _, spec := range gen.Specs {
					for _, finding := range mutable(gen, spec.(*ast.ValueSpec), written) {
						t.Errorf("%s: %s", p.position(t, spec), finding)
					}
				}
			}
		}
	}
}

// mutable says what is wrong with a package-level variable, if anything.
func mutable(gen *ast.GenDecl, spec *ast.ValueSpec, written map[string]bool) []string {
	if embedded(gen.Doc) || embedded(spec.Doc) {
		return nil
	}
	var findings []string
	for i, name := range spec.Names {
		if name.Name == "_" {
			continue // an assertion that a type implements an interface
		}
		if written[name.Name] {
			findings = append(findings, name.Name+" is assigned to: hand it down in a field instead")
			continue
		}
		if i >= len(spec.Values) {
			findings = append(findings, name.Name+" starts empty, so something must change it: hand it down in a field instead")
			continue
		}
		if !constant(spec.Values[i]) {
			findings = append(findings, name.Name+" is not a constant in all but name: an error, a regular expression, sync.OnceValue or a table that nothing assigns to")
			continue
		}
		if _, table := spec.Values[i].(*ast.CompositeLit); table && name.IsExported() {
			findings = append(findings, name.Name+" is a table that other packages could change: unexport it or return it from a function")
		}
	}
	return findings
}

// embedded reports whether the comment embeds a file.
func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// constant reports whether a value is one that nobody means to change.
func constant(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.BasicLit, *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		fun := v.Fun
		if generic, ok := fun.(*ast.IndexExpr); ok {
			fun = generic.X
		}
		sel, ok := fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		from, ok := sel.X.(*ast.Ident)
		return ok && slices.Contains([]string{
			"errors.New", "fmt.Errorf", "regexp.MustCompile", "sync.OnceValue", "sync.OnceValues", "sync.OnceFunc",
			"strings.NewReplacer", "time.Date", "reflect.TypeFor",
		}, from.Name+"."+sel.Sel.Name)
	}
	return false
}

// assigned collects the names that the package's code assigns to, takes the
// address of, or empties, by any path: name = v, name[k] = v, name.f = v,
// delete(name, k). A local variable of the same name counts too; name it
// otherwise.
func assigned(p *pkg) map[string]bool {
	names := map[string]bool{}
	note := func(e ast.Expr) {
		for {
			switch v := e.(type) {
			case *ast.IndexExpr:
				e = v.X
			case *ast.SelectorExpr:
				e = v.X
			case *ast.StarExpr:
				e = v.X
			case *ast.ParenExpr:
				e = v.X
			case *ast.Ident:
				names[v.Name] = true
				return
			default:
				return
			}
		}
	}
	globals := map[string]bool{}
	for _, file := range p.Files {
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && gen.Tok == token.VAR {
				for _, spec := range gen.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						globals[name.Name] = true
					}
				}
			}
		}
	}
	for _, file := range p.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch v := n.(type) {
			case *ast.AssignStmt:
				if v.Tok != token.DEFINE {
					for _, left := range v.Lhs {
						note(left)
					}
				}
			case *ast.IncDecStmt:
				note(v.X)
			case *ast.CallExpr:
				if f, ok := v.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") && len(v.Args) > 0 {
					note(v.Args[0])
				}
			}
			return true
		})
	}
	for name := range names {
		if !globals[name] {
			delete(names, name)
		}
	}
	return names
}

// longestFile is how many lines of Go one subject takes at most.
const longestFile = 700

func TestFilesHaveOneSubject(t *testing.T) {
	for _, name := range paths(t) {
		if path.Ext(name) != ".go" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(data, []byte("\n")); lines > longestFile {
			t.Errorf("%s: %d lines; more than %d are more than one subject", name, lines, longestFile)
		}
	}
}
