//go:build unix

package archive_test

import (
	"net"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/clydepm/clyde/internal/archive"
)

func TestSelectRefusesSpecialFiles(t *testing.T) {
	root := writeTree(t, map[string]string{archive.ManifestPath: manifest})
	if err := syscall.Mkfifo(filepath.Join(root.Name(), "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(root.Name(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := refusals(t, root, options(nil))
	if want := []string{"pipe special-file", "socket special-file"}; !slices.Equal(got, want) {
		t.Errorf("refusals %q, want %q", got, want)
	}
}
