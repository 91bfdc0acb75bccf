package publish_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/strictyaml"
	"github.com/clydepm/clyde/publish"
)

func TestPublish(t *testing.T) {
	dir := newIndex(t, nil)
	pkg := newPackage(t, "hello", "1.0.0", "license: MIT\ndependencies:\n  fmt: {version: ^1, registry: main}\n")
	plan, err := publishPackage(t, optionsFor(openIndex(t, dir), dir, pkg))
	if err != nil {
		t.Fatal(err)
	}
	file := index.ParseFile([]byte(readIndex(t, dir, "hello")))
	if len(file.Entries) != 1 || len(file.Skipped) != 0 {
		t.Fatalf("the index has %+v", file)
	}
	e := file.Entries[0]
	if e.Deps[0].Registry != "https://main.example.org/index.git" || e.License != "MIT" || e.Pubtime != "2026-01-02T03:04:05Z" {
		t.Errorf("line %s", e.AppendLine(nil))
	}
	stored := filepath.Join(filepath.Dir(dir), "archives", e.Cksum, "hello-1.0.0.tar.gz")
	data, err := os.ReadFile(stored)
	if err != nil {
		t.Fatal(err)
	}
	if e.DL != publish.FileURL(stored) || e.Size != int64(len(data)) || plan.Archives[0].Name != archive.Folder("hello", "1.0.0")+".tar.gz" {
		t.Errorf("dl %s, size %d, archive %s", e.DL, e.Size, plan.Archives[0].Name)
	}
	if text, err := archive.ReadMember(bytes.NewReader(data), archive.ManifestPath, 1<<10); err != nil || !strings.HasPrefix(string(text), "name: hello\n") {
		t.Errorf("manifest in the archive: %q, %v", text, err)
	}
	info, err := os.Stat(stored)
	if err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("mode of the archive %v, %v: a web server has to read it", info.Mode(), err)
	}
	fsck(t, dir)
}

func TestPublishBuilds(t *testing.T) {
	dir := newIndex(t, nil)
	pkg := newPackage(t, "hello", "1.0.0", "artifacts:\n  linux-x86_64: dist/linux/*\n  windows-x86_64: dist/windows/hello.dll\n")
	writeFile(t, filepath.Join(pkg, ".gitignore"), "dist\n")
	writeFile(t, filepath.Join(pkg, "dist", "linux", "libhello.so"), "ELF")
	opts := optionsFor(openIndex(t, dir), dir, pkg)
	_, err := publishPackage(t, opts)
	var refused *archive.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "artifacts.windows-x86_64: no file matches") {
		t.Fatalf("a platform without artifacts: %v", err)
	}
	writeFile(t, filepath.Join(pkg, "dist", "windows", "hello.dll"), "MZ")
	for range 2 {
		if _, err := publishPackage(t, opts); err != nil {
			t.Fatal(err)
		}
	}
	e := index.ParseFile([]byte(readIndex(t, dir, "hello"))).Entries[0]
	if len(e.Builds) != 2 || e.Builds[0].Platform != "linux-x86_64" || e.Builds[1].Platform != "windows-x86_64" {
		t.Fatalf("builds %+v", e.Builds)
	}
	has := func(digest, name, member string) bool {
		data, err := os.ReadFile(filepath.Join(folderOf(opts), digest, name))
		if err != nil {
			t.Fatal(err)
		}
		_, err = archive.ReadMember(bytes.NewReader(data), member, 100)
		return err == nil
	}
	for _, member := range []string{"dist/linux/libhello.so", "dist/windows/hello.dll"} {
		if has(e.Cksum, "hello-1.0.0.tar.gz", member) {
			t.Errorf("the package's own archive has %s", member)
		}
	}
	linux := e.Builds[0]
	const name = "hello-1.0.0-linux-x86_64.tar.gz"
	if !has(linux.Cksum, name, "dist/linux/libhello.so") || !has(linux.Cksum, name, "README.md") || has(linux.Cksum, name, "dist/windows/hello.dll") {
		t.Error("the build for Linux has not the files of the package and its own artifacts")
	}
}

func TestPublishAgain(t *testing.T) {
	dir := newIndex(t, nil)
	pkg := newPackage(t, "hello", "1.0.0", "")
	opts := optionsFor(openIndex(t, dir), dir, pkg)
	if _, err := publishPackage(t, opts); err != nil {
		t.Fatal(err)
	}
	before := readIndex(t, dir, "hello")

	tests := map[string]func(*publish.Options){
		"at once":            func(*publish.Options) {},
		"a year later":       func(o *publish.Options) { o.Now = func() time.Time { return clock().AddDate(1, 0, 0) } },
		"with another store": func(o *publish.Options) { o.Store = publish.FileStore{Dir: t.TempDir()} },
		"under another URL": func(o *publish.Options) {
			o.Store = publish.FileStore{Dir: folderOf(*o), Base: "https://packages.example.org"}
		},
		"from another machine": func(o *publish.Options) { o.Dir = newPackage(t, "hello", "1.0.0", "") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			opts := opts
			change(&opts)
			plan, err := publishPackage(t, opts)
			if err != nil || !plan.Done {
				t.Errorf("Done is %v, error %v", plan.Done, err)
			}
			if after := readIndex(t, dir, "hello"); after != before {
				t.Errorf("the index changed:\n%s", after)
			}
		})
	}
	if n := commits(t, dir); n != "2" {
		t.Errorf("%s commits, want 2", n)
	}
}

