package registrytest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// repository is a bare git repository of the forge. Forks share the objects of
// the repository that they were made from, as on GitHub.
type repository struct {
	id, network int
	owner       *user
	name        string
	dir         string
	branch      string
	parent      *repository
	push        map[string]bool // who may push, in lower case
	unready     int
	pulls       []*pullRequest
	releases    []*release
	statuses    map[string][]status
	labels      []string // of the repository, where labels must exist before they are given

	AutoMerge bool // allowed, with a required status
}

func (r *repository) fullName() string { return r.owner.login + "/" + r.name }

// gitEnv keeps the machine's configuration out.
func gitEnv(more ...string) []string {
	return append(append(os.Environ(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Forge", "GIT_AUTHOR_EMAIL=forge@example.org", "GIT_COMMITTER_NAME=Forge", "GIT_COMMITTER_EMAIL=forge@example.org",
		"GIT_AUTHOR_DATE=1767323045 +0000", "GIT_COMMITTER_DATE=1767323045 +0000",
	), more...)
}

// git runs git in a bare repository.
func runGit(dir string, stdin []byte, args ...string) error {
	_, err := gitOutput(dir, nil, stdin, args...)
	return err
}

func gitOutput(dir string, env []string, stdin []byte, args ...string) (string, error) {
	if dir != "" {
		args = append([]string{"--git-dir", dir}, args...)
	}
	cmd := exec.Command("git", args...)
	cmd.Env = gitEnv(env...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimRight(string(out), "\n"), err
}

// firstCommit fills an empty repository.
func firstCommit(dir string, files map[string]string) error {
	tree, err := writeTree(dir, "", files)
	if err != nil {
		return err
	}
	commit, err := gitOutput(dir, nil, nil, "commit-tree", tree, "-m", "Start")
	if err != nil {
		return err
	}
	return runGit(dir, nil, "update-ref", "refs/heads/main", commit)
}

// writeTree writes a tree with files on top of a base, "" for none.
func writeTree(dir, base string, files map[string]string) (string, error) {
	temp, err := os.MkdirTemp("", "forge-index-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(temp, "index")}
	if base != "" {
		if _, err := gitOutput(dir, env, nil, "read-tree", base); err != nil {
			return "", err
		}
	}
	var list bytes.Buffer
	for path, content := range files {
		blob, err := gitOutput(dir, nil, []byte(content), "hash-object", "-w", "--stdin")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&list, "100644 %s\t%s\x00", blob, path)
	}
	if _, err := gitOutput(dir, env, list.Bytes(), "update-index", "-z", "--add", "--index-info"); err != nil {
		return "", err
	}
	return gitOutput(dir, env, nil, "write-tree")
}

// resolve is the object of a revision, or "".
func (r *repository) resolve(rev string) string {
	out, err := gitOutput(r.dir, nil, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", rev)
	if err != nil {
		return ""
	}
	return out
}

func (r *repository) head() string { return r.resolve("refs/heads/" + r.branch) }

// fork makes a repository that shares the objects.
func (f *Forge) fork(parent *repository, owner *user) (*repository, error) {
	key := strings.ToLower(owner.login + "/" + parent.name)
	if have := f.repos[key]; have != nil {
		return have, nil
	}
	r := &repository{
		id: f.nextID(), network: parent.network, owner: owner, name: parent.name, branch: parent.branch, parent: parent,
		push: map[string]bool{strings.ToLower(owner.login): true}, dir: filepath.Join(f.dir, filepath.FromSlash(key)+".git"), unready: f.Unready,
	}
	if err := runGit("", nil, "init", "-q", "--bare", "-b", r.branch, r.dir); err != nil {
		return nil, err
	}
	objects := filepath.Join(r.dir, "objects")
	err := errors.Join(
		runGit(r.dir, nil, "config", "http.receivepack", "true"),
		os.RemoveAll(objects), os.Symlink(filepath.Join(parent.dir, "objects"), objects),
	)
	if err != nil {
		return nil, err
	}
	f.repos[key] = r
	return r, runGit(r.dir, nil, "update-ref", "refs/heads/"+r.branch, parent.head())
}

// merge puts a pull request's head on top of the branch, and reports whether
// that was possible.
func (r *repository) merge(head, message string) (bool, error) {
	base := r.head()
	tree, err := gitOutput(r.dir, nil, nil, "merge-tree", "--write-tree", base, head)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	commit, err := gitOutput(r.dir, nil, nil, "commit-tree", tree, "-p", base, "-m", message)
	if err != nil {
		return false, err
	}
	return true, runGit(r.dir, nil, "update-ref", "refs/heads/"+r.branch, commit, base)
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
		allowed = (&request{f: f, token: token}).mayPush(repo)
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
	folder, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		f.t.Error(err)
		return
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(folder)), "git-http-backend"),
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
	repo := f.repos[strings.ToLower(name)]
	tree, err := writeTree(repo.dir, repo.head(), map[string]string{path: content})
	if err == nil {
		var commit string
		if commit, err = gitOutput(repo.dir, nil, nil, "commit-tree", tree, "-p", repo.head(), "-m", "Add "+path); err == nil {
			err = runGit(repo.dir, nil, "update-ref", "refs/heads/"+repo.branch, commit)
		}
	}
	if err != nil {
		f.t.Error(err)
	}
}
