package resolve_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/clydepm/clyde/internal/resolve"
)

var update = flag.Bool("update", false, "rewrite the explanations in testdata")

// TestExplanations compares every explanation, with its hint, to the one in
// testdata/conflicts, which a person has read.
func TestExplanations(t *testing.T) {
	files, err := filepath.Glob("testdata/conflicts/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld()
			var root, want string
			for _, f := range archive.Files {
				switch name, registry, _ := strings.Cut(f.Name, " "); name {
				case "index":
					if registry == "" {
						registry = "main"
					}
					w.load(t, registry, string(f.Data))
				case "root":
					root = string(f.Data)
				case "want":
					want = string(f.Data)
				default:
					t.Fatalf("unknown section %s", f.Name)
				}
			}
			got := explanation(t, w, rootOptions(t, root))
			compareGolden(t, file, archive, got, want)
		})
	}
}

func explanation(t *testing.T, w resolve.Source, opts resolve.Options) string {
	t.Helper()
	sol, err := resolve.Resolve(t.Context(), w, opts)
	var conflict *resolve.Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v, %v; want a conflict", sol, err)
	}
	text := conflict.Explanation() + "\n"
	if hint := conflict.Hint(); hint != "" {
		text += "hint: " + hint + "\n"
	}
	return text
}

// compareGolden compares an explanation with the section want of a file, or
// replaces that.
func compareGolden(t *testing.T, file string, archive *txtar.Archive, got, want string) {
	t.Helper()
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
		archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
