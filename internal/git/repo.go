package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// Hash is an object ID: 40 lower-case hex digits.
type Hash = string

// Repo is an open repository. It is safe for use by several goroutines; close
// it when done.
type Repo struct {
	gitDir    string // holds HEAD
	commonDir string // holds objects and refs; equal to gitDir but for a linked worktree
	bare      bool
	lockWait  time.Duration

	mu      sync.Mutex // go-git's storage is not safe for concurrent use
	storage *filesystem.Storage
	repo    *gogit.Repository
}

// Open opens the repository at path: a bare one, or the top folder of one with
// a worktree. It reports [ErrNotFound] when there is none and [ErrUnsupported]
// when the repository needs an extension such as SHA-256 or reftables.
func Open(path string) (*Repo, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	gitDir, err := findGitDir(path)
	if err != nil {
		return nil, err
	}
	commonDir, err := findCommonDir(gitDir)
	if err != nil {
		return nil, &Error{Op: "open", Name: path, Err: err}
	}
	r := &Repo{gitDir: gitDir, commonDir: commonDir, lockWait: defaultLockWait}
	files := dotgit.NewRepositoryFilesystem(osfs.New(gitDir), osfs.New(commonDir))
	r.storage = filesystem.NewStorageWithOptions(files, cache.NewObjectLRU(32*cache.MiByte),
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: maxObjectSize})
	if err := r.checkFormat(); err != nil {
		return nil, &Error{Op: "open", Name: path, Kind: ErrUnsupported, Err: err}
	}
	r.repo, err = gogit.Open(r.storage, nil)
	if err != nil {
		return nil, &Error{Op: "open", Name: path, Kind: ErrUnsupported, Err: err}
	}
	return r, nil
}

// findGitDir finds the folder that holds HEAD: path itself, path/.git, or what
// the file path/.git points to.
func findGitDir(path string) (string, error) {
	if isGitDir(path) {
		return path, nil
	}
	dot := filepath.Join(path, ".git")
	if isGitDir(dot) {
		return dot, nil
	}
	if data, err := readSmall(dot); err == nil {
		target, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir:")
		target = strings.TrimSpace(target)
		if ok && !filepath.IsAbs(target) {
			target = filepath.Join(path, target)
		}
		if ok && isGitDir(target) {
			return target, nil
		}
	}
	e := &Error{Op: "open", Name: path, Kind: ErrNotFound, Err: errors.New("there is no git repository here")}
	if _, statErr := os.Stat(path); errors.Is(statErr, fs.ErrNotExist) {
		e.Err = errors.New("there is no such folder")
	}
	return "", e
}

func isGitDir(dir string) bool {
	info, err := os.Lstat(filepath.Join(dir, "HEAD"))
	if err != nil || info.IsDir() {
		return false
	}
	common, err := findCommonDir(dir)
	if err != nil {
		return false
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(common, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// findCommonDir follows the file "commondir" of a linked worktree.
func findCommonDir(gitDir string) (string, error) {
	data, err := readSmall(filepath.Join(gitDir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return gitDir, nil
	}
	if err != nil {
		return "", err
	}
	common := strings.TrimSpace(string(data))
	if !filepath.IsAbs(common) {
		common = filepath.Join(gitDir, common)
	}
	return filepath.Clean(common), nil
}

// checkFormat refuses formats that go-git would misread instead of refusing,
// and learns whether there is a worktree.
func (r *Repo) checkFormat() error {
	cfg, err := r.storage.Config()
	if err != nil {
		return err
	}
	extensions := cfg.Raw.Section("extensions")
	if v := extensions.Option("objectformat"); v != "" && v != "sha1" {
		return fmt.Errorf("object format %q", v)
	}
	if v := extensions.Option("refstorage"); v != "" && v != "files" {
		return fmt.Errorf("reference storage %q", v)
	}
	r.bare = cfg.Core.IsBare && r.gitDir == r.commonDir
	return nil
}

// InitBare makes a bare repository at path with HEAD on branch. The folder may
// exist when it is empty; otherwise the error is [ErrExists].
func InitBare(path, branch string) (*Repo, error) {
	head := plumbing.NewBranchReferenceName(branch)
	if err := checkRefName(head.String()); err != nil {
		return nil, &Error{Op: "create", Name: path, Err: err}
	}
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Op: "create", Name: path, Err: err}
	}
	if len(entries) > 0 {
		return nil, &Error{Op: "create", Name: path, Kind: ErrExists}
	}
	for _, dir := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(path, filepath.FromSlash(dir)), 0o777); err != nil {
			return nil, &Error{Op: "create", Name: path, Err: err}
		}
	}
	const config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
	if err := writeFile(filepath.Join(path, "config"), []byte(config)); err != nil {
		return nil, &Error{Op: "create", Name: path, Err: err}
	}
	// HEAD comes last: until then git does not take the folder for a repository.
	if err := writeFile(filepath.Join(path, "HEAD"), []byte("ref: "+head.String()+"\n")); err != nil {
		return nil, &Error{Op: "create", Name: path, Err: err}
	}
	return Open(path)
}

// Close releases the open pack files.
func (r *Repo) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.storage.Close()
}

// Dir is the folder with the repository's objects and references.
func (r *Repo) Dir() string { return r.commonDir }

// Bare reports whether the repository has no worktree.
func (r *Repo) Bare() bool { return r.bare }

// HeadRef is the reference that HEAD names, such as "refs/heads/main", whether
// it exists yet or not. The error is [ErrNotFound] when HEAD is detached.
func (r *Repo) HeadRef() (string, error) {
	data, err := readSmall(filepath.Join(r.gitDir, "HEAD"))
	if err != nil {
		return "", &Error{Op: "read HEAD", Err: err}
	}
	target, ok := strings.CutPrefix(string(data), "ref:")
	if !ok {
		return "", &Error{
			Op: "read HEAD", Kind: ErrNotFound, Err: errors.New("HEAD is detached, it names no branch"),
			Remedy: "name the branch",
		}
	}
	return strings.TrimSpace(target), nil
}

// readSmall reads a file that is small in every honest repository.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	buf := make([]byte, 4096)
	n, err := f.Read(buf)
	if err != nil && n == 0 {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return buf[:n], nil
}
