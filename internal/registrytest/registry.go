// Package registrytest is a whole registry for tests, made of real parts: a
// bare git repository with an index, a folder of archives, and packages that
// went through the manifest, the archive and the review as any other.
//
// Packages are written down as a txtar archive with one folder for each
// version, in the order in which they are published:
//
//	-- hello/.clyde/package.yaml --
//	name: hello
//	version: 1.0.0
//	-- hello/hello.h --
//	...
//
// [New] is for Go tests; [Script] is a command for transcripts.
package registrytest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/tools/txtar"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/publish"
)

// Clock is the time at which everything is published.
func Clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Registry is a registry on this machine. Its address is Path.
type Registry struct {
	Path    string // of the bare repository
	Archive string // folder of the archives
}

// New makes a registry and publishes the packages of a txtar archive to it. It
// is gone when the test ends.
func New(t testing.TB, packages string) *Registry {
	t.Helper()
	r, err := create(filepath.Join(t.TempDir(), "registry.git"))
	if err != nil {
		t.Fatal(err)
	}
	r.Publish(t, packages)
	return r
}

func create(path string) (*Registry, error) {
	store := strings.TrimSuffix(path, ".git") + "-archives"
	_, err := registry.InitDir(path, registry.InitOptions{
		Name: registry.NameFrom(path), DLBase: registry.FileBase(store),
		When: Clock(), Author: "Ann", Email: "ann@example.org",
	})
	return &Registry{Path: path, Archive: store}, err
}

// Publish publishes the packages of a txtar archive.
func (r *Registry) Publish(t testing.TB, packages string) {
	t.Helper()
	if err := r.publish(t.Context(), packages, t.TempDir()); err != nil {
		t.Fatal(err)
	}
}

// publish unpacks the packages below temp and publishes one after the other.
func (r *Registry) publish(ctx context.Context, packages, temp string) error {
	var folders []string
	for _, f := range txtar.Parse([]byte(packages)).Files {
		folder, _, ok := strings.Cut(f.Name, "/")
		if !ok || !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return fmt.Errorf("%s: write FOLDER/FILE", f.Name)
		}
		if !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
		name := filepath.Join(temp, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		if err := r.publishFolder(ctx, filepath.Join(temp, folder)); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}

func (r *Registry) publishFolder(ctx context.Context, dir string) error {
	store, err := publish.NewFileStore(r.Archive, "")
	if err != nil {
		return err
	}
	return r.apply(ctx, func(target publish.Target) (*publish.Plan, error) {
		return publish.NewPackagePlan(ctx, publish.Options{
			Target: target, Dir: dir, Store: store,
			Registry: func(alias string) (string, error) { return alias, nil },
		})
	})
}

// apply makes a plan for the index and carries it out.
func (r *Registry) apply(ctx context.Context, plan func(publish.Target) (*publish.Plan, error)) error {
	local, err := publish.OpenLocal(r.Path)
	if err != nil {
		return err
	}
	defer local.Close()
	p, err := plan(publish.Target{
		Destination: local, Now: Clock, Author: publish.Author{Name: "Ann", Email: "ann@example.org"},
	})
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = p.Apply(ctx)
	return err
}

// Yank yanks one version of a package.
func (r *Registry) Yank(t testing.TB, name, version string) {
	t.Helper()
	err := r.apply(t.Context(), func(target publish.Target) (*publish.Plan, error) {
		return publish.NewYankPlan(t.Context(), publish.YankOptions{Target: target, Name: name, Version: version})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Head is the newest commit of the index.
func (r *Registry) Head(t testing.TB) git.Hash {
	t.Helper()
	repo, err := git.Open(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	id, err := repo.Resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Script is the transcript command "mkregistry REPOSITORY [FOLDER...]": it makes
// a registry in the folder REPOSITORY, if it is not there, and publishes the
// packages in the folders to it, one after the other.
func Script(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: mkregistry REPOSITORY [FOLDER...]")
	}
	r, err := create(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, folder := range args[1:] {
		ts.Check(r.publishFolder(context.Background(), ts.MkAbs(folder)))
	}
}
