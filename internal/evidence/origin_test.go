package evidence_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/forge"
)

// A repository on Gitea or Forgejo is asked through its own API.
func TestGiteaOrigin(t *testing.T) {
	const at = "https://codeberg.org/api/v1/repos/acme/hello"
	w := &web{files: map[string][]byte{}, fail: map[string]int{}}
	w.json(t, at, map[string]any{"id": 7, "html_url": "https://codeberg.org/acme/hello", "fork": true, "owner": map[string]any{"id": 3}})
	w.json(t, at+"/tags/v1", map[string]any{"id": tagObject, "commit": map[string]any{"sha": commit}})
	w.json(t, at+"/tags/light", map[string]any{"id": commit, "commit": map[string]any{"sha": commit}})
	w.json(t, at+"/releases/tags/v1", map[string]any{"published_at": "2026-01-02T03:04:05Z", "assets": []any{
		map[string]any{"name": "a.tar.gz", "browser_download_url": "https://codeberg.org/a.tar.gz"},
	}})
	w.json(t, at+"/releases/tags/light", map[string]any{"draft": true})
	origin, err := evidence.Hosts{HTTP: &http.Client{Transport: w}, Wait: noWait}.Origin("https://codeberg.org/acme/hello.git")
	if err != nil {
		t.Fatal(err)
	}
	about, err := origin.Origin(t.Context())
	if want := (forge.Origin{URL: "https://codeberg.org/acme/hello", ID: 7, OwnerID: 3, Fork: true}); err != nil || about != want {
		t.Errorf("%+v, %v", about, err)
	}
	for tag, want := range map[string][2]string{"v1": {commit, tagObject}, "light": {commit, ""}, "none": {}} {
		c, object, err := origin.Tag(t.Context(), tag)
		if err != nil || [2]string{c, object} != want {
			t.Errorf("%s: %s, %s, %v", tag, c, object, err)
		}
	}
	r, err := origin.Published(t.Context(), "v1")
	if err != nil || r.Assets["a.tar.gz"] == "" || r.Published.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := origin.Published(t.Context(), "light"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("a draft: %v", err)
	}
}

// Any other repository is asked with git.
func TestGitOrigin(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q"},
		{"-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-q", "--allow-empty", "-m", "one"},
		{"-c", "user.name=Ann", "-c", "user.email=ann@example.org", "tag", "-a", "v1", "-m", "one"},
		{"tag", "light"},
	} {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	origin, err := evidence.Hosts{Files: true}.Origin("file://" + dir)
	if err != nil {
		t.Fatal(err)
	}
	annotated, object, err := origin.Tag(t.Context(), "v1")
	if err != nil || object == "" || object == annotated {
		t.Errorf("annotated: %s, %s, %v", annotated, object, err)
	}
	light, none, err := origin.Tag(t.Context(), "light")
	if err != nil || light != annotated || none != "" {
		t.Errorf("light: %s, %s, %v", light, none, err)
	}
	if c, _, err := origin.Tag(t.Context(), "none"); err != nil || c != "" {
		t.Errorf("none: %s, %v", c, err)
	}
	if about, err := origin.Origin(t.Context()); err != nil || about.ID != 0 {
		t.Errorf("%+v, %v", about, err)
	}
	if _, err := origin.Published(t.Context(), "v1"); !errors.Is(err, evidence.ErrNoReleases) {
		t.Errorf("release: %v", err)
	}
}

// A line cannot name a repository that is no one's business.
func TestRepositoriesThatAreNotAsked(t *testing.T) {
	for _, address := range []string{
		"file:///etc", "ssh://git@example.org/a/b", "http://example.org/a/b", "https://ann@example.org/a/b",
		"https://example.org/a/b?x", "git://example.org/a/b", "ext::sh -c id", "",
	} {
		if _, err := (evidence.Hosts{}).Origin(address); !errors.Is(err, forge.ErrRefused) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// Connections to the local network are not made, whatever a name resolves to.
func TestPublic(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	client := &http.Client{Transport: evidence.Public(&http.Transport{})}
	for _, address := range []string{server.URL, "http://[::1]:1/", "http://10.0.0.1:1/", "http://169.254.169.254/", "http://100.64.0.1/", "http://0.0.0.0:1/"} {
		resp, err := client.Get(address)
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s was connected to", address)
		}
	}
}
