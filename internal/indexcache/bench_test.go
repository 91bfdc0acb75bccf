package indexcache

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openCrates packs the index of crates.io of July 2020, out of the git bundle
// named by CLYDE_TEST_CRATES_INDEX.
func openCrates(b *testing.B) *File {
	b.Helper()
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	if bundle == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			b.Fatal("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
		}
		b.Skip("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
	}
	repository := filepath.Join(b.TempDir(), "index.git")
	git := func(stdin string, args ...string) []byte {
		b.Helper()
		cmd := exec.Command("git", args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("git %s: %v", args[0], err)
		}
		return out
	}
	git("", "clone", "--quiet", "--bare", bundle, repository)
	files := commit{}
	var ids strings.Builder
	var paths []string
	for line := range strings.Lines(string(git("", "-C", repository, "ls-tree", "-r", "HEAD"))) {
		about, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
		fmt.Fprintln(&ids, strings.Fields(about)[2])
		paths = append(paths, path)
	}
	contents := git(ids.String(), "-C", repository, "cat-file", "--batch=%(objectsize)")
	for _, path := range paths {
		header, rest, _ := bytes.Cut(contents, []byte("\n"))
		var size int
		if _, err := fmt.Sscan(string(header), &size); err != nil {
			b.Fatal(err)
		}
		files[path], contents = string(rest[:size]), rest[size+1:]
	}
	return files.write(b, nil)
}

// workingSet are the packages that many others need: the closure of a few big
// ones over every version.
func workingSet(b *testing.B, f *File, limit int) []string {
	b.Helper()
	names := []string{"reqwest", "diesel", "actix-web", "clap", "tokio", "rocket", "ripgrep", "image"}
	seen := map[string]bool{}
	for i := 0; i < len(names) && len(names) < limit; i++ {
		entries, _, err := f.Entries(names[i])
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range entries {
			for _, d := range e.Deps {
				if name := strings.ToLower(d.PackageName()); !seen[name] && d.Registry == "" && len(names) < limit {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	return names
}

func BenchmarkCratesOpenAndLookUp(b *testing.B) {
	name := openCrates(b).file.Name()
	for b.Loop() {
		f, err := Open(name)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok, err := f.Package("serde"); !ok || err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

// BenchmarkCratesWorkingSet reads what resolving needs of 790 packages.
func BenchmarkCratesWorkingSet(b *testing.B) {
	f := openCrates(b)
	names := workingSet(b, f, 790)
	versions := 0
	b.ReportAllocs()
	for b.Loop() {
		versions = 0
		for _, name := range names {
			releases, _, err := f.Releases(name)
			if err != nil {
				b.Fatal(err)
			}
			versions += len(releases.List)
		}
	}
	b.ReportMetric(float64(versions), "versions")
}

// BenchmarkCratesWorkingSetLines reads the same as lines, for comparison.
func BenchmarkCratesWorkingSetLines(b *testing.B) {
	f := openCrates(b)
	names := workingSet(b, f, 790)
	for b.Loop() {
		for _, name := range names {
			if _, _, err := f.Package(name); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkCratesNames(b *testing.B) {
	f := openCrates(b)
	for b.Loop() {
		n := 0
		if err := f.Names(func(Named) bool { n++; return true }); err != nil || n != f.Packages() {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkCratesProve(b *testing.B) {
	f := openCrates(b)
	for b.Loop() {
		if err := f.Prove(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	entries := Lines("hello", []byte(strings.Repeat(line("hello", "1.0.0"), 50))).Entries
	var w recordWriter
	record := w.appendRecord(nil, entries)
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			record = w.appendRecord(record[:0], entries)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if got, err := readRecord(record); err != nil || len(got.List) != len(entries) {
				b.Fatal(err)
			}
		}
	})
}
