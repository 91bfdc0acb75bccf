package registrytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
)

// Ansi is three versions of a package, for [New].
const Ansi = `
-- ansi-1/.clyde/package.yaml --
name: ansi
version: 0.1.0
description: Colours
license: MIT
-- ansi-1/ansi.h --
one
-- ansi-2/.clyde/package.yaml --
name: ansi
version: 0.2.0
description: Colours for terminals
license: MIT
-- ansi-2/ansi.h --
two
-- ansi-3/.clyde/package.yaml --
name: ansi
version: 0.3.0
description: Colours for terminals
license: MIT
-- ansi-3/ansi.h --
three
`

// AddAnsi gives the repository octo/ansi of a forge a release for each version of
// ansi in a registry, with its archive.
func (f *Forge) AddAnsi(t testing.TB, r *Registry) {
	t.Helper()
	f.AddRepository("octo/ansi", map[string]string{"README.md": "ansi\n"})
	for _, e := range index.ParseFile(r.Files(t)["an/si/ansi"]).Entries {
		data, err := os.ReadFile(strings.TrimPrefix(e.DL, "file://"))
		if err != nil {
			t.Fatal(err)
		}
		f.AddRelease("octo/ansi", "v"+e.Vers, false, false)
		f.AddAsset("octo/ansi", "v"+e.Vers, filepath.Base(e.DL), data, false)
	}
}

// Folder writes the files of the index into a new folder.
func (r *Registry) Folder(t testing.TB) string {
	t.Helper()
	return WriteFiles(t, r.Files(t))
}

// WriteFiles writes files, by path with slashes, into a new folder.
func WriteFiles(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
