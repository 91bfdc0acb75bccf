package registrytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/registry"
)

const twoPackages = `
-- base/.clyde/package.yaml --
name: base
version: 1.0.0
-- base/base.h --
#define BASE 1
-- hello/.clyde/package.yaml --
name: hello
version: 1.0.0
dependencies:
  base: "^1"
-- hello/hello.h --
#include <base.h>
`

func TestRegistry(t *testing.T) {
	r := New(t, twoPackages)
	before := r.Head(t)
	r.Yank(t, "base", "1.0.0")
	if r.Head(t) == before {
		t.Error("yanking made no commit")
	}
	source, err := registry.OpenSource(r.Path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for name, yanked := range map[string]bool{"base": true, "hello": false} {
		entries, err := source.Versions(name)
		if err != nil || len(entries) != 1 || entries[0].Yanked != yanked {
			t.Errorf("%s: %+v, %v", name, entries, err)
			continue
		}
		e := entries[0]
		archive := filepath.Join(r.Archive, e.Cksum, index.ArchiveName(e.Name, e.Vers))
		if info, err := os.Stat(archive); err != nil || info.Size() != e.Size || !strings.HasPrefix(e.DL, "file://") {
			t.Errorf("%s: the archive %s: %v", name, archive, err)
		}
	}
}
