package registrytest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// repository is a bare git repository of the forge. Forks share the objects of
// the repository that they were made from, as on GitHub.
type repository struct {
	id, network int
	owner       *user
	name        string
	pages       string // where its pages are, "" for at the forge
	dir         string
	refs        *filesystem.Storage // of dir
	objects     *filesystem.Storage // of dir, or of the repository whose objects it shares
	branch      string
	parent      *repository
	push        map[string]bool // who may push, in lower case
	unready     int
	pulls       []*pullRequest
	releases    []*release
	statuses    map[string][]status
	labels      []string // of the repository, where labels must exist before they are given

	AutoMerge   bool // allowed, with a required status
	Protected   bool // the branch moves by merging pull requests only
	UpToDate    bool // and these have to be on top of it
	ManualMerge bool // Gitea lets one say that a pull request is merged
}

// page is the address of the repository's pages.
func (r *repository) page(f *Forge) string { return cmp.Or(r.pages, f.URL) + "/" + r.fullName() }

func (r *repository) fullName() string { return r.owner.login + "/" + r.name }

// gitEnv keeps the machine's configuration out.
func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0")
}

// gitOutput runs git in a bare repository.
func gitOutput(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"--git-dir", dir}, args...)...)
	cmd.Env = gitEnv()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimRight(string(out), "\n"), err
}

func (r *repository) head() string { return r.resolve("refs/heads/" + r.branch) }

// fork makes a repository that shares the objects.
func (f *Forge) fork(parent *repository, owner *user) (*repository, error) {
	key := strings.ToLower(owner.login + "/" + parent.name)
	if have := f.repos[key]; have != nil {
		return have, nil
	}
	dir := filepath.Join(f.dir, filepath.FromSlash(key)+".git")
	refs, err := initRepository(dir, parent.branch, filepath.Join(parent.dir, "objects"))
	if err != nil {
		return nil, err
	}
	r := &repository{
		id: f.nextID(), network: parent.network, owner: owner, name: parent.name, branch: parent.branch, parent: parent,
		push: map[string]bool{strings.ToLower(owner.login): true}, dir: dir, refs: refs, objects: parent.objects, unready: f.Unready,
	}
	f.repos[key] = r
	return r, r.setRef("refs/heads/"+r.branch, parent.head())
}

// merge puts a pull request's head on top of the branch, and reports whether
// that was possible.
func (r *repository) merge(head, message string) (bool, error) {
	commit, err := r.squash(r.head(), head, message)
	if commit == "" || err != nil {
		return false, err
	}
	return true, r.setRef("refs/heads/"+r.branch, commit)
}

// squash makes a commit on a base of what a head has besides, "" when the texts
// conflict.
func (r *repository) squash(base, head, message string) (string, error) {
	tree, err := gitOutput(r.dir, "merge-tree", "--write-tree", base, head)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return r.commit(tree, message+"\n", object.Signature{}, base)
}

// gitRoutes serve clones and pushes over smart HTTP.
func (f *Forge) gitRoutes(mux *http.ServeMux) {
	for _, pattern := range []string{"GET /{owner}/{repo}/info/refs", "POST /{owner}/{repo}/git-upload-pack", "POST /{owner}/{repo}/git-receive-pack"} {
		mux.HandleFunc(pattern, f.serveGit)
	}
}

func (f *Forge) serveGit(w http.ResponseWriter, r *http.Request) {
	write := strings.HasSuffix(r.URL.Path, "git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
	f.mu.Lock()
	repo := f.repos[strings.ToLower(r.PathValue("owner")+"/"+strings.TrimSuffix(r.PathValue("repo"), ".git"))]
	token := f.tokenOf(r)
	allowed := !write
	if repo != nil && token != nil && write {
		allowed = (&request{f: f, token: token}).mayPush(repo) && !repo.Protected
	}
	f.mu.Unlock()
	switch {
	case repo == nil:
		http.Error(w, "Repository not found.", http.StatusNotFound)
		return
	case !allowed && token == nil:
		w.Header().Set("WWW-Authenticate", `Basic realm="forge"`)
		http.Error(w, "No anonymous write access.", http.StatusUnauthorized)
		return
	case !allowed:
		http.Error(w, "Write access to repository not granted.", http.StatusForbidden)
		return
	}
	backend := &cgi.Handler{
		Path: f.backend(),
		Env:  []string{"GIT_PROJECT_ROOT=" + f.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "REMOTE_USER=forge"},
	}
	rest := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	inner := r.Clone(r.Context())
	inner.URL.Path = "/" + strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(repo.dir, f.dir)), "/") + "/" + rest[2]
	inner.Header.Del("Authorization")
	backend.ServeHTTP(w, inner)
}

// AddFile puts a file on a repository's branch.
func (f *Forge) AddFile(name, path, content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.repos[strings.ToLower(name)].addFiles("Add "+path+"\n", map[string]string{path: content}); err != nil {
		f.t.Error(err)
	}
}

// addFiles makes a commit on top of the branch, or the first.
func (r *repository) addFiles(message string, files map[string]string) error {
	var parents []string
	base := r.head()
	if base != "" {
		parents = append(parents, base)
	}
	tree, err := r.writeTree(base, files)
	if err != nil {
		return err
	}
	commit, err := r.commit(tree, message, object.Signature{}, parents...)
	if err != nil {
		return err
	}
	return r.setRef("refs/heads/"+r.branch, commit)
}
