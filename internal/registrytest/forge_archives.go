package registrytest

import (
	"bytes"
	"net/http"
	"os/exec"
	"path"
	"strings"
)

// archiveRoutes are the archives that a host makes of a tag's files, at the
// addresses of GitHub and of Gitea.
func (f *Forge) archiveRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{owner}/{repo}/archive/{path...}", f.api(archiveOfTag))
}

func archiveOfTag(r *request) answer {
	tag, packed := strings.CutSuffix(strings.TrimPrefix(r.PathValue("path"), "refs/tags/"), ".tar.gz")
	commit := r.repo.resolve("refs/tags/" + tag)
	if !packed || commit == "" {
		return notFound()
	}
	folder := path.Base(r.repo.name) + "-" + strings.TrimPrefix(path.Base(tag), "v") + "/"
	cmd := exec.Command("git", "--git-dir", r.repo.dir, "archive", "--format=tar.gz", "--prefix="+folder, commit)
	cmd.Env = gitEnv()
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		r.f.t.Errorf("git archive: %v", err)
		return notFound()
	}
	return ok(out.Bytes())
}

// AddTag tags the head of a repository.
func (f *Forge) AddTag(name, tag string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	if err := repo.setRef("refs/tags/"+tag, repo.head()); err != nil {
		f.t.Fatal(err)
	}
}
