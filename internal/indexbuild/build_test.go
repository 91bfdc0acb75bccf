package indexbuild

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// packageArchive is an archive with one folder, a manifest and a file.
func packageArchive(t testing.TB, folder, manifest, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	members := tar.NewWriter(compressed)
	for _, member := range []struct{ name, text string }{{".clyde/package.yaml", manifest}, {"content.txt", content}} {
		if member.text == "" {
			continue
		}
		h := &tar.Header{Name: folder + "/" + member.name, Mode: 0o644, Size: int64(len(member.text))}
		if err := members.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := members.Write([]byte(member.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := members.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sound is the archive of a version that needs others.
func sound(t testing.TB, name, version string, needs ...string) []byte {
	text := fmt.Sprintf("name: %s\nversion: %s\nlicense: MIT\n", name, version)
	if len(needs) > 0 {
		text += "dependencies:\n"
	}
	for _, need := range needs {
		text += "  " + need + ": \"*\"\n"
	}
	return packageArchive(t, strings.ReplaceAll(name, "/", "-")+"-"+version, text, name+" "+version)
}

// old is a time that a record trusts.
var old = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)

func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
}

// buildOptions are for a folder of archives and an index in places of their own.
func buildOptions(t testing.TB) Options {
	dir := t.TempDir()
	archives := filepath.Join(dir, "archives")
	if err := os.Mkdir(archives, 0o755); err != nil {
		t.Fatal(err)
	}
	return Options{
		Dir: archives, Into: filepath.Join(dir, "index"), Name: "built", BaseURL: "https://packages.example.org",
		State: filepath.Join(dir, "state"), Author: "Builder", Email: "builder@example.org", When: old,
		Registry: func(alias string) (string, error) { return "https://" + alias + ".example.org", nil },
	}
}

func build(t testing.TB, opts Options) *Built {
	t.Helper()
	built, err := Build(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// files are the contents of an index by path.
func files(t testing.TB, tree fs.FS) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := packageNames(tree)
	if err != nil {
		t.Fatal(err)
	}
	for name := range names {
		path, err := index.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := fs.ReadFile(tree, path)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(data)
	}
	return all
}

// However archives are named and placed, and in whatever order they come, the
// index has the same lines; built at once it has the same bytes; and building
// again reads and writes nothing.
func TestAnyOrderGivesTheSameLines(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 6))
		type release struct {
			name string
			data []byte
		}
		var releases []release
		for p := range 1 + r.IntN(5) {
			for v := range 1 + r.IntN(6) {
				var needs []string
				if p > 0 {
					needs = append(needs, fmt.Sprintf("pkg%d", r.IntN(p)))
				}
				releases = append(releases, release{fmt.Sprintf("pkg%d-1.%d.0.tar.gz", p, v), sound(t, fmt.Sprintf("pkg%d", p), fmt.Sprintf("1.%d.0", v), needs...)})
			}
		}
		atOnce, again, oneByOne := buildOptions(t), buildOptions(t), buildOptions(t)
		for _, p := range releases {
			put(t, atOnce.Dir, p.name, p.data)
			put(t, again.Dir, p.name, p.data)
		}
		done := build(t, atOnce)
		if done.Versions != len(releases) || len(done.Problems) > 0 {
			t.Fatalf("seed %d: %+v", seed, done)
		}
		build(t, again)
		want := files(t, os.DirFS(atOnce.Into))
		if got := files(t, os.DirFS(again.Into)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("seed %d: built twice:\n%v\n%v", seed, got, want)
		}
		for _, i := range r.Perm(len(releases)) {
			put(t, oneByOne.Dir, releases[i].name, releases[i].data)
			if got := build(t, oneByOne); got.Read != 1 || got.Versions != 1 {
				t.Fatalf("seed %d: adding %s read %d and added %d: %v", seed, releases[i].name, got.Read, got.Versions, got.Problems)
			}
		}
		got := files(t, os.DirFS(oneByOne.Into))
		if len(got) != len(want) {
			t.Errorf("seed %d: %d packages, want %d", seed, len(got), len(want))
		}
		for path, text := range want {
			if a, b := sortedLines(got[path]), sortedLines(text); !slices.Equal(a, b) {
				t.Errorf("seed %d: %s has\n%v\nwant\n%v", seed, path, a, b)
			}
		}
		if got := build(t, oneByOne); got.Read != 0 || got.Versions != 0 || got.Present != len(releases) {
			t.Errorf("seed %d: building again: %+v", seed, got)
		}
	}
}

