package schemas_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/clydepm/clyde/schemas"
)

// TestFS: every schema named in the package comment is in FS, and each carries
// a title and an address of its own.
func TestFS(t *testing.T) {
	names, err := fs.Glob(schemas.FS, "*.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(names, " "), "config.v1.schema.json line.v1.schema.json lock.v1.schema.json override.v1.schema.json owners.v1.schema.json package.v1.schema.json policy.v1.schema.json"; got != want {
		t.Errorf("FS has %s, want %s", got, want)
	}
	for _, name := range names {
		data, err := fs.ReadFile(schemas.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			ID    string `json:"$id"`
			Title string `json:"title"`
		}
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := "https://raw.githubusercontent.com/clydepm/clyde/main/schemas/" + name; schema.ID != want || schema.Title == "" {
			t.Errorf("%s: $id %q, want %q; title %q", name, schema.ID, want, schema.Title)
		}
	}
}
