package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/internal/archive"
)

// item is a member of an archive made by hand.
type item struct {
	name   string
	body   string
	header tar.Header
}

func file(name, body string) item { return item{name: name, body: body} }
func folder(name string) item     { return item{name: name, header: tar.Header{Typeflag: tar.TypeDir}} }

func symlink(name, to string) item {
	return item{name: name, header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: to}}
}

func hardlink(name, to string) item {
	return item{name: name, header: tar.Header{Typeflag: tar.TypeLink, Linkname: to}}
}

func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, it := range items {
		h := it.header
		h.Name, h.Size = it.name, int64(len(it.body))
		if h.Typeflag == tar.TypeXGlobalHeader {
			h.Name = ""
		} else if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, it.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func archiveOf(t testing.TB, items ...item) []byte { return gzipOf(t, tarOf(t, items...)) }

// smallLimits let a test go past each of them with little data.
func smallLimits() archive.Limits {
	return archive.Limits{Files: 20, Size: 300 << 10, FileSize: 200 << 10, Ratio: 200, PathLength: 100}
}

type hostile struct {
	rule   string
	data   []byte
	limits *archive.Limits // instead of smallLimits
}

// hostileArchives holds one archive or more for each rule of Extract.
func hostileArchives(t testing.TB) map[string]hostile {
	sound := archiveOf(t, file("p-1/a", "hello"))
	soundTar := tarOf(t, file("p-1/a", "hello"))
	many := make([]item, 21)
	for i := range many {
		many[i] = file("p-1/"+strings.Repeat("x", i+1), "")
	}
	zeros := strings.Repeat("\x00", 30<<20)
	return map[string]hostile{
		"absolute":                  {rule: archive.RulePathAbsolute, data: archiveOf(t, file("/etc/passwd", ""))},
		"drive letter":              {rule: archive.RulePathAbsolute, data: archiveOf(t, file("C:/x/y", ""))},
		"drive-relative":            {rule: archive.RulePathAbsolute, data: archiveOf(t, file("c:x/y", ""))},
		"climbs":                    {rule: archive.RulePathParent, data: archiveOf(t, file("p-1/../../x", ""))},
		"climbs first":              {rule: archive.RulePathParent, data: archiveOf(t, file("../x", ""))},
		"climbs within":             {rule: archive.RulePathParent, data: archiveOf(t, file("p-1/a/../b", ""))},
		"backslash":                 {rule: archive.RulePathWindows, data: archiveOf(t, file(`p-1/..\..\x`, ""))},
		"alternate stream":          {rule: archive.RulePathWindows, data: archiveOf(t, file("p-1/a:stream", ""))},
		"device name":               {rule: archive.RulePathWindows, data: archiveOf(t, file("p-1/NUL.txt", ""))},
		"device name with space":    {rule: archive.RulePathWindows, data: archiveOf(t, file("p-1/nul .txt", ""))},
		"superscript device":        {rule: archive.RulePathWindows, data: archiveOf(t, file("p-1/COM¹", ""))},
		"trailing dot":              {rule: archive.RulePathWindows, data: archiveOf(t, file("p-1/a./b", ""))},
		"only dots":                 {rule: archive.RulePathWindows, data: archiveOf(t, file("p-1/.../b", ""))},
		"not UTF-8":                 {rule: archive.RulePathUTF8, data: archiveOf(t, file("p-1/\xff", ""))},
		"line break":                {rule: archive.RulePathInvisible, data: archiveOf(t, file("p-1/a\nb", ""))},
		"right to left":             {rule: archive.RulePathInvisible, data: archiveOf(t, file("p-1/a\u202eb", ""))},
		"long":                      {rule: archive.RulePathLength, data: archiveOf(t, file("p-1/"+strings.Repeat("x", 101), ""))},
		"empty name":                {rule: archive.RulePathEmpty, data: archiveOf(t, item{name: "./", header: tar.Header{Typeflag: tar.TypeDir}})},
		"same file twice":           {rule: archive.RulePathDuplicate, data: archiveOf(t, file("p-1/a", ""), file("p-1/a", ""))},
		"same file in other words":  {rule: archive.RulePathDuplicate, data: archiveOf(t, file("p-1/a", ""), file("p-1/.//a", ""))},
		"file then folder":          {rule: archive.RulePathDuplicate, data: archiveOf(t, file("p-1/a", ""), file("p-1/a/b", ""))},
		"folder then file":          {rule: archive.RulePathDuplicate, data: archiveOf(t, file("p-1/a/b", ""), file("p-1/a", ""))},
		"case":                      {rule: archive.RulePathCollision, data: archiveOf(t, file("p-1/README", ""), file("p-1/readme", ""))},
		"case of folders":           {rule: archive.RulePathCollision, data: archiveOf(t, file("p-1/Lib/a", ""), file("p-1/lib/b", ""))},
		"normalisation":             {rule: archive.RulePathCollision, data: archiveOf(t, file("p-1/caf\u00e9", ""), file("p-1/cafe\u0301", ""))},
		"two top folders":           {rule: archive.RuleTopFolder, data: archiveOf(t, file("p-1/a", ""), file("p-2/a", ""))},
		"no top folder":             {rule: archive.RuleTopFolder, data: archiveOf(t, file("a", ""))},
		"top folder is a link":      {rule: archive.RuleTopFolder, data: archiveOf(t, symlink("p-1", "/etc"), file("p-1/a", ""))},
		"link to absolute":          {rule: archive.RuleLinkOutside, data: archiveOf(t, symlink("p-1/a", "/etc/passwd"))},
		"link to drive":             {rule: archive.RuleLinkOutside, data: archiveOf(t, symlink("p-1/a", "C:/x"))},
		"link climbs":               {rule: archive.RuleLinkOutside, data: archiveOf(t, symlink("p-1/b/a", "../../x"))},
		"link to beside":            {rule: archive.RuleLinkOutside, data: archiveOf(t, symlink("p-1/a", ".."))},
		"empty link":                {rule: archive.RuleLinkOutside, data: archiveOf(t, symlink("p-1/a", ""))},
		"hard link climbs":          {rule: archive.RuleLinkOutside, data: archiveOf(t, hardlink("p-1/a", "p-1/../../x"))},
		"hard link to elsewhere":    {rule: archive.RuleLinkOutside, data: archiveOf(t, file("p-1/x", ""), hardlink("p-1/a", "etc/passwd"))},
		"hard link to sibling name": {rule: archive.RuleLinkOutside, data: archiveOf(t, file("p-1/x", ""), hardlink("p-1/a", "p-1x/y"))},
		"link to folder":            {rule: archive.RuleLinkDirectory, data: archiveOf(t, file("p-1/d/x", ""), symlink("p-1/a", "d"))},
		"write through a link":      {rule: archive.RulePathDuplicate, data: archiveOf(t, folder("p-1/d"), symlink("p-1/a", "d"), file("p-1/a/x", ""))},
		"file over a link":          {rule: archive.RulePathDuplicate, data: archiveOf(t, symlink("p-1/a", "b"), file("p-1/a", "x"))},
		"link to nothing":           {rule: archive.RuleLinkDangling, data: archiveOf(t, symlink("p-1/a", "b"))},
		"links in a ring":           {rule: archive.RuleLinkDangling, data: archiveOf(t, symlink("p-1/a", "b"), symlink("p-1/b", "a"))},
		"link with backslashes":     {rule: archive.RuleLinkDangling, data: archiveOf(t, symlink("p-1/a", `..\..\x`))},
		"links multiply":            {rule: archive.RuleSize, data: archiveOf(t, file("p-1/z", noise(160<<10)), symlink("p-1/a", "z"))},
		"character device":          {rule: archive.RuleSpecial, data: archiveOf(t, item{name: "p-1/a", header: tar.Header{Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}})},
		"block device":              {rule: archive.RuleSpecial, data: archiveOf(t, item{name: "p-1/a", header: tar.Header{Typeflag: tar.TypeBlock}})},
		"pipe":                      {rule: archive.RuleSpecial, data: archiveOf(t, item{name: "p-1/a", header: tar.Header{Typeflag: tar.TypeFifo}})},
		"unknown type":              {rule: archive.RuleSpecial, data: archiveOf(t, item{name: "p-1/a", header: tar.Header{Typeflag: 'Z'}})},
		"sparse in PAX":             {rule: archive.RuleSparse, data: gzipOf(t, sparseTar(t))},
		"too many":                  {rule: archive.RuleFiles, data: archiveOf(t, many...)},
		"file too large":            {rule: archive.RuleFileSize, data: archiveOf(t, file("p-1/a", noise(201<<10)))},
		"all too large":             {rule: archive.RuleSize, data: archiveOf(t, file("p-1/a", noise(160<<10)), file("p-1/b", noise(160<<10)))},
		"ratio":                     {rule: archive.RuleRatio, data: archiveOf(t, file("p-1/a", zeros)), limits: &archive.Limits{}},
		"bomb behind the end":       {rule: archive.RuleRatio, data: gzipOf(t, append(bytes.Clone(soundTar), zeros...))},
		"empty":                     {rule: archive.RuleTruncated, data: nil},
		"no members":                {rule: archive.RuleEmpty, data: archiveOf(t)},
		"not gzip":                  {rule: archive.RuleFormat, data: []byte("PK\x03\x04 this is no gzip file")},
		"not tar":                   {rule: archive.RuleFormat, data: gzipOf(t, bytes.Repeat([]byte("no tar "), 200))},
		"wrong checksum":            {rule: archive.RuleFormat, data: flip(sound, len(sound)-6)},
		"cut in the trailer":        {rule: archive.RuleTruncated, data: sound[:len(sound)-3]},
		"cut in the data":           {rule: archive.RuleTruncated, data: sound[:len(sound)/2]},
		"cut in a member":           {rule: archive.RuleTruncated, data: gzipOf(t, soundTar[:514])},
		"no end marker":             {rule: archive.RuleTruncated, data: gzipOf(t, soundTar[:1024])},
		"half an end marker":        {rule: archive.RuleTruncated, data: gzipOf(t, soundTar[:1536])},
		"bytes after gzip":          {rule: archive.RuleTrailing, data: append(bytes.Clone(sound), "x"...)},
		"zeros after gzip":          {rule: archive.RuleTrailing, data: append(bytes.Clone(sound), make([]byte, 512)...)},
		"second gzip":               {rule: archive.RuleTrailing, data: append(bytes.Clone(sound), sound...)},
		"second tar":                {rule: archive.RuleTrailing, data: gzipOf(t, append(bytes.Clone(soundTar), soundTar...))},
		"bytes after the end":       {rule: archive.RuleTrailing, data: gzipOf(t, append(bytes.Clone(soundTar), "x"...))},
	}
}

// noise returns bytes that do not compress.
func noise(n int) string {
	data, state := make([]byte, n), uint64(88172645463325252)
	for i := range data {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		data[i] = byte(state)
	}
	return string(data)
}

func flip(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0xff
	return data
}

// sparseTar returns a PAX sparse file, which claims a size that it does not
// carry. archive/tar does not write one, so the records are written under other
// names of the same length and put right afterwards.
func sparseTar(t testing.TB) []byte {
	data := tarOf(t, item{name: "p-1/a", body: "1\n0\n1\n" + strings.Repeat("\x00", 506) + "x", header: tar.Header{
		Format:     tar.FormatPAX,
		PAXRecords: map[string]string{"GNX.sparse.major": "1", "GNX.sparse.minor": "0", "GNX.sparse.name": "p-1/a", "GNX.sparse.realsize": "900000000000"},
	}})
	return bytes.ReplaceAll(data, []byte("GNX.sparse"), []byte("GNU.sparse"))
}

func TestExtractRefusesHostileArchives(t *testing.T) {
	for name, tt := range hostileArchives(t) {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "dst")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			limits := smallLimits()
			if tt.limits != nil {
				limits = *tt.limits
			}
			_, err := archive.Extract(t.Context(), bytes.NewReader(tt.data), openRoot(t, dir), limits)
			var unsafe *archive.UnsafeError
			if !errors.As(err, &unsafe) {
				t.Fatalf("Extract reports %v, want an *UnsafeError", err)
			}
			if unsafe.Rule != tt.rule {
				t.Errorf("refused by %s (%v), want %s", unsafe.Rule, err, tt.rule)
			}
			if !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\n\u202e") {
				t.Errorf("the message holds raw text of the archive: %q", err)
			}
			checkTree(t, parent)
			if _, looked := archive.Inspect(t.Context(), bytes.NewReader(tt.data), limits); looked == nil || looked.Error() != err.Error() {
				t.Errorf("Inspect reports %v, Extract %v", looked, err)
			}
		})
	}
}

