package index

import (
	"bytes"
	"fmt"
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// benchmarkLine is a line of ordinary size, with everything that a release of a
// library with a few dependencies has.
func benchmarkLine() []byte {
	e := mutationEntry("1.2.3")
	for i := range 8 {
		e.Deps = append(e.Deps, Dependency{Name: fmt.Sprintf("dependency-%d", i), Req: "^1.2", DefaultFeatures: true, Kind: KindNormal})
	}
	return e.AppendLine(nil)
}

func BenchmarkParseLine(b *testing.B) {
	line := benchmarkLine()
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseLine(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseFile(b *testing.B) {
	text := bytes.Repeat(append(benchmarkLine(), '\n'), 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if f := ParseFile(text); len(f.Entries) != 100 {
			b.Fatal(f.Skipped)
		}
	}
}

// BenchmarkCratesIndex reads every line of the index of crates.io of July 2020,
// on all cores.
func BenchmarkCratesIndex(b *testing.B) {
	var files [][]byte
	size := 0
	eachFile(b, cratesBundle(b), func(path string, data []byte) {
		if path != ConfigPath {
			files = append(files, data)
			size += len(data)
		}
	})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		var next, lines atomic.Int64
		var cores sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			cores.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
					file := ParseFile(files[i])
					lines.Add(int64(len(file.Entries) + len(file.Skipped)))
				}
			})
		}
		cores.Wait()
		if lines.Load() != 259_132 {
			b.Fatal(lines.Load(), "lines")
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	e, err := ParseLine(benchmarkLine())
	if err != nil {
		b.Fatal(err)
	}
	buffer := e.AppendLine(nil)
	b.SetBytes(int64(len(buffer)))
	b.ReportAllocs()
	for b.Loop() {
		buffer = e.AppendLine(buffer[:0])
	}
}

func BenchmarkCheckLine(b *testing.B) {
	line := benchmarkLine()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if violations := CheckLine(line, "hello"); len(violations) > 0 {
			b.Fatal(violations)
		}
	}
}

func BenchmarkParseVersion(b *testing.B) {
	for b.Loop() {
		if _, err := ParseVersion("1.22.333-rc.1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseRequirement(b *testing.B) {
	for b.Loop() {
		if _, err := ParseRequirement(">=1.2.3, <2"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequirementMatches(b *testing.B) {
	for _, text := range []string{"^1.2.3", ">=1.2.3, <2", "^1.2.3-rc.1"} {
		b.Run(text, func(b *testing.B) {
			r, err := ParseRequirement(text)
			if err != nil {
				b.Fatal(err)
			}
			v := Version{Major: 1, Minor: 3}
			for b.Loop() {
				if !r.Matches(v) {
					b.Fatal("no match")
				}
			}
		})
	}
}

// objectTree gives every entry of a tree an object ID, as a git tree does.
type objectTree struct {
	fstest.MapFS
	changed map[string]bool // paths of which the ID is another one
}

type objectEntry struct {
	fs.DirEntry
	id string
}

func (e objectEntry) ObjectID() string { return e.id }

func (t objectTree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := t.MapFS.ReadDir(name)
	for i, e := range entries {
		path := e.Name()
		if name != "." {
			path = name + "/" + path
		}
		entries[i] = objectEntry{e, fmt.Sprintf("%s %v", path, t.changed[path])}
	}
	return entries, err
}

func BenchmarkChanges(b *testing.B) {
	for _, packages := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("packages=%d", packages), func(b *testing.B) {
			base, head := objectTree{fstest.MapFS{}, nil}, objectTree{fstest.MapFS{}, map[string]bool{"pa": true, "pa/ck": true, "pa/ck/package-7": true}}
			for i := range packages {
				path, err := Path(fmt.Sprintf("package-%d", i))
				if err != nil {
					b.Fatal(err)
				}
				base.MapFS[path] = &fstest.MapFile{Data: []byte("before\n"), Mode: 0o644}
				head.MapFS[path] = base.MapFS[path]
			}
			head.MapFS["pa/ck/package-7"] = &fstest.MapFile{Data: []byte("after\n"), Mode: 0o644}
			for b.Loop() {
				changes, err := Changes(base, head)
				if err != nil || len(changes) != 1 {
					b.Fatal(changes, err)
				}
			}
		})
	}
}