func sortedLines(text string) []string { return slices.Sorted(strings.Lines(text)) }

// Builds of one index at once add every version once, none overwrites what
// another wrote.
func TestBuildsAtOnce(t *testing.T) {
	for _, into := range []string{"index", "index.git"} {
		t.Run(into, func(t *testing.T) {
			shared := buildOptions(t)
			shared.Into = filepath.Join(filepath.Dir(shared.Into), into)
			shared.Git = into == "index.git"
			put(t, shared.Dir, "first-1.0.0.tar.gz", sound(t, "first", "1.0.0"))
			build(t, shared) // there is an index
			const builders = 6
			added := make([]int, builders)
			var group sync.WaitGroup
			for i := range builders {
				opts := shared
				opts.Dir = filepath.Join(filepath.Dir(shared.Dir), fmt.Sprintf("archives%d", i))
				name := fmt.Sprintf("only%d", i)
				put(t, opts.Dir, "own.tar.gz", sound(t, name, "1.0.0", "common"))
				put(t, opts.Dir, "common.tar.gz", sound(t, "common", fmt.Sprintf("1.%d.0", i)))
				group.Go(func() {
					built, err := Build(context.Background(), opts)
					if err != nil {
						t.Error(err)
						return
					}
					added[i] = built.Versions
				})
			}
			group.Wait()
			tree := os.DirFS(shared.Into)
			if shared.Git {
				repo, err := git.Open(shared.Into)
				if err != nil {
					t.Fatal(err)
				}
				defer repo.Close()
				p := &repository{repo: repo, opts: shared}
				if tree, err = p.tree(); err != nil {
					t.Fatal(err)
				}
			}
			got := files(t, tree)
			if n := strings.Count(got["co/mm/common"], "\n"); n != builders || len(got) != builders+2 {
				t.Errorf("%d packages, common has %d versions: %v", len(got), n, added)
			}
			for i, n := range added {
				if n != 2 {
					t.Errorf("builder %d says that it added %d", i, n)
				}
			}
		})
	}
}

// A damaged archive of a private package does not let a public package of that
// name take its place.
func TestDamagedArchiveKeepsItsName(t *testing.T) {
	opts := buildOptions(t)
	opts.Overlay = &Overlay{Address: "https://public.example.org", Has: func(context.Context, string) (bool, error) { return true, nil }}
	put(t, opts.Dir, "app-1.0.0.tar.gz", sound(t, "app", "1.0.0", "secret", "zlib"))
	whole := sound(t, "secret", "1.0.0")
	put(t, opts.Dir, "secret-1.0.0.tar.gz", whole[:len(whole)/2])
	built := build(t, opts)
	where := map[string]string{}
	for _, d := range index.ParseFile([]byte(files(t, os.DirFS(opts.Into))["3/a/app"])).Entries[0].Deps {
		where[d.Name] = d.Registry
	}
	if want := (map[string]string{"secret": "", "zlib": opts.Overlay.Address}); !maps.Equal(where, want) {
		t.Errorf("dependencies are looked for at %v, want %v", where, want)
	}
	if len(built.Problems) != 1 || built.Problems[0].Where != "secret-1.0.0.tar.gz" {
		t.Errorf("problems: %v", built.Problems)
	}
}

