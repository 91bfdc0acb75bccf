package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/internal/archive"
)

const manifest = "name: hello\nversion: 1.0.0\n"

func options(change func(*archive.PackOptions)) archive.PackOptions {
	opts := archive.PackOptions{Name: "hello", Version: "1.0.0"}
	if change != nil {
		change(&opts)
	}
	return opts
}

func TestSelect(t *testing.T) {
	tests := map[string]struct {
		files []string
		texts map[string]string
		opts  func(*archive.PackOptions)
		want  []string
	}{
		"what clyde and git keep for themselves is left out": {
			files: []string{
				"a", ".git/config", "vendor/lib/.git", ".GIT/config", "vendor/lib/b", ".github/workflows/ci.yml",
				".clyde/config.yaml", ".clyde/lock.jsonl", ".clyde/packages/x/y", ".clyde/generations/1/x", ".clyde/hooks/setup.sh",
				"hello-1.0.0.tar.gz", "hello-0.9.0-rc.1.tar.gz", "hello-data.tar.gz", "sub/hello-1.0.0.tar.gz", "sub/.clyde-pack-123.tmp", "sub/.clyde/config.yaml",
			},
			want: []string{".clyde/hooks/setup.sh", ".github/workflows/ci.yml", "a", "hello-data.tar.gz", "sub/.clyde/config.yaml", "sub/hello-1.0.0.tar.gz", "vendor/lib/b"},
		},
		"ignore files hold at every level": {
			files: []string{"a.o", "keep.o", "src/b.o", "src/b.c", "build/x", "src/build/x", "src/gen/y.c", "src/gen/keep.c", "docs/a.tmp"},
			texts: map[string]string{".gitignore": "*.o\n!keep.o\n/build/\n", "src/.gitignore": "/gen/*\n!/gen/keep.c\n", "docs/.gitignore": "*.tmp"},
			want:  []string{".gitignore", "docs/.gitignore", "keep.o", "src/.gitignore", "src/b.c", "src/build/x", "src/gen/keep.c"},
		},
		"the manifest is packed even when ignored": {
			files: []string{"a"},
			texts: map[string]string{".gitignore": ".*\n"},
			opts:  func(o *archive.PackOptions) { o.Exclude = []string{".clyde"} },
			want:  []string{"a"},
		},
		"include brings in what git ignores and nothing else": {
			files: []string{"dist/lib.a", "dist/x/y.h", "src/a.c", "README.md", "docs/README.md"},
			texts: map[string]string{".gitignore": "dist\n"},
			opts:  func(o *archive.PackOptions) { o.Include = []string{"./dist/", "*.md"} },
			want:  []string{"README.md", "dist/lib.a", "dist/x/y.h"},
		},
		"exclude wins over include": {
			files: []string{"src/a.c", "src/a_test.c", "src/deep/b_test.c", "src/testdata/x"},
			opts: func(o *archive.PackOptions) {
				o.Include, o.Exclude = []string{"src"}, []string{"**/*_test.c", "**/testdata"}
			},
			want: []string{"src/a.c"},
		},
		"a package may be its manifest alone": {want: nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{archive.ManifestPath: manifest}
			for _, f := range tt.files {
				files[f] = "x"
			}
			for f, text := range tt.texts {
				files[f] = text
			}
			selected, err := archive.Select(writeTree(t, files), options(tt.opts))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range selected {
				got = append(got, f.Path)
			}
			want := append([]string{archive.ManifestPath}, tt.want...)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("selection (-want +got):\n%s", diff)
			}
		})
	}
}

// refusals returns "path rule" for each refusal of a tree.
func refusals(t *testing.T, root *os.Root, opts archive.PackOptions) []string {
	t.Helper()
	_, err := archive.Select(root, opts)
	var refused *archive.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("Select reports %v, want a *RefusedError", err)
	}
	var got []string
	for _, r := range refused.Refusals {
		if r.Detail == "" || r.Hint == "" {
			t.Errorf("%s lacks a detail or a hint", r)
		}
		got = append(got, strings.TrimSpace(r.Path+" "+strings.TrimPrefix(r.Rule, "archive/")))
	}
	return got
}

