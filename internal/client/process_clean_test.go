//go:build unix

package client

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/faultnet"
)

// serveArchives puts the archives of the world on a web server.
func (w installWorld) serveArchives(t *testing.T) *faultnet.Server {
	t.Helper()
	dir := filepath.Join(w.dir, "archives")
	server := faultnet.New(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Etag", `"`+filepath.Base(r.URL.Path)+`"`)
		http.ServeFile(rw, r, filepath.Join(dir, filepath.Base(r.URL.Path)))
	}))
	err := filepath.WalkDir(filepath.Join(w.dir, "main"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, []byte(strings.ReplaceAll(string(data), "file://"+dir, server.URL)), 0o644)
	})
	must(t, err)
	return server
}

// TestCleaningBesideInstalling installs in twenty projects at once, into one store
// that is cold, while others clean it and the projects over and over. Nothing that
// is used may go, and everything is fetched once.
func TestCleaningBesideInstalling(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	w.release("old", "1.0.0")
	add := "add"
	for i := range 8 {
		name := fmt.Sprintf("package%d", i)
		w.release(name, "1.0.0")
		add += " " + name
	}
	server := w.serveArchives(t)
	gone := w.installer("gone")
	must(t, os.Mkdir(gone.Project.Root, 0o755))
	must(t, gone.do(t.Context(), "add old"))
	must(t, removeTree(gone.Project.Root))
	server.Mend()

	const projects = 20
	name := func(i int) string { return fmt.Sprintf("project%d", i%projects) }
	var installs, cleans sync.WaitGroup
	installed := make(chan struct{})
	for i := range projects {
		must(t, os.Mkdir(filepath.Join(w.dir, name(i)), 0o755))
		installs.Go(func() {
			if out, err := w.command(name(i), add, 0).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name(i), err, out)
			}
		})
	}
	for first := range 2 {
		cleans.Go(func() {
			for i := first; ; i += 2 {
				if out, err := w.command(name(i), "clean", 0).CombinedOutput(); err != nil {
					t.Errorf("clean: %v\n%s", err, out)
				}
				select {
				case <-installed:
					return
				default:
				}
			}
		})
	}
	installs.Wait()
	close(installed)
	cleans.Wait()

	asked := map[string]int{}
	for _, r := range server.Requests("/") {
		asked[r.URL.Path]++
	}
	if len(asked) != 8 {
		t.Errorf("%d archives were asked for", len(asked))
	}
	for path, n := range asked {
		if n != 1 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	for i := range projects {
		if report, err := w.installer(name(i)).VerifyTree(t.Context()); err != nil || len(report.Problems) > 0 {
			t.Errorf("%s: %+v, %v", name(i), report, err)
		}
	}
	store := OpenStore(filepath.Join(w.dir, "store"))
	if entries, err := store.entries(); err != nil || len(entries) != 8 {
		t.Errorf("the store has %d entries, %v", len(entries), err)
	}
	assertNoTemporaries(t, store)
}

// TestAKilledDownloadGoesOn kills a process while it downloads; the next one asks
// for the rest alone.
func TestAKilledDownloadGoesOn(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	w.release("fmt", "9.1.0")
	server := w.serveArchives(t)
	server.Break("/", 1, faultnet.Stall(100))
	in := w.installer("project")
	must(t, os.Mkdir(in.Project.Root, 0o755))
	process := w.command("project", "add fmt", 0)
	must(t, process.Start())
	parts := filepath.Join(w.dir, "store", "partial", "*.part")
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		names, err := filepath.Glob(parts)
		must(t, err)
		if len(names) == 1 {
			if info, err := os.Stat(names[0]); err == nil && info.Size() == 100 {
				break
			}
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("nothing came")
		}
	}
	must(t, process.Process.Kill())
	_ = process.Wait() // it was killed
	must(t, in.do(t.Context(), "add fmt"))
	asked := server.Requests("/")
	if len(asked) != 2 || asked[1].Header.Get("Range") != "bytes=100-" {
		t.Errorf("%d requests, the last one for %q", len(asked), asked[len(asked)-1].Header.Get("Range"))
	}
	if report, err := in.VerifyTree(t.Context()); err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	assertNoTemporaries(t, OpenStore(filepath.Join(w.dir, "store")))
}

// TestCleaningKeepsWhatWasFetched cleans beside a project that has fetched and not
// installed yet.
func TestCleaningKeepsWhatWasFetched(t *testing.T) {
	w := newInstallWorld(t)
	w.release("fmt", "9.1.0")
	in := w.installer("project")
	writeTestFile(t, in.Project.Manifest(), "dependencies:\n  fmt: \"9\"\n")
	_, err := in.Fetch(t.Context(), FetchOptions{})
	must(t, err)
	must(t, in.clean(t.Context()))
	if entries, err := in.store().entries(); err != nil || len(entries) != 1 {
		t.Errorf("the store has %d entries, %v", len(entries), err)
	}
}

// clean is what "clyde clean" does.
func (in *Installer) clean(ctx context.Context) error {
	if _, err := in.store().Clean(ctx, false, in.Report); err != nil {
		return err
	}
	_, err := in.Project.Forget(ctx, false, in.Report)
	return err
}
