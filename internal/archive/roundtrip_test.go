package archive_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/clydepm/clyde/internal/archive"
)

// writeTree writes files below a new folder and opens it.
func writeTree(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	return writeTreeIn(t, t.TempDir(), files)
}

func writeTreeIn(t *testing.T, dir string, files map[string]string) *os.Root {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return openRoot(t, dir)
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// pack selects and packs a tree.
func pack(t *testing.T, root *os.Root, opts archive.PackOptions) ([]byte, archive.Summary) {
	t.Helper()
	files, err := archive.Select(root, opts)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	sum, err := archive.Pack(&out, root, files, opts)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), sum
}

func TestPackedTreeComesBack(t *testing.T) {
	root := writeTree(t, map[string]string{
		".clyde/package.yaml": "name: hello\nversion: 1.2.3\n",
		"include/hello.h":     "#pragma once\n",
		"tools/run.sh":        "#!/bin/sh\n",
		"empty":               "",
	})
	if err := os.Chmod(filepath.Join(root.Name(), "tools", "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	data, packed := pack(t, root, archive.PackOptions{Name: "hello", Version: "1.2.3"})

	dst := openRoot(t, t.TempDir())
	got, err := archive.Extract(t.Context(), bytes.NewReader(data), dst, archive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if got != packed {
		t.Errorf("Extract reports %+v, Pack %+v", got, packed)
	}
	again, sum := pack(t, dst, archive.PackOptions{Name: "hello", Version: "1.2.3"})
	if !bytes.Equal(again, data) {
		t.Errorf("packing the extracted tree gives %+v, want %+v", sum, packed)
	}
	manifest, err := archive.ReadMember(bytes.NewReader(data), archive.ManifestPath, 1<<10)
	if err != nil || string(manifest) != "name: hello\nversion: 1.2.3\n" {
		t.Errorf("ReadMember = %q, %v", manifest, err)
	}
}
