//go:build unix

package archive_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/archive"
)

// goldenDigest is the digest of the golden tree's archive. It never changes: a
// registry holds the digests of archives that people pack again years later.
const goldenDigest = "d8d228c904e041862a25c4f3d42979de3d3c5c3a0db780cd9e65b6ea1ecd6be1"

const packDirVariable = "CLYDE_TEST_PACK_DIR"

// TestMain lets the test binary pack a folder in a process of its own, with its
// own umask, time zone, locale and current folder.
func TestMain(m *testing.M) {
	if dir := os.Getenv(packDirVariable); dir != "" {
		if err := packForParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func packForParent(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	opts := goldenOptions()
	files, err := archive.Select(root, opts)
	if err != nil {
		return err
	}
	_, err = archive.Pack(os.Stdout, root, files, opts)
	return err
}

func goldenOptions() archive.PackOptions {
	return archive.PackOptions{Name: "golden", Version: "1.0.0-rc.1+build.5", Exclude: []string{"notes"}}
}

// goldenTree has what could make archives differ: an executable, a long path, a
// path that is not ASCII, a link, an empty file, text and noise that compress
// differently, and files that are left out.
func goldenTree() map[string]string {
	noise, state := make([]byte, 300_000), uint32(1)
	for i := range noise {
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	return map[string]string{
		".clyde/package.yaml":                "name: golden\nversion: 1.0.0-rc.1+build.5\nexclude: [notes]\n",
		".clyde/config.yaml":                 "registries: []\n",
		".gitignore":                         "*.o\n/build/\n",
		"build/out":                          "left out",
		"a.o":                                "left out",
		"notes/todo.md":                      "left out",
		"README.md":                          strings.Repeat("A line of text that repeats itself.\n", 5000),
		"Zebra":                              "upper case sorts before lower case",
		"lib/noise.bin":                      string(noise),
		"bin/tool":                           "#!/bin/sh\nexit 0\n",
		"empty":                              "",
		"docs/Grüße aus dem Süden.md":        "UTF-8\n",
		strings.Repeat("deep/", 30) + "leaf": "a path of more than 100 bytes\n",
	}
}

// plantTree writes the golden tree with the umask, order and times given.
func plantTree(t *testing.T, dir string, umask int, backwards bool, when time.Time) {
	t.Helper()
	defer syscall.Umask(syscall.Umask(umask))
	tree := goldenTree()
	var names []string
	for name := range tree {
		names = append(names, name)
	}
	slices.Sort(names)
	if backwards {
		slices.Reverse(names)
	}
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		mode := os.FileMode(0o666)
		if name == "bin/tool" {
			mode = 0o777
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tree[name]), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join("..", "README.md"), filepath.Join(dir, "docs", "readme.md")); err != nil {
		t.Fatal(err)
	}
}

func packInProcess(t *testing.T, dir string, env ...string) []byte {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Dir = t.TempDir()
	cmd.Env = append(env, packDirVariable+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return out
}

func TestPackIsReproducible(t *testing.T) {
	one, two := t.TempDir(), filepath.Join(t.TempDir(), "another place", "with a longer name")
	plantTree(t, one, 0o022, false, time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC))
	plantTree(t, two, 0o077, true, time.Date(2030, 6, 1, 12, 0, 0, 123456789, time.UTC))

	first := packInProcess(t, one, "TZ=UTC", "LANG=C")
	second := packInProcess(t, two, "TZ=Asia/Kathmandu", "LANG=tr_TR.UTF-8", "LC_ALL=tr_TR.UTF-8", "SOURCE_DATE_EPOCH=1")
	if !bytes.Equal(first, second) {
		t.Fatal("two packs of equal files differ")
	}
	_, sum := pack(t, openRoot(t, one), goldenOptions())
	if sum.SHA256 != goldenDigest {
		t.Errorf("the golden tree packs to %s, want %s; if a library changed its output, keep the version that does not", sum.SHA256, goldenDigest)
	}
	if sum.Files != 10 {
		t.Errorf("%d files packed, want 10", sum.Files)
	}
}
