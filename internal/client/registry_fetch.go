package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// fetcher is a conversation with a registry that told where its branch is.
type fetcher struct {
	copy   gitCopy
	remote *git.Upload
	head   git.Ref
	signed string // the tag of the signed statement about the head; "" for none
	have   string // the one that is here
}

// dial asks a registry where its branch is. It is a short question, so a
// registry that does not answer is noticed soon. The caller must call Close.
func (c gitCopy) dial(ctx context.Context) (_ *fetcher, err error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	f := &fetcher{copy: c}
	auth, err := gitAuth(ctx, c.access.credentials, c.url, (*credential.Finder).Ready)
	if err != nil {
		return nil, err
	}
	f.remote, err = git.DialUpload(limited, c.url, auth)
	if errors.Is(err, git.ErrAuth) && auth == (git.Auth{}) {
		if auth, err = gitAuth(ctx, c.access.credentials, c.url, (*credential.Finder).Asked); err != nil {
			return nil, err
		}
		f.remote, err = git.DialUpload(limited, c.url, auth)
	}
	if err != nil {
		return nil, c.remoteError(waitError(ctx, c.timeout, err))
	}
	if f.head, f.signed, err = f.remote.BranchAnd(limited, c.branch, staticindex.HeadRef); err != nil {
		return nil, errors.Join(c.remoteError(waitError(ctx, c.timeout, err)), f.Close())
	}
	return f, nil
}

// Close ends the conversation.
func (f *fetcher) Close() error { return f.remote.Close() }

// remember leaves out of what is fetched what is here of a statement.
func (f *fetcher) remember(record gitRecord) {
	if record.Signed != nil {
		f.have = record.Signed.Object
	}
}

// fetched is a commit of a registry, and a pack with what was not here of it.
type fetched struct {
	commit   indexcache.Commit
	places   []indexcache.Place
	when     time.Time
	pack     *git.Pack
	descends bool     // from the commit that was here
	passed   []string // then: the commits between, newest first
	covers   bool     // what is signed of it is of a commit that descends from the one that was here
	proved   []string // commits that it is known to descend from, once that was looked at

	known   gitRecord // what is remembered
	trusted fs.FS     // files of the commit that is known; nil when they are not here
}

// all fetches the newest commit. The caller closes the pack.
func (f *fetcher) all(ctx context.Context) (*fetched, error) {
	return f.fetch(ctx, git.UploadRequest{Want: f.head.ID, Depth: 1}, nil)
}

// since fetches what the newest commit has beyond a commit that is here. The
// error is [git.ErrUnknownCommit] when the registry does not have that. The
// caller closes the pack.
func (f *fetcher) since(ctx context.Context, known *indexcache.State) (*fetched, error) {
	return f.fetch(ctx, git.UploadRequest{Want: f.head.ID, Have: known.Commit(), Shallow: []string{known.Commit()}}, known)
}

func (f *fetcher) fetch(ctx context.Context, req git.UploadRequest, known *indexcache.State) (*fetched, error) {
	limit := transferFactor * f.copy.timeout
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := os.MkdirAll(f.copy.folder(), 0o755); err != nil {
		return nil, err
	}
	if f.signed != f.have {
		req.Also = f.signed
	}
	var next fetched
	err := f.remote.Fetch(limited, req, func(r io.Reader) (err error) {
		next.pack, err = git.ReadPack(r, f.copy.folder(), baseOf(known))
		return err
	})
	if err == nil {
		err = next.read(f, known)
	}
	if err == nil {
		return &next, nil
	}
	if next.pack != nil {
		err = errors.Join(err, next.pack.Close())
	}
	if errors.Is(err, indexcache.ErrDamaged) || errors.Is(err, git.ErrUnknownCommit) {
		return nil, err
	}
	return nil, f.copy.remoteError(waitError(ctx, limit, unsafeError(err)))
}

// baseOf gives a pack the objects that are here.
func baseOf(known *indexcache.State) git.Base {
	if known == nil {
		return nil
	}
	return func(id git.ID) (kind string, content func() ([]byte, error), err error) {
		kind, content, ok := known.Object(indexcache.ID(id))
		if !ok {
			err = git.ErrNotFound
		}
		return kind, content, err
	}
}

