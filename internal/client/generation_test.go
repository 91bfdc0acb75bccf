package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installed puts packages into the store and gives the ledger of them. A
// package is "name version"; its files hold that text.
func installed(t testing.TB, s *Store, packages ...string) *Ledger {
	t.Helper()
	ledger := &Ledger{Version: ledgerVersion, Platform: "linux-x86_64", Packages: []LedgerPackage{}}
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		data, digest := packed(t, name, version, map[string]string{"include/" + filepath.Base(name) + ".h": "// " + p + "\n"})
		addToStore(t, s, digest, data)
		ledger.Packages = append(ledger.Packages, LedgerPackage{Name: name, Version: version, Registry: "test", Cksum: digest, DL: "https://example.org/x"})
	}
	return ledger
}

// picture is everything in a project: files with their content and links with
// their target.
func picture(t testing.TB, root string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		switch {
		case d.IsDir():
			all[rel] = "folder"
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			all[rel] = "-> " + target
			return err
		default:
			data, err := os.ReadFile(path)
			all[rel] = string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func testProject(t testing.TB) *Project {
	t.Helper()
	p := OpenProject(t.TempDir())
	if err := p.prepare(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGenerationsSwitchAndReturn(t *testing.T) {
	store, project := testStore(t), testProject(t)
	g := project.Generations
	if n, err := g.Active(); n != 0 || err != nil {
		t.Fatalf("Active of nothing: %d, %v", n, err)
	}
	apply := func(c change) {
		t.Helper()
		if err := project.apply(t.Context(), c, store, 5); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(g.Packages(), "hello", "include", "hello.h"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	apply(change{ledger: installed(t, store, "hello 1.0.0", "tools/hello 0.1.0", "tools 3.0.0")})
	if got := read(); got != "// hello 1.0.0\n" {
		t.Errorf("installed %q", got)
	}
	if _, err := os.Stat(filepath.Join(g.Packages(), "@tools", "hello", "include", "hello.h")); err != nil {
		t.Error(err)
	}
	before := picture(t, project.Root)
	apply(change{ledger: installed(t, store, "hello 2.0.0")})
	if got := read(); got != "// hello 2.0.0\n" {
		t.Errorf("installed %q", got)
	}
	apply(change{activate: 1})
	after := picture(t, project.Root)
	for path := range after {
		if strings.HasPrefix(path, filepath.Join(".clyde", "generations", "2")) {
			delete(after, path)
		}
	}
	if !maps.Equal(before, after) {
		t.Errorf("the way back is not the same:\n%v\n%v", before, after)
	}
}

func TestGenerationsArePruned(t *testing.T) {
	store, project := testStore(t), testProject(t)
	for i := range 6 {
		if err := project.apply(t.Context(), change{ledger: installed(t, store, fmt.Sprintf("hello 1.0.%d", i))}, store, 2); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := project.Generations.List(); err != nil || !slices.Equal(got, []int{4, 5, 6}) {
		t.Errorf("%v, %v, want 4 5 6", got, err)
	}
	if err := project.apply(t.Context(), change{activate: 4}, store, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := project.Generations.List(); err != nil || !slices.Equal(got, []int{4, 6}) {
		t.Errorf("%v, %v, want the active 4 and 6", got, err)
	}
}

func TestGenerationsLeaveForeignThingsAlone(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"folder":       func(path string) error { return os.Mkdir(path, 0o755) },
		"file":         func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"link":         func(path string) error { return os.Symlink("/etc", path) },
		"link out":     func(path string) error { return os.Symlink("generations/../..", path) },
		"link to none": func(path string) error { return os.Symlink("generations/0", path) },
	} {
		t.Run(name, func(t *testing.T) {
			store, project := testStore(t), testProject(t)
			if err := put(project.Generations.Packages()); err != nil {
				t.Fatal(err)
			}
			before := picture(t, project.Root)
			err := project.apply(t.Context(), change{manifest: []byte("name: x\n"), ledger: installed(t, store, "hello 1.0.0")}, store, 5)
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%v, want %v", err, ErrRefused)
			}
			if !maps.Equal(before, picture(t, project.Root)) {
				t.Error("something was changed")
			}
		})
	}
}

// TestApplyIsTakenBack lets each step of a change fail in turn.
func TestApplyIsTakenBack(t *testing.T) {
	store := testStore(t)
	first, second := installed(t, store, "hello 1.0.0"), installed(t, store, "hello 2.0.0")
	steps := []string{"write the journal", "build the generation", "name the generation", "write package.yaml", "write lock.jsonl", "activate the generation", "forget the journal"}
	for _, stop := range steps {
		t.Run(stop, func(t *testing.T) {
			project := testProject(t)
			if err := project.apply(t.Context(), change{manifest: []byte("# one\n"), ledger: first}, store, 5); err != nil {
				t.Fatal(err)
			}
			before := picture(t, project.Root)
			var seen []string
			project.step = func(name string) {
				if seen = append(seen, name); name == stop {
					panic(stop)
				}
			}
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("the step did not come; there were %q", seen)
					}
				}()
				_ = project.apply(t.Context(), change{manifest: []byte("# two\n"), lock: []byte("{}\n"), ledger: second}, store, 5)
			}()
			if err := OpenProject(project.Root).recover(); err != nil {
				t.Fatal(err)
			}
			if after := picture(t, project.Root); !maps.Equal(before, after) {
				t.Errorf("before:\n%v\nafter:\n%v", before, after)
			}
		})
	}
}

func TestRecoverKeepsWhatAPersonWroteMeanwhile(t *testing.T) {
	store, project := testStore(t), testProject(t)
	ledger := installed(t, store, "hello 1.0.0")
	project.step = func(name string) {
		if name == "activate the generation" {
			panic(name)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_ = project.apply(t.Context(), change{manifest: []byte("# two\n"), ledger: ledger}, store, 5)
	}()
	writeTestFile(t, project.Manifest(), "# by hand\n")
	if err := OpenProject(project.Root).recover(); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(project.Manifest()); string(data) != "# by hand\n" {
		t.Errorf("the manifest is %q", data)
	}
}

func TestLedgerIsReadStrictly(t *testing.T) {
	dir := t.TempDir()
	for text, class := range map[string]error{
		"":             ErrIntegrity,
		"{}":           ErrIntegrity,
		`{"ledger":9}`: ErrIntegrity,
		`{"ledger":1,"packages":[{"name":"x","cksum":"../.."}]}`: ErrIntegrity,
	} {
		name := filepath.Join(dir, "ledger")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readLedger(name); !errors.Is(err, class) {
			t.Errorf("%s: %v, want %v", text, err, class)
		}
	}
}

func TestExclusiveWaitsVisibly(t *testing.T) {
	project := testProject(t)
	report := &recorder{}
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- project.exclusive(context.Background(), report, func() error { close(held); <-release; return nil })
	}()
	<-held
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := project.exclusive(ctx, report, func() error { t.Error("two at a time"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if notes := report.told(); len(notes) != 1 || !strings.Contains(notes[0], "waiting for another clyde") {
		t.Errorf("notes %q", notes)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
