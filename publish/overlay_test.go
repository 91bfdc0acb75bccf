package publish

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/clydepm/clyde/index"
)

func TestOverlayIsAFileSystem(t *testing.T) {
	tree := fstest.MapFS{
		"config.json": {Data: []byte("{}\n")},
		"he/ll/hello": {Data: []byte("old\n")},
		"he/ll/hella": {Data: []byte("beside\n")},
		"1/a":         {Data: []byte("far\n")},
	}
	for _, path := range []string{"he/ll/hello", "he/lm/helmet", "ne/w/new", "3/a/abc", "top"} {
		o := overlay{tree: tree, path: path, data: []byte("new\n")}
		if err := fstest.TestFS(o, path, "config.json", "he/ll/hella", "1/a"); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		changes, err := index.Changes(tree, o)
		if err != nil || len(changes) != 1 || changes[0].Path != path || string(changes[0].After.Data) != "new\n" || changes[0].After.Mode != 0o644 {
			t.Errorf("%s: changes %+v, %v", path, changes, err)
		}
	}
	if data, err := fs.ReadFile(tree, "he/ll/hello"); err != nil || string(data) != "old\n" {
		t.Errorf("the tree below holds %q, %v", data, err)
	}
}