func TestSelectRefuses(t *testing.T) {
	long := strings.Repeat("x", 60) + "/" + strings.Repeat("y", 60) + "/" + strings.Repeat("z", 90)
	tests := map[string]struct {
		files []string
		links map[string]string
		opts  func(*archive.PackOptions)
		want  []string
	}{
		"paths that Windows cannot hold, all at once": {
			files: []string{"aux.c", "src/COM1", "what?", "a:b", `a\b`, "dot.", "space ", "fine"},
			want:  []string{`a:b path-windows`, `a\b path-windows`, "aux.c path-windows", "dot. path-windows", "space  path-windows", "src/COM1 path-windows", "what? path-windows"},
		},
		"names that collide": {
			files: []string{"README", "Readme", "Src/a", "src/b", "stra\u00dfe", "STRASSE", "caf\u00e9", "cafe\u0301"},
			want:  []string{"Readme path-collision", "caf\u00e9 path-collision", "src/b path-collision", "stra\u00dfe path-collision"},
		},
		"names that are not text": {
			files: []string{"bad\xff", "soft\u00adhyphen", "rtl\u202etxt", "tab\t"},
			want:  []string{"bad\xff path-utf8", "rtl\u202etxt path-invisible", "soft\u00adhyphen path-invisible", "tab\t path-invisible"},
		},
		"long paths": {
			files: []string{long},
			want:  []string{long + " path-length"},
		},
		"links": {
			files: []string{"real", "folder/file", ".git/config", "chain/one"},
			links: map[string]string{
				"out": "../secret", "absolute": "/etc/passwd", "gone": "nowhere", "loop": "loop", "dir": "folder", "git": ".git/config",
				"fine": "real", "chain/two": "../dir/../dir/file", "sneaky": "folder/../../x",
			},
			want: []string{"absolute link-outside", "dir link-directory", "git link-private", "gone link-dangling", "loop link-dangling", "out link-outside", "sneaky link-outside"},
		},
		"a link into clyde's own folder": {
			files: []string{".clyde/config.yaml"},
			links: map[string]string{"settings": ".clyde/config.yaml"},
			want:  []string{"settings link-private"},
		},
		"a link to a secret": {
			files: []string{"a"},
			links: map[string]string{"settings": ".env"},
			opts:  func(o *archive.PackOptions) { o.Exclude = []string{".env"} },
			want:  []string{"settings secret-environment"},
		},
		"a file past the limit": {
			files: []string{"a"},
			opts:  func(o *archive.PackOptions) { o.Limits.FileSize = 3 },
			want:  []string{".clyde/package.yaml file-too-large", "a file-too-large"},
		},
		"a tree past the limits": {
			files: []string{"a", "b"},
			opts:  func(o *archive.PackOptions) { o.Limits.Size, o.Limits.Files = 20, 2 },
			want:  []string{"too-many-files", "too-large"},
		},
		"a pattern that is none": {
			files: []string{"a"},
			opts: func(o *archive.PackOptions) {
				o.Include, o.Exclude, o.AllowSecrets = []string{"[", "a"}, []string{""}, []string{"{a"}
			},
			want: []string{"pattern", "pattern", "pattern"},
		},
		"an include that is not there": {
			files: []string{"a"},
			opts:  func(o *archive.PackOptions) { o.Include = []string{"a", "lib", "*.md"} },
			want:  []string{"include-missing"},
		},
		"nothing left": {
			files: []string{"a"},
			opts:  func(o *archive.PackOptions) { o.Exclude = []string{"**"} },
			want:  []string{"empty"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" {
				t.Skip("the trees of this test need a file system that holds any name")
			}
			files := map[string]string{archive.ManifestPath: manifest}
			for _, f := range tt.files {
				files[f] = "four"
			}
			if name == "a link to a secret" {
				files[".env"] = "A=b"
			}
			root := writeTree(t, files)
			for link, target := range tt.links {
				if err := os.Symlink(target, filepath.Join(root.Name(), link)); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, refusals(t, root, options(tt.opts))); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectNeedsTheManifest(t *testing.T) {
	got := refusals(t, writeTree(t, map[string]string{"a": "x"}), options(nil))
	if want := []string{"manifest-missing"}; !slices.Equal(got, want) {
		t.Errorf("refusals %q, want %q", got, want)
	}
}

func TestPackNoticesAChange(t *testing.T) {
	root := writeTree(t, map[string]string{archive.ManifestPath: manifest, "a": "before"})
	files, err := archive.Select(root, options(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root.Name(), "a"), []byte("afterwards"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = archive.Pack(new(strings.Builder), root, files, options(nil))
	if err == nil || !strings.Contains(err.Error(), "a changed while it was packed") {
		t.Errorf("Pack reports %v", err)
	}
}

func TestPackRefusesABombOfItsOwn(t *testing.T) {
	root := writeTree(t, map[string]string{archive.ManifestPath: manifest, "zeros": strings.Repeat("\x00", 20<<20)})
	files, err := archive.Select(root, options(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = archive.Pack(new(strings.Builder), root, files, options(nil))
	var refused *archive.RefusedError
	if !errors.As(err, &refused) || refused.Refusals[0].Rule != archive.RuleRatio {
		t.Errorf("Pack reports %v, want %s", err, archive.RuleRatio)
	}
}
