package indexcache

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
)

// wide is a commit of many packages with a short line each.
func wide(packages int) commit {
	c := commit{index.ConfigPath: "{}"}
	for i := range packages {
		path, err := index.Path(wideName(i))
		if err != nil {
			panic(err)
		}
		c[path] = fmt.Sprintf(`{"name":%q,"vers":"1.0.0","deps":[],"cksum":"%064x","features":{},"yanked":false}`+"\n", wideName(i), i)
	}
	return c
}

// wideName spreads packages over folders.
func wideName(i int) string {
	return fmt.Sprintf("%c%c%c%c-%06d", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, 'a'+i/17576%26, i)
}

// counted counts what is read through it.
type counted struct {
	from         io.ReaderAt
	reads, bytes int
}

func (c *counted) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.from.ReadAt(b, at)
	c.reads, c.bytes = c.reads+1, c.bytes+n
	return n, err
}

// lookUp opens a packed file, looks a package up, and tells what was read for
// that and how often memory was allocated.
func lookUp(t *testing.T, name, pkg string) (read counted, allocations float64) {
	t.Helper()
	allocations = testing.AllocsPerRun(3, func() {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		read = counted{from: file}
		f, err := openFrom(file, &read)
		if err != nil {
			t.Fatal(err)
		}
		if found, ok, err := f.Releases(pkg); err != nil || !ok || len(found.List) != 1 {
			t.Fatalf("%s: %v %v", pkg, ok, err)
		}
	})
	return read, allocations
}

// TestLookUpDoesNotGrow looks packages up in an index and in one of ten times the
// size.
func TestLookUpDoesNotGrow(t *testing.T) {
	type cost struct {
		reads, bytes int
		allocations  float64
	}
	var costs []cost
	for _, packages := range []int{9_000, 90_000} {
		name := wide(packages).write(t, nil).file.Name()
		var most cost
		for i := range 20 {
			read, allocations := lookUp(t, name, wideName(i*packages/20))
			most = cost{max(most.reads, read.reads), max(most.bytes, read.bytes), max(most.allocations, allocations)}
		}
		t.Logf("%d packages: %+v", packages, most)
		costs = append(costs, most)
	}
	// Header, root, node, block and record.
	if costs[0].reads != 5 || costs[1].reads != 5 {
		t.Errorf("%d and %d reads, want 5", costs[0].reads, costs[1].reads)
	}
	// A larger root has more fences, and the places of a larger file more digits.
	if few, many := costs[0].bytes, costs[1].bytes; many > few+1024 || few > 24<<10 {
		t.Errorf("%d bytes were read, and %d of ten times the packages", few, many)
	}
	if few, many := costs[0].allocations, costs[1].allocations; many > few {
		t.Errorf("memory was allocated %v times, and %v times with ten times the packages", few, many)
	}
}

// TestUpdateGrowsLinearly adds a version to one package of an index, and of one of
// ten times the size: what is read, written and allocated for that is at most ten
// times as much, but for some of what all updates need.
func TestUpdateGrowsLinearly(t *testing.T) {
	type cost struct{ read, written, allocated, allocations int64 }
	var costs []cost
	for _, packages := range []int{3_000, 30_000} {
		before := wide(packages)
		name := before.write(t, nil).file.Name()
		path, err := index.Path(wideName(7))
		if err != nil {
			t.Fatal(err)
		}
		content := before[path] + strings.Replace(before[path], "1.0.0", "1.1.0", 1)
		after := maps.Clone(before)
		after[path] = content
		commit, places, dir := after.commit(), after.places(), t.TempDir()

		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		read := counted{from: file}
		var at, end runtime.MemStats
		runtime.ReadMemStats(&at)
		f, err := openFrom(file, &read)
		if err != nil {
			t.Fatal(err)
		}
		state, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		w, err := Update(state, dir, commit, places)
		if err != nil {
			t.Fatal(err)
		}
		after.finish(t, dir, w, path)
		runtime.ReadMemStats(&end)
		costs = append(costs, cost{int64(read.bytes) + f.head.heapEnd, w.end, int64(end.TotalAlloc - at.TotalAlloc), int64(end.Mallocs - at.Mallocs)})
		t.Logf("%d packages: %+v", packages, costs[len(costs)-1])
	}
	few, many := costs[0], costs[1]
	for what, grown := range map[string][2]int64{
		"bytes read":      {few.read, many.read},
		"bytes written":   {few.written, many.written},
		"bytes allocated": {few.allocated, many.allocated},
		"allocations":     {few.allocations, many.allocations},
	} {
		if float64(grown[1]) > 11*float64(grown[0]) {
			t.Errorf("%s: %d, and %d for ten times the packages", what, grown[0], grown[1])
		}
	}
}
