package archive_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/clydepm/clyde/internal/archive"
)

// BenchmarkPack selects and packs a package of 10,000 files of source.
func BenchmarkPack(b *testing.B) {
	dir := b.TempDir()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	if err := os.Mkdir(filepath.Join(dir, ".clyde"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".clyde", "package.yaml"), []byte("name: big\nversion: 1.0.0\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for d := range 100 {
		folder := filepath.Join(dir, "src", fmt.Sprint("d", d))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		for f := range 100 {
			var text []byte
			for l := range 100 {
				text = fmt.Appendf(text, "int value_%d_%d = %d; // line %d\n", f, l, random.IntN(1e9), l)
			}
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint("f", f, ".h")), text, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer root.Close()
	opts := archive.PackOptions{Name: "big", Version: "1.0.0", Limits: archive.DefaultLimits()}
	for b.Loop() {
		files, err := archive.Select(root, opts)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := archive.Pack(io.Discard, root, files, opts); err != nil {
			b.Fatal(err)
		}
	}
}