func TestPublishAgainAfterAChangeOfStatus(t *testing.T) {
	dir := newIndex(t, nil)
	local := openIndex(t, dir)
	opts := optionsFor(local, dir, newPackage(t, "hello", "1.0.0", ""))
	if _, err := publishPackage(t, opts); err != nil {
		t.Fatal(err)
	}
	yank, err := publish.NewYankPlan(t.Context(), publish.YankOptions{Target: target(local), Name: "hello", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := yank.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if plan, err := publishPackage(t, opts); err != nil || !plan.Done {
		t.Errorf("publishing a yanked version again: %v", err)
	}
}

func TestPublishConflicts(t *testing.T) {
	dir := newIndex(t, nil)
	opts := optionsFor(openIndex(t, dir), dir, newPackage(t, "hello", "1.0.0", "dependencies:\n  fmt: {version: ^1, registry: main}\n"))
	if _, err := publishPackage(t, opts); err != nil {
		t.Fatal(err)
	}
	before := readIndex(t, dir, "hello")
	tests := map[string]struct {
		change func(*publish.Options)
		want   string
	}{
		"other bytes": {func(o *publish.Options) {
			o.Dir = newPackage(t, "hello", "1.0.0", "description: changed\n")
		}, "is published with other bytes (published sha256 "},
		"build metadata": {func(o *publish.Options) {
			o.Dir = newPackage(t, "hello", "1.0.0+build.7", "")
		}, "hello 1.0.0+build.7 is the same version as 1.0.0"},
		"the same archive in another world": {func(o *publish.Options) {
			o.Registry = func(string) (string, error) { return "https://elsewhere.example.org/index.git", nil }
		}, "another line: different deps"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts := opts
			opts.Store = publish.FileStore{Dir: t.TempDir()}
			tt.change(&opts)
			_, err := publishPackage(t, opts)
			var conflict *publish.ConflictError
			if !errors.As(err, &conflict) || !errors.Is(err, publish.ErrConflict) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if len(conflict.PublishedSHA256) != 64 || len(conflict.SHA256) != 64 || conflict.Hint() == "" {
				t.Errorf("%+v lacks a digest or a hint", conflict)
			}
			checkEmpty(t, folderOf(opts))
			if readIndex(t, dir, "hello") != before {
				t.Error("the index changed")
			}
		})
	}
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%s holds %v, %v", dir, entries, err)
	}
}

func TestPublishRefused(t *testing.T) {
	dir := newIndex(t, map[string]string{"policy.yaml": "names:\n  reserved: [hello]\n"})
	opts := optionsFor(openIndex(t, dir), dir, newPackage(t, "hello", "1.0.0", ""))
	opts.Store = publish.FileStore{Dir: t.TempDir()}
	plan, err := publishPackage(t, opts)
	var refused *publish.RefusedError
	if !errors.As(err, &refused) || !errors.Is(err, publish.ErrRefused) || !strings.Contains(err.Error(), "name/reserved") {
		t.Fatalf("error %v, want a refusal by name/reserved", err)
	}
	if !errors.Is(plan.Refused(), publish.ErrRefused) {
		t.Error("the plan does not know that it is refused")
	}
	checkEmpty(t, folderOf(opts))
	if n := commits(t, dir); n != "1" {
		t.Errorf("%s commits, want 1", n)
	}
}

