package indexcache

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// contents reads what a file was opened from.
func contents(t testing.TB, f *File) []byte {
	t.Helper()
	data, err := os.ReadFile(f.file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// openBytes opens a file that has been made up.
func openBytes(t testing.TB, data []byte) (*File, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "made-up.index")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(name)
	if err == nil {
		t.Cleanup(func() { f.Close() })
	}
	return f, err
}

// levels are the parts of a directory, the root first and the blocks last.
func levels(t testing.TB, f *File) [][]fence {
	t.Helper()
	all := [][]fence{{{place: f.head.root}}}
	for range f.head.levels {
		var next []fence
		for _, at := range all[len(all)-1] {
			below, err := f.node(at)
			if err != nil {
				t.Fatal(err)
			}
			next = append(next, below...)
		}
		all = append(all, next)
	}
	return all
}

// TestDamageOfALevel damages one part of the directory of each level: what is
// found through it cannot be read, and all else can.
func TestDamageOfALevel(t *testing.T) {
	c := sample()
	tall := c.writeTall(t)
	whole := contents(t, tall)
	for level, parts := range levels(t, tall) {
		number := len(parts) / 2
		from, to := parts[number].first, "\xff"
		if number+1 < len(parts) {
			to = parts[number+1].first
		}
		data := bytes.Clone(whole)
		data[parts[number].place.at+parts[number].place.size/2] ^= 4
		f, err := openBytes(t, data)
		if err != nil {
			t.Fatal(err)
		}
		for path, content := range c {
			got, err := fs.ReadFile(f.FS(), path)
			switch {
			case from <= path && path < to:
				if !errors.Is(err, ErrDamaged) {
					t.Errorf("level %d: %s: %v", level, path, err)
				}
			case err != nil || string(got) != content:
				t.Errorf("level %d: %s, which is elsewhere: %q %v", level, path, got, err)
			}
		}
		if err := f.Prove(); !errors.Is(err, ErrDamaged) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

// forge gives a file other nodes above its blocks, with right checksums.
func forge(t testing.TB, f *File, levels int, build func(node func(below ...fence) extent) (root extent)) []byte {
	t.Helper()
	data, h, end := contents(t, f), f.head, f.head.heapEnd
	for block, err := range f.blocks("") {
		if err != nil {
			t.Fatal(err)
		}
		end = block.place.at + block.place.size
	}
	var nodes bytes.Buffer
	w := &Writer{out: bufio.NewWriter(&nodes), end: end}
	h.levels = levels
	h.root = build(func(below ...fence) extent {
		place, err := w.writeNode(nil, below)
		if err != nil {
			t.Fatal(err)
		}
		return place
	})
	if err := w.out.Flush(); err != nil {
		t.Fatal(err)
	}
	rest := data[f.head.names.at:]
	moved := end + int64(nodes.Len()) - f.head.names.at
	for _, part := range []*extent{&h.names, &h.past, &h.object} {
		part.at += moved
	}
	return slices.Concat(h.bytes(), data[headerSize:end], nodes.Bytes(), rest)
}

// TestDirectoryRefuses forges directories. The first is a right one.
func TestDirectoryRefuses(t *testing.T) {
	c := sample()
	f := c.write(t, nil)
	parts := levels(t, f)
	blocks := parts[len(parts)-1]
	one := blocks[0].first
	type nodes = func(below ...fence) extent
	for name, test := range map[string]struct {
		levels int
		build  func(node nodes) extent
	}{
		"": {2, func(node nodes) extent {
			return node(fence{one, node(blocks[:2]...)}, fence{blocks[2].first, node(blocks[2:]...)})
		}},
		"a block that is met twice": {1, func(node nodes) extent {
			return node(append(slices.Clone(blocks), fence{"zz", blocks[0].place})...)
		}},
		"a node that is met twice": {2, func(node nodes) extent {
			n := node(blocks...)
			return node(fence{one, n}, fence{"zz", n})
		}},
		"nothing before the first path": {2, func(node nodes) extent {
			return node(fence{"", node(blocks...)})
		}},
		"an empty node": {2, func(node nodes) extent {
			return node(fence{one, node(blocks...)}, fence{"zz", node()})
		}},
		"fences that are not sorted": {1, func(node nodes) extent {
			return node(blocks[1], blocks[0], blocks[2])
		}},
		"a node after the one above": {2, func(node nodes) extent {
			n := node(blocks...)
			after := extent{at: n.at + n.size + 100, size: n.size, sum: n.sum}
			return node(fence{one, after})
		}},
		"too many fences": {1, func(node nodes) extent {
			all := slices.Clone(blocks)
			for i := range fanOut {
				all = append(all, fence{fmt.Sprintf("zz%03d", i), blocks[0].place})
			}
			return node(all...)
		}},
		"too few levels":  {1, func(node nodes) extent { return node(fence{one, node(blocks...)}) }},
		"too many levels": {2, func(node nodes) extent { return node(blocks...) }},
		"no levels":       {0, func(node nodes) extent { return node(blocks...) }},
		"many levels":     {maxLevels + 1, func(node nodes) extent { return node(blocks...) }},
		"a block is gone": {1, func(node nodes) extent { return node(blocks[:2]...) }},
	} {
		forged, err := openBytes(t, forge(t, f, test.levels, test.build))
		if err == nil {
			err = forged.Prove()
		}
		if name == "" {
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, forged)
		} else if !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHeaderHoldsNoMoreFiles gives a small file a header of one that has many.
func TestHeaderHoldsNoMoreFiles(t *testing.T) {
	f := commit{"config.json": "{}"}.write(t, nil)
	data, h := contents(t, f), f.head
	h.files = 1 << 31
	if _, err := openBytes(t, append(h.bytes(), data[headerSize:]...)); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// seal gives a file that was changed the checksums of what it now is, those of
// the directory and of the parts that the header tells of, as whoever means harm
// would. It does nothing where the file does not hold together.
func seal(data []byte) {
	if len(data) < headerSize {
		return
	}
	header := data[:headerSize]
	binary.BigEndian.PutUint32(header[12:], checksum(header[16:]))
	h, err := parseHeader(header, int64(len(data)))
	if err != nil {
		return
	}
	patience := 1000
	sums := []uint32{sealNode(data, h.root, h.levels, &patience)}
	for _, part := range []extent{h.names, h.past, h.object} {
		sums = append(sums, checksum(data[part.at:][:part.size]))
	}
	for i, sum := range sums {
		binary.BigEndian.PutUint32(header[96+20*i:], sum)
	}
	binary.BigEndian.PutUint32(header[12:], checksum(header[16:]))
}

// sealNode returns the checksum of a node, after it has set those in it.
func sealNode(data []byte, at extent, level int, patience *int) uint32 {
	if *patience--; *patience < 0 || at.at < 0 || at.size < 0 || at.at > int64(len(data))-at.size {
		return at.sum
	}
	node := data[at.at:][:at.size]
	for c := (cursor{rest: node}); level > 0 && len(c.rest) > 0; {
		c.text(maxPath)
		below := c.extent(at.at, maxBlock)
		if below.size > 0 {
			sum := sealNode(data, below, level-1, patience)
			binary.BigEndian.PutUint32(node[len(node)-len(c.rest)-4:], sum)
		}
	}
	return checksum(node)
}

// FuzzFile opens files that anybody may have written, with right checksums:
// nothing may crash, and what is wrong is damage.
func FuzzFile(f *testing.F) {
	small := commit{"config.json": "{}", "he/ll/hello": line("hello", "1.0.0"), "a.link": "x"}
	for n := range 20 {
		small[fmt.Sprintf("trust/%d.pem", n)] = ""
	}
	file := small.write(f, nil)
	f.Add(contents(f, file), 300, byte(7))
	small["he/ll/hello"] += line("hello", "1.1.0")
	f.Add(contents(f, small.write(f, file)), 400, byte(1))
	f.Add(contents(f, small.writeTall(f)), 2000, byte(9))
	f.Fuzz(func(t *testing.T, data []byte, at int, to byte) {
		if at >= 0 && at < len(data) {
			data[at] = to
		}
		see := func(err error) {
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		_, err := readRecord(data)
		see(err)
		if n, ok := readNamed(data); ok {
			n.Summary()
		}
		seal(data)
		if _, err := parseHeader(data[:min(len(data), headerSize)], int64(len(data))); err != nil {
			return
		}
		opened, err := openBytes(t, data)
		see(err)
		see(opened.Prove())
		for _, folder := range []string{".", "he", "trust"} {
			_, err = fs.ReadDir(opened.FS(), folder)
			see(err)
		}
		_, _, err = opened.Package("hello")
		see(err)
		_, _, err = opened.Entries("hello")
		see(err)
		see(opened.Names(func(Named) bool { return true }))
		_, _, err = opened.FSAt("0123456789012345678901234567890123456789")
		see(err)
	})
}