// What the record says is taken only while it tells of the file that is there.
func TestRecord(t *testing.T) {
	const name = "hello-1.0.0.tar.gz"
	tests := map[string]struct {
		change func(t *testing.T, opts *Options)
		read   int
	}{
		"nothing": {func(*testing.T, *Options) {}, 0},
		"full":    {func(_ *testing.T, opts *Options) { opts.Full = true }, 1},
		"another time": {func(t *testing.T, opts *Options) {
			if err := os.Chtimes(filepath.Join(opts.Dir, name), old, old.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}, 1},
		"changed in the moment of reading": {func(t *testing.T, opts *Options) {
			now := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(opts.Dir, name), now, now); err != nil {
				t.Fatal(err)
			}
			build(t, *opts)
		}, 1},
		"record damaged": {func(t *testing.T, opts *Options) {
			records, _ := filepath.Glob(filepath.Join(opts.State, "*.json"))
			if len(records) != 1 {
				t.Fatalf("records: %v", records)
			}
			if err := os.WriteFile(records[0], []byte(`{"version":`), 0o644); err != nil {
				t.Fatal(err)
			}
		}, 1},
		"record gone": {func(t *testing.T, opts *Options) {
			if err := os.RemoveAll(opts.State); err != nil {
				t.Fatal(err)
			}
		}, 1},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			opts := buildOptions(t)
			put(t, opts.Dir, name, sound(t, "hello", "1.0.0"))
			build(t, opts)
			test.change(t, &opts)
			if got := build(t, opts); got.Read != test.read || got.Present != 1 || len(got.Problems) > 0 {
				t.Errorf("%+v, want %d read", got, test.read)
			}
		})
	}
}

// Every rule is found by something.
func TestProblems(t *testing.T) {
	builds := "artifacts:\n  linux-x86_64: out\n"
	tests := map[string]func(t *testing.T, opts *Options){
		packagefolder.RuleManifest: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "none-1.0.0.tar.gz", packageArchive(t, "none-1.0.0", "", "text"))
		},
		packagefolder.RuleDuplicate: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "a.tar.gz", sound(t, "hello", "1.0.0"))
			put(t, opts.Dir, "b.tar.gz", packageArchive(t, "hello-1.0.0", "name: hello\nversion: 1.0.0\nlicense: MIT\n", "other bytes"))
		},
		packagefolder.RuleIncomplete: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "tool-1.0.0-linux-x86_64.tar.gz", packageArchive(t, "tool-1.0.0", "name: tool\nversion: 1.0.0\nlicense: MIT\n"+builds, "x"))
		},
		packagefolder.RuleFolder: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "hello-1.0.0.tar.gz", packageArchive(t, "elsewhere", "name: hello\nversion: 1.0.0\nlicense: MIT\n", "x"))
		},
		RuleDigest: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "hello-1.0.0.tar.gz", sound(t, "hello", "1.0.0"))
			build(t, *opts)
			opts.Full = true
			put(t, opts.Dir, "hello-1.0.0.tar.gz", packageArchive(t, "hello-1.0.0", "name: hello\nversion: 1.0.0\nlicense: MIT\n", "other bytes"))
		},
		RuleLine: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "hello-1.0.0.tar.gz", sound(t, "hello", "1.0.0"))
			build(t, *opts)
			file := filepath.Join(opts.Into, "he", "ll", "hello")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			put(t, opts.Into, "he/ll/hello", bytes.ReplaceAll(text, []byte("MIT"), []byte("Zlib")))
		},
		RuleGone: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "hello-1.0.0.tar.gz", sound(t, "hello", "1.0.0"))
			build(t, *opts)
			if err := os.Remove(filepath.Join(opts.Dir, "hello-1.0.0.tar.gz")); err != nil {
				t.Fatal(err)
			}
		},
		RuleDependency: func(t *testing.T, opts *Options) {
			put(t, opts.Dir, "hello-1.0.0.tar.gz", sound(t, "hello", "1.0.0", "nowhere"))
		},
		packagefolder.RuleFile: func(t *testing.T, opts *Options) {
			if err := os.Symlink("elsewhere", filepath.Join(opts.Dir, "hello-1.0.0.tar.gz")); err != nil {
				t.Fatal(err)
			}
		},
	}
	for rule, arrange := range tests {
		t.Run(strings.ReplaceAll(rule, "/", "-"), func(t *testing.T) {
			opts := buildOptions(t)
			arrange(t, &opts)
			problems := build(t, opts).Problems
			if len(problems) != 1 || problems[0].Rule != rule || problems[0].Where == "" || problems[0].Detail == "" {
				t.Errorf("%+v, want one of %s", problems, rule)
			}
		})
	}
}
