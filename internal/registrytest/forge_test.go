package registrytest

import (
	"net/http"
	"os/exec"
	"testing"
)

func TestForgeServesGit(t *testing.T) {
	f := NewForge(t)
	f.AddIndex("keeper/index", New(t, twoPackages))
	git := func(args ...string) error {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Env = gitEnv()
		return cmd.Run()
	}
	clone := t.TempDir()
	if err := git("clone", "-q", f.URL+"/keeper/index.git", clone); err != nil {
		t.Fatal(err)
	}
	if err := git("-C", clone, "push", "-q", f.URL+"/keeper/index.git", "HEAD:refs/heads/other"); err == nil {
		t.Error("a push without a token succeeds")
	}
	token := f.AddToken(Token{Login: "keeper"})
	if err := git("-C", clone, "-c", "http.extraHeader=Authorization: Bearer "+token, "push", "-q", f.URL+"/keeper/index.git", "HEAD:refs/heads/other"); err != nil {
		t.Error(err)
	}
	resp, err := http.Get(f.API() + "/repos/keeper/index/branches/other")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%v", resp)
	}
}
