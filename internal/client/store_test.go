package client

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/clydepm/clyde/internal/archive"
)

// packed makes the archive of a package from files by path, and its digest.
func packed(t testing.TB, name, version string, files map[string]string) (data []byte, digest string) {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files[archive.ManifestPath]; !ok {
		writeTestFile(t, filepath.Join(dir, archive.ManifestPath), "name: "+name+"\nversion: "+version+"\n")
	}
	for path, text := range files {
		writeTestFile(t, filepath.Join(dir, path), text)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	opts := archive.PackOptions{Name: name, Version: version}
	selected, err := archive.Select(root, opts)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	summary, err := archive.Pack(&b, root, selected, opts)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), summary.SHA256
}

func writeTestFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := fs.FileMode(0o644)
	if filepath.Base(filepath.Dir(name)) == "bin" {
		mode = 0o755
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// testStore is a store in a temporary folder that can be removed afterwards
// though its trees are read-only.
func testStore(t testing.TB) *Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	t.Cleanup(func() {
		if err := removeTree(dir); err != nil {
			t.Error(err)
		}
	})
	return OpenStore(dir)
}

func addToStore(t testing.TB, s *Store, digest string, data []byte) {
	t.Helper()
	in, err := s.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(in.Add(context.Background(), digest, bytes.NewReader(data)), in.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestStoreKeepsATree(t *testing.T) {
	s := testStore(t)
	data, digest := packed(t, "hello", "1.0.0", map[string]string{"include/hello.h": "int hello();\n", "bin/hi": "#!/bin/sh\n"})
	if err := s.Check(digest); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Check of an empty store: %v", err)
	}
	addToStore(t, s, digest, data)
	if err := s.Verify(digest); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(s.Tree(digest), "include", "hello.h"))
	if err != nil || string(got) != "int hello();\n" {
		t.Fatalf("%q, %v", got, err)
	}
	for path, want := range map[string]fs.FileMode{".": 0o555, "include/hello.h": 0o444, "bin/hi": 0o555} {
		info, err := os.Stat(filepath.Join(s.Tree(digest), path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
	assertNoTemporaries(t, s)
	addToStore(t, s, digest, data) // again: no error, nothing changes
	assertNoTemporaries(t, s)
}

func assertNoTemporaries(t *testing.T, s *Store) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(s.dir, "tmp", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

// damage is what can happen to a tree of the store that has include/hello.h.
func damage() map[string]func(tree string) error {
	header := filepath.Join("include", "hello.h")
	return map[string]func(tree string) error{
		"a file is gone":      func(tree string) error { return os.Remove(filepath.Join(tree, header)) },
		"a file is cut short": func(tree string) error { return os.Truncate(filepath.Join(tree, header), 3) },
		"a file has other bytes": func(tree string) error {
			return os.WriteFile(filepath.Join(tree, header), []byte("int hullo();\n"), 0o644)
		},
		"a file is executable":    func(tree string) error { return os.Chmod(filepath.Join(tree, header), 0o755) },
		"a file was put in":       func(tree string) error { return os.WriteFile(filepath.Join(tree, "zz"), nil, 0o644) },
		"a file came in between":  func(tree string) error { return os.WriteFile(filepath.Join(tree, "aa"), nil, 0o644) },
		"a link is in the tree":   func(tree string) error { return os.Symlink("/etc/passwd", filepath.Join(tree, "link")) },
		"the inventory is gone":   func(tree string) error { return os.Remove(filepath.Join(tree, "..", inventoryName)) },
		"the inventory is empty":  func(tree string) error { return os.Truncate(filepath.Join(tree, "..", inventoryName), 0) },
		"the tree is gone":        func(tree string) error { return os.RemoveAll(tree) },
		"the entry is a bare dir": func(tree string) error { return clearFolder(filepath.Dir(tree)) },
	}
}

func TestStoreFindsAndRepairsDamage(t *testing.T) {
	data, digest := packed(t, "hello", "1.0.0", map[string]string{"include/hello.h": "int hello();\n"})
	for name, harm := range damage() {
		t.Run(name, func(t *testing.T) {
			s := testStore(t)
			addToStore(t, s, digest, data)
			unseal(t, s.Tree(digest))
			if err := harm(s.Tree(digest)); err != nil {
				t.Fatal(err)
			}
			var damaged *DamagedError
			if err := s.Check(digest); !errors.As(err, &damaged) || !errors.Is(err, ErrIntegrity) {
				t.Fatalf("Check: %v, want a DamagedError", err)
			}
			addToStore(t, s, digest, data)
			if err := s.Verify(digest); err != nil {
				t.Errorf("after the repair: %v", err)
			}
			assertNoTemporaries(t, s)
		})
	}
}

// unseal makes a tree writable.
func unseal(t *testing.T, tree string) {
	t.Helper()
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755)
	})
	if err == nil {
		err = os.Chmod(filepath.Join(tree, "include", "hello.h"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStoreRefusesAHostileArchive(t *testing.T) {
	s := testStore(t)
	in, err := s.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	digest := digestOf([]byte("no archive"))
	if err := in.Add(context.Background(), digest, bytes.NewReader([]byte("no archive"))); err == nil {
		t.Error("what is no archive was taken in")
	}
	if err := in.Add(context.Background(), "../../etc", bytes.NewReader(nil)); err == nil {
		t.Error("a digest that is a path was taken")
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(digest); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check: %v, want that nothing was kept", err)
	}
	assertNoTemporaries(t, s)
}

func TestStoreClearsWhatADeadProcessLeft(t *testing.T) {
	s := testStore(t)
	data, digest := packed(t, "hello", "1.0.0", nil)
	writeTestFile(t, filepath.Join(s.dir, "tmp", "intake-dead", "entry-1", "tree", "file"), "half")
	addToStore(t, s, digest, data)
	assertNoTemporaries(t, s)

	open, err := s.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	addToStore(t, s, digest, data) // must not clear what the open intake has
	if _, err := os.Stat(open.dir); err != nil {
		t.Errorf("the folder of an open intake was cleared: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNothingToAddClearsTheStore: a process was killed after its entry had got its
// place, so that no later run has anything to add.
func TestNothingToAddClearsTheStore(t *testing.T) {
	s := testStore(t)
	data, digest := packed(t, "hello", "1.0.0", nil)
	addToStore(t, s, digest, data)
	d, _ := testDownloader(nil)
	ensure := func() {
		t.Helper()
		writeTestFile(t, filepath.Join(s.dir, "tmp", "intake-dead", "file"), "half")
		if fetched, err := d.Ensure(t.Context(), s, []Archive{{Name: "hello 1.0.0", SHA256: digest}}, s.Check); err != nil || fetched != 0 {
			t.Fatalf("%d were fetched, %v", fetched, err)
		}
	}
	ensure()
	assertNoTemporaries(t, s)
	open, err := s.Begin(t.Context())
	must(t, err)
	ensure()
	if _, err := os.Stat(open.dir); err != nil {
		t.Errorf("the folder of an open intake was cleared: %v", err)
	}
	must(t, open.Close())
}

func TestStoreTakesTheSameArchiveFromMany(t *testing.T) {
	s := testStore(t)
	data, digest := packed(t, "hello", "1.0.0", map[string]string{"include/hello.h": "int hello();\n"})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			in, err := s.Begin(context.Background())
			if err == nil {
				err = errors.Join(in.Add(context.Background(), digest, bytes.NewReader(data)), in.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Verify(digest); err != nil {
		t.Error(err)
	}
	assertNoTemporaries(t, s)
}
