package registrytest

import (
	"net/http"
	"testing"
)

func TestForgeServesGit(t *testing.T) {
	f := NewForge(t)
	f.AddIndex("keeper/index", New(t, twoPackages))
	clone := t.TempDir()
	if err := runGit("", nil, "clone", "-q", f.URL+"/keeper/index.git", clone); err != nil {
		t.Fatal(err)
	}
	if err := runGit(clone+"/.git", nil, "push", "-q", f.URL+"/keeper/index.git", "HEAD:refs/heads/other"); err == nil {
		t.Error("a push without a token succeeds")
	}
	token := f.AddToken(Token{Login: "keeper"})
	if err := runGit(clone+"/.git", nil, "-c", "http.extraHeader=Authorization: Bearer "+token, "push", "-q", f.URL+"/keeper/index.git", "HEAD:refs/heads/other"); err != nil {
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
