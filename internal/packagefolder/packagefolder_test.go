package packagefolder_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/packagefolder"
)

func write(t *testing.T, name, text string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestUnpacked: an unpacked package is packed once, again when anything in it
// changed, and what is no good is told.
func TestUnpacked(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	long := time.Now().Add(-time.Hour)
	hello := filepath.Join(dir, "hello", "1.0.0")
	write(t, filepath.Join(hello, ".clyde", "package.yaml"), "name: hello\nversion: 1.0.0\n", long)
	write(t, filepath.Join(hello, "hello.h"), "one", long)
	write(t, filepath.Join(hello, "deep", ".clyde", "package.yaml"), "name: inner\nversion: 1.0.0\n", long) // a part of hello
	write(t, filepath.Join(dir, "bad", ".clyde", "package.yaml"), "name: bad\n", long)
	write(t, filepath.Join(dir, "broken.tar.gz"), "none", long)
	for _, folder := range []string{dir, hello, filepath.Join(hello, ".clyde"), filepath.Join(hello, "deep"), filepath.Join(hello, "deep", ".clyde")} {
		if err := os.Chtimes(folder, long, long); err != nil {
			t.Fatal(err)
		}
	}
	scan := func(read int) string {
		t.Helper()
		found, err := packagefolder.Scan(t.Context(), packagefolder.Options{Dir: dir, State: state, Unpacked: true})
		if err != nil {
			t.Fatal(err)
		}
		versions, problems := packagefolder.Versions(found)
		if found.Read != read || len(versions) != 1 || versions[0].Name != "hello" || len(problems) != 0 || len(found.Problems) != 2 {
			t.Fatalf("read %d, versions %v, problems %v %v", found.Read, versions, problems, found.Problems)
		}
		return versions[0].Main.SHA256
	}
	first := scan(3)
	if again := scan(2); again != first { // what is no good is looked at each time
		t.Errorf("the same folder is %s and %s", first, again)
	}
	write(t, filepath.Join(hello, "hello.h"), "two", long.Add(time.Minute))
	if changed := scan(3); changed == first {
		t.Error("a change was not seen")
	}
}
