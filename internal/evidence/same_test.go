package evidence_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/publish"
)

// TestSameJudgementEverywhere: what a publisher is told before anything is
// uploaded, what a laptop says about two folders, and what the index says about
// two commits are the same bytes, when they are told the same.
func TestSameJudgementEverywhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index.git")
	repo, err := git.InitBare(dir, "main")
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	first, err := repo.WriteCommit(git.Commit{
		Files: map[string][]byte{index.ConfigPath: []byte("{\"dl\":\"https://example.org/dl\",\"clyde\":{\"format\":1,\"name\":\"example\"}}\n")},
		Name:  "Keeper", Email: "keeper@example.org", When: registrytest.Clock(), Message: "Start\n",
	})
	if err == nil {
		err = repo.CompareAndSwap("refs/heads/main", "", first)
	}
	if err != nil {
		t.Fatal(err)
	}
	plan := planPublish(t, dir)
	if plan.Report.Verdict != review.Pass {
		t.Fatalf("%s", plan.Report.JSON())
	}
	applied, err := plan.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	base, head := treeOf(t, repo, first), treeOf(t, repo, applied.ID)
	set, err := evidence.Gather(t.Context(), evidence.Options{
		Origin: evidence.Hosts{Files: true}.Origin, Files: true, Dir: t.TempDir(), Wait: noWait,
	}, base, head)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	judge := func(base, head fs.FS, early bool) []byte {
		for _, e := range set.Versions {
			e.Early = early
		}
		r, err := review.Judge(review.Input{Base: base, Head: head, Now: registrytest.Clock(), Evidence: set.Versions})
		if err != nil {
			t.Fatal(err)
		}
		return r.JSON()
	}
	if ci := judge(base, head, true); !bytes.Equal(ci, plan.Report.JSON()) {
		t.Errorf("the publisher is told\n%s\nand the index says\n%s", plan.Report.JSON(), ci)
	}
	laptop := judge(checkout(t, dir, first), checkout(t, dir, applied.ID), false)
	if ci := judge(base, head, false); !bytes.Equal(ci, laptop) {
		t.Errorf("a laptop says\n%s\nand the index\n%s", laptop, ci)
	}
	if !strings.Contains(string(laptop), `"verdict": "pass"`) {
		t.Errorf("%s", laptop)
	}
}

// planPublish plans to publish a package to the index in a folder.
func planPublish(t *testing.T, dir string) *publish.Plan {
	t.Helper()
	pkg := t.TempDir()
	if err := os.MkdirAll(filepath.Join(pkg, ".clyde"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "name: hello\nversion: \"1.0.0\"\nlicense: MIT\nexternal-dependencies: [\"apt:libhello-dev\"]\n"
	if err := os.WriteFile(filepath.Join(pkg, ".clyde", "package.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(t.TempDir(), "archives")
	store, err := publish.NewFileStore(place, "")
	if err != nil {
		t.Fatal(err)
	}
	local, err := publish.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := publish.NewPackagePlan(t.Context(), publish.Options{
		Target: publish.Target{Destination: local, Author: publish.Author{Name: "Ann", Email: "ann@example.org"}, Now: registrytest.Clock},
		Dir:    pkg, Store: store,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(plan.Close(), local.Close()); err != nil {
			t.Error(err)
		}
	})
	return plan
}

func treeOf(t *testing.T, repo *git.Repo, id string) fs.FS {
	t.Helper()
	tree, err := repo.Tree(id)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// checkout is a commit as files on the disk.
func checkout(t *testing.T, dir, id string) fs.FS {
	t.Helper()
	to := t.TempDir()
	cmd := exec.Command("git", "--git-dir", dir, "--work-tree", to, "checkout", "--quiet", id, "--", ".")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return os.DirFS(to)
}