// checkTree makes sure that the folder holds nothing but dst, and dst nothing
// but regular files and folders.
func checkTree(t testing.TB, parent string) {
	t.Helper()
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 1 {
		t.Fatalf("beside dst there is more: %v, %v", entries, err)
	}
	err = filepath.WalkDir(parent, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !d.Type().IsRegular() {
			t.Errorf("%s is %s", path, d.Type())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExtract(t *testing.T) {
	data := archiveOf(t,
		item{name: "pax_global_header", header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "0123"}}},
		item{name: "./p-1/", header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o700}},
		item{name: "./p-1/bin/", header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o2777}},
		item{name: "./p-1/bin/", header: tar.Header{Typeflag: tar.TypeDir, Mode: 0o500}},
		symlink("p-1/lib/libz.so", "libz.so.1"),
		symlink("p-1/lib/libz.so.1", "libz.so.1.3"),
		item{name: "p-1/lib/libz.so.1.3", body: "ELF", header: tar.Header{Mode: 0o4711}},
		hardlink("p-1/bin/tool", "p-1/lib/libz.so.1.3"),
		file("p-1//docs/./a.md", "text"),
	)
	root := openRoot(t, t.TempDir())
	sum, err := archive.Extract(t.Context(), bytes.NewReader(data), root, smallLimits())
	if err != nil {
		t.Fatal(err)
	}
	if sum.Files != 5 || sum.Unpacked != 16 || sum.Size != int64(len(data)) {
		t.Errorf("summary %+v", sum)
	}
	want := map[string]string{
		"bin":             "drwxr-xr-x ",
		"bin/tool":        "-rwxr-xr-x ELF",
		"docs":            "drwxr-xr-x ",
		"docs/a.md":       "-rw-r--r-- text",
		"lib":             "drwxr-xr-x ",
		"lib/libz.so":     "-rwxr-xr-x ELF",
		"lib/libz.so.1":   "-rwxr-xr-x ELF",
		"lib/libz.so.1.3": "-rwxr-xr-x ELF",
	}
	if diff := cmp.Diff(want, treeOf(t, root)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// treeOf lists a tree: each path with its mode and content.
func treeOf(t testing.TB, root *os.Root) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var content []byte
		if info.Mode().IsRegular() {
			if content, err = root.ReadFile(path); err != nil {
				return err
			}
		}
		tree[path] = info.Mode().String() + " " + string(content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestExtractOverwritesNothing(t *testing.T) {
	root := writeTree(t, map[string]string{"a": "mine"})
	_, err := archive.Extract(t.Context(), bytes.NewReader(archiveOf(t, file("p-1/a", "theirs"))), root, smallLimits())
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("Extract reports %v, want fs.ErrExist", err)
	}
	if got, _ := root.ReadFile("a"); string(got) != "mine" {
		t.Errorf("the file holds %q", got)
	}
}

// failingReader fails after some bytes, as a connection does.
type failingReader struct {
	r   io.Reader
	err error
}

func (f failingReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = f.err
	}
	return n, err
}

