package publish_test

import (
	"os/exec"
	"testing"

	"github.com/clydepm/clyde/publish"
)

// TestBranchesAreLegal asks git about the branches of awkward versions.
func TestBranchesAreLegal(t *testing.T) {
	want := map[string]string{
		"1.0.0":          "clyde/publish/hello@1.0.0",
		"1.0.0+build.5":  "clyde/publish/hello@1.0.0",
		"1.0.0-RC.1":     "clyde/publish/hello@1.0.0-@r@c.1",
		"1.0.0-rc.1":     "clyde/publish/hello@1.0.0-rc.1",
		"1.0.0-rc.lock":  "clyde/publish/hello@1.0.0-rc.@lock",
		"1.0.0-rc.1-a-b": "clyde/publish/hello@1.0.0-rc.1-a-b",
	}
	dir := newIndex(t, nil)
	for version, branch := range want {
		plan, err := publish.NewPackagePlan(t.Context(), optionsFor(openIndex(t, dir), dir, newPackage(t, "hello", version, "")))
		if err != nil {
			t.Fatal(err)
		}
		defer plan.Close()
		if got := plan.Branch(); got != branch {
			t.Errorf("%s: branch %s, want %s", version, got, branch)
		}
		if err := exec.CommandContext(t.Context(), "git", "check-ref-format", "--branch", plan.Branch()).Run(); err != nil {
			t.Errorf("%s: git refuses the branch %s", version, plan.Branch())
		}
	}
}
