package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFree(t *testing.T) {
	dir := t.TempDir()
	here, err := Free(dir)
	if err != nil || here <= 0 {
		t.Fatalf("%d, %v", here, err)
	}
	if below, err := Free(filepath.Join(dir, "not", "there")); err != nil || below <= 0 {
		t.Errorf("%d, %v", below, err)
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "not", "there")} {
		if err := Writable(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "not")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("asking made a folder")
	}
	if runtime.GOOS != "linux" {
		return
	}
	// /proc is read-only even for an administrator, in this file.
	if err := Writable("/proc/version"); os.Geteuid() != 0 && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
	if os.Geteuid() != 0 {
		if err := Writable("/"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%v", err)
		}
	}
}