// TestPlanIsTheChange proves that what a dry run shows is what happens.
func TestPlanIsTheChange(t *testing.T) {
	dir := newIndex(t, nil)
	local := openIndex(t, dir)
	for _, version := range []string{"1.0.0", "1.1.0"} {
		opts := optionsFor(local, dir, newPackage(t, "hello", version, ""))
		dry, err := publish.NewPackagePlan(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		defer dry.Close()
		if _, err := os.Stat(filepath.Join(folderOf(opts), dry.Archives[0].Summary.SHA256)); !os.IsNotExist(err) {
			t.Error("a plan stores the archive")
		}
		objects := looseObjects(t, dir)
		var shown bytes.Buffer
		if err := dry.Render(&shown); err != nil {
			t.Fatal(err)
		}
		if after := looseObjects(t, dir); after != objects {
			t.Errorf("a plan writes %d objects", after-objects)
		}
		if _, err := publishPackage(t, opts); err != nil {
			t.Fatal(err)
		}
		if got := readIndex(t, dir, "hello"); got != string(dry.Change.After) {
			t.Errorf("published %s, planned %s", got, dry.Change.After)
		}
		for _, want := range []string{string(dry.Lines[0]), "+" + string(dry.Lines[0]), "Publish hello " + version, dry.Archives[0].URL, "pass: publish"} {
			if !strings.Contains(shown.String(), want) {
				t.Errorf("the plan does not show %q:\n%s", want, shown.String())
			}
		}
	}
}

func looseObjects(t *testing.T, indexDir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(indexDir, "objects", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestPublishReportsAllUnknownRegistries(t *testing.T) {
	dir := newIndex(t, nil)
	opts := optionsFor(openIndex(t, dir), dir, newPackage(t, "hello", "1.0.0",
		"dependencies:\n  a-one: {version: ^1, registry: nowhere}\ndev-dependencies:\n  b-two: {version: ^1, registry: neither}\n"))
	opts.Registry = func(alias string) (string, error) { return "", errors.New("no registry is called " + alias) }
	_, err := publishPackage(t, opts)
	var problems strictyaml.Problems
	if !errors.As(err, &problems) || len(problems) != 2 || problems[0].Line != 4 || problems[1].Line != 6 {
		t.Errorf("error %v, want two problems with their lines", err)
	}
}

func TestOpenLocalRefuses(t *testing.T) {
	empty := t.TempDir()
	if _, err := publish.OpenLocal(empty); !errors.Is(err, publish.ErrNotFound) {
		t.Errorf("a folder without a repository: %v", err)
	}
}

func TestFileStore(t *testing.T) {
	store := publish.FileStore{Dir: filepath.Join(t.TempDir(), "deep", "store")}
	source := filepath.Join(t.TempDir(), "archive")
	writeFile(t, source, "content")
	const digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
	check := func(when string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(store.Dir, digest, "a.tar.gz"))
		if err != nil || string(got) != "content" {
			t.Errorf("%s: %q, %v", when, got, err)
		}
		entries, err := os.ReadDir(filepath.Join(store.Dir, digest))
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: the folder holds %v, %v", when, entries, err)
		}
	}
	for _, when := range []string{"first", "again"} {
		if err := store.Put(t.Context(), source, "a.tar.gz", digest); err != nil {
			t.Fatal(err)
		}
		check(when)
	}
	writeFile(t, filepath.Join(store.Dir, digest, "a.tar.gz"), "damaged")
	if err := store.Put(t.Context(), source, "a.tar.gz", digest); err != nil {
		t.Fatal(err)
	}
	check("after damage")

	writeFile(t, source, "another content")
	if err := store.Put(t.Context(), source, "b.tar.gz", digest); err == nil {
		t.Error("a file with another digest is stored")
	}
	check("after a refused file")
}

func TestDefaultStore(t *testing.T) {
	tests := []struct{ dl, want string }{
		{"", "/srv/index-archives"},
		{"https://packages.example.org/{crate}", "/srv/index-archives"},
		{"file:///srv/files/{sha256-checksum}/{crate}-{version}.tar.gz", "/srv/files"},
		{"file:///srv/with%20space", "/srv/with space"},
		{"file:///{crate}", "/srv/index-archives"},
	}
	for _, tt := range tests {
		got := publish.DefaultStore(filepath.FromSlash("/srv/index.git"), &index.Config{DL: tt.dl})
		if got != filepath.FromSlash(tt.want) {
			t.Errorf("DefaultStore(%q) = %s, want %s", tt.dl, got, tt.want)
		}
	}
}

func TestDefaultBase(t *testing.T) {
	for dl, want := range map[string]string{
		"": "",
		"https://packages.example.org/a/{sha256-checksum}/{crate}-{version}.tar.gz": "https://packages.example.org/a",
		"https://packages.example.org/{crate}/{sha256-checksum}/x":                  "",
		"https://packages.example.org/{crate}/{version}":                            "",
		"file:///srv/files/{sha256-checksum}/{crate}-{version}.tar.gz":              "",
	} {
		if got := publish.DefaultBase(&index.Config{DL: dl}); got != want {
			t.Errorf("DefaultBase(%q) = %q, want %q", dl, got, want)
		}
	}
}

func TestNewFileStoreRefusesBases(t *testing.T) {
	for _, base := range []string{"packages.example.org", "ftp://example.org/x", "https://", "https://u:p@example.org/", "https://example.org/?a=b", "::"} {
		if _, err := publish.NewFileStore(t.TempDir(), base); !errors.Is(err, publish.ErrUsage) {
			t.Errorf("%q: %v, want ErrUsage", base, err)
		}
	}
	store, err := publish.NewFileStore("/srv/www", "https://packages.example.org/archives/")
	if err != nil || store.URL("a-1.0.0+b.tar.gz", "00ff") != "https://packages.example.org/archives/00ff/a-1.0.0+b.tar.gz" {
		t.Errorf("URL %s, %v", store.URL("a-1.0.0+b.tar.gz", "00ff"), err)
	}
}

func TestPlanningStopsWhenCancelled(t *testing.T) {
	dir := newIndex(t, nil)
	opts := optionsFor(openIndex(t, dir), dir, newPackage(t, "hello", "1.0.0", ""))
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := publish.NewPackagePlan(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("NewPackagePlan reports %v", err)
	}
	checkEmpty(t, temp)
}

// folderOf is the folder of a FileStore.
func folderOf(opts publish.Options) string { return opts.Store.(publish.FileStore).Dir }