func TestExtractReportsTheErrorOfTheSource(t *testing.T) {
	data, broken := archiveOf(t, file("p-1/a", noise(190<<10))), errors.New("connection reset")
	for _, cut := range []int{0, 5, 100 << 10, len(data) - 4, len(data)} {
		_, err := archive.Extract(t.Context(), failingReader{bytes.NewReader(data[:cut]), broken}, openRoot(t, t.TempDir()), smallLimits())
		if !errors.Is(err, broken) {
			t.Errorf("cut at %d: %v, want the error of the source", cut, err)
		}
	}
}

func TestExtractStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	data := archiveOf(t, file("p-1/a", noise(190<<10)))
	reads := 0
	source := readerFunc(func(p []byte) (int, error) {
		if reads++; reads == 3 {
			cancel()
		}
		n := copy(p[:min(len(p), 8<<10)], data)
		data = data[n:]
		return n, nil
	})
	_, err := archive.Extract(ctx, source, openRoot(t, t.TempDir()), smallLimits())
	if !errors.Is(err, context.Canceled) || reads > 3 {
		t.Errorf("Extract reports %v after %d reads, want context.Canceled after 3", err, reads)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReadMember(t *testing.T) {
	data := archiveOf(t, folder("p-1/.clyde/"), file("p-1/.clyde/package.yaml", "name: p\n"), file("p-1/b", "content"))
	tests := []struct {
		name, want string
		limit      int64
		err        error
		rule       string
	}{
		{name: ".clyde/package.yaml", want: "name: p\n", limit: 8},
		{name: "b", want: "content", limit: 100},
		{name: "b", limit: 6, rule: archive.RuleFileSize},
		{name: "c", limit: 6, err: fs.ErrNotExist},
		{name: ".clyde", limit: 6, err: fs.ErrNotExist},
	}
	for _, tt := range tests {
		got, err := archive.ReadMember(bytes.NewReader(data), tt.name, tt.limit)
		var unsafe *archive.UnsafeError
		switch {
		case tt.rule != "":
			if !errors.As(err, &unsafe) || unsafe.Rule != tt.rule {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.rule)
			}
		case !errors.Is(err, tt.err) || string(got) != tt.want:
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
	// Only what comes before the member has to be sound.
	if _, err := archive.ReadMember(bytes.NewReader(data[:len(data)-8]), "b", 100); err != nil {
		t.Errorf("a member before the cut: %v", err)
	}
	if _, err := archive.ReadMember(bytes.NewReader(data[:len(data)-8]), "c", 100); err == nil {
		t.Error("a missing member of a cut archive is reported as not there")
	}
}

func FuzzExtract(f *testing.F) {
	for _, tt := range hostileArchives(f) {
		if len(tt.data) < 64<<10 {
			f.Add(tt.data)
		}
	}
	f.Add(archiveOf(f, file("p-1/a", "x"), symlink("p-1/l", "a")))
	f.Fuzz(func(t *testing.T, data []byte) {
		parent := t.TempDir()
		if err := os.Mkdir(filepath.Join(parent, "dst"), 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(filepath.Join(parent, "dst"))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		limits := archive.Limits{Files: 50, Size: 1 << 20, FileSize: 1 << 20, Ratio: 100, PathLength: 100}
		sum, err := archive.Extract(t.Context(), bytes.NewReader(data), root, limits)
		checkTree(t, parent)
		looked, inspectErr := archive.Inspect(t.Context(), bytes.NewReader(data), limits)
		if fmt.Sprint(err) != fmt.Sprint(inspectErr) {
			t.Errorf("Extract reports %v, Inspect %v", err, inspectErr)
		}
		if err != nil {
			return
		}
		if looked.Summary != sum || len(looked.Members) != sum.Files {
			t.Errorf("Extract found %+v, Inspect %+v", sum, looked.Summary)
		}
		if sum.Size != int64(len(data)) {
			t.Errorf("%d bytes were judged of %d", sum.Size, len(data))
		}
		files, total := 0, int64(0)
		for _, line := range treeOf(t, root) {
			if line[0] == '-' {
				files++
				total += int64(len(line) - len("-rw-r--r-- "))
			}
		}
		if files != sum.Files || total != sum.Unpacked || files > limits.Files || total > limits.Size {
			t.Errorf("the tree has %d files and %d bytes, the summary %+v", files, total, sum)
		}
	})
}