// read reads the commit and lists its files.
func (n *fetched) read(f *fetcher, known *indexcache.State) (err error) {
	head := f.head.ID
	info, err := n.pack.Commit(head)
	if err != nil {
		return err
	}
	n.when, n.commit.Object = info.When, n.pack.RawCommit(head)
	if n.commit.ID, err = indexcache.ParseID(head); err != nil {
		return err
	}
	if n.commit.Tree, err = indexcache.ParseID(info.Tree); err != nil {
		return err
	}
	walk := treeWalk{pack: n.pack, known: known}
	if err := walk.folder(n.commit.Tree, "", 0); err != nil {
		return err
	}
	n.places = walk.places
	if known != nil {
		n.passed, err = descent(n.pack, known.Commit(), head)
		n.descends = n.passed != nil
	}
	if tag, err := n.pack.Tag(f.signed); err == nil && known != nil {
		path, err := descent(n.pack, known.Commit(), tag.Commit)
		n.covers = err == nil && path != nil
	}
	n.pack.Forget()
	return err
}

// treeWalk lists the files of a commit. A folder that is not in the pack is one
// that is here.
type treeWalk struct {
	pack   *git.Pack
	known  *indexcache.State
	places []indexcache.Place
}

// Bounds of the tree of an index.
const (
	maxTreeFolders = 32
	maxTreeFiles   = 1 << 24
)

func (w *treeWalk) folder(id indexcache.ID, at string, depth int) error {
	content, ok := w.pack.Tree(git.ID(id))
	if !ok {
		return w.same(id, at)
	}
	entries, err := git.ParseTree(content)
	if err != nil {
		return err
	}
	if depth > maxTreeFolders || len(w.places)+len(entries) > maxTreeFiles {
		return &git.UnsafeError{Path: at, Rule: "tree/depth", Detail: "folders are nested too deep, or there are too many files"}
	}
	for _, e := range entries {
		if e.Mode.IsDir() {
			if err := w.folder(indexcache.ID(e.ID), at+e.Name+"/", depth+1); err != nil {
				return err
			}
			continue
		}
		w.places = append(w.places, indexcache.Place{Path: at + e.Name, Mode: indexcache.ModeOf(e.Mode), ID: indexcache.ID(e.ID)})
	}
	return nil
}

// same takes over a folder that is here, under whatever name.
func (w *treeWalk) same(id indexcache.ID, at string) error {
	if w.known == nil {
		return fmt.Errorf("the registry sent no tree %s", id)
	}
	folder, ok := w.known.Folder(id)
	if !ok {
		return fmt.Errorf("the registry sent no tree %s", id)
	}
	first := len(w.places)
	w.places = w.known.AppendUnder(w.places, folder)
	if folder+"/" == at {
		return nil
	}
	for i, p := range w.places[first:] {
		w.places[first+i].Path = at + strings.TrimPrefix(strings.TrimPrefix(p.Path, folder), "/")
	}
	return nil
}

// descent lists the commits of a pack that were met on the way from head back to
// the known one, head first; nil when they do not lead there.
func descent(pack *git.Pack, known, head string) ([]string, error) {
	seen := map[string]bool{head: true}
	queue := []string{head}
	for at := 0; at < len(queue); at++ {
		if queue[at] == known {
			return queue[:at+1], nil
		}
		info, err := pack.Commit(queue[at])
		if errors.Is(err, git.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, parent := range info.Parents {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return nil, nil
}

// addFiles adds the files of a pack to a packed file, on all cores.
func addFiles(w *indexcache.Writer, pack *git.Pack) error {
	visitors := make([]func(git.ID, []byte) error, runtime.GOMAXPROCS(0))
	appenders := make([]*indexcache.Appender, len(visitors))
	for i := range visitors {
		a, err := w.Appender()
		if err != nil {
			return err
		}
		appenders[i] = a
		visitors[i] = func(id git.ID, content []byte) error { return a.Add(indexcache.ID(id), content) }
	}
	if err := pack.Files(visitors...); err != nil {
		return err
	}
	var all []error
	for _, a := range appenders {
		all = append(all, a.Flush())
	}
	return errors.Join(all...)
}

// remoteError puts a failure of git into a class of this package.
func (c gitCopy) remoteError(err error) error {
	var own *Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	e := &Error{Class: ErrNetwork, Message: c.url, Remedy: cmp.Or(loginHint(c.url, err), hintOf(err)), Err: err}
	switch {
	case errors.Is(err, git.ErrNotFound):
		e.Class = ErrNotFound
	case errors.Is(err, git.ErrAuth):
		e.Class = ErrRefused
	case errors.Is(err, git.ErrURL):
		e.Class = ErrUsage
	}
	return e
}
