package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// errNotTold reports that the change log does not lead to the head, so that the
// packed file has to be fetched.
var errNotTold = errors.New("the change log does not tell all that changed")

// maxStaticFiles is how many files are fetched one by one; above it the packed
// file is.
const maxStaticFiles = 1500

// advanceStatic makes the packed file of the head out of the one that is shown
// and the files that changed since. The ID of the tree proves that none is
// missing. The error is errNotTold or [indexcache.ErrDamaged] when that cannot
// be done.
func (c gitCopy) advanceStatic(ctx context.Context, opened *openCopy, head *staticHead, opts UpdateOptions) (packages int, err error) {
	changed, blobs, ok := changedSince(head.changes.Commits, opened.record.Commit)
	if !ok || len(changed) > maxStaticFiles {
		return 0, errNotTold
	}
	state, err := opened.file.State()
	if err != nil {
		return 0, err
	}
	places, err := placesAfter(state.AppendUnder(nil, ""), changed)
	if err != nil {
		return 0, err
	}
	commit, err := head.commit()
	if err != nil {
		return 0, err
	}
	w, err := indexcache.Update(state, c.folder(), commit, places)
	if err != nil {
		return 0, err
	}
	if err := c.addChanged(ctx, w, changed, blobs); err != nil {
		return 0, errors.Join(err, w.Abort())
	}
	name := c.fileName(head.Commit)
	if err := w.Finish(filepath.Join(c.folder(), name)); err != nil {
		return 0, err
	}
	if _, err := c.showStatic(name, opened, head, opts); err != nil {
		return 0, err
	}
	return w.Changed(), nil
}

// changedSince collects what changed after a known commit, and the contents that
// the log has; false when it does not lead there.
func changedSince(commits []staticindex.Commit, known string) (changed map[string]*staticindex.Blob, blobs map[string][]byte, ok bool) {
	changed, blobs = map[string]*staticindex.Blob{}, map[string][]byte{}
	for _, c := range commits {
		if c.ID == known {
			return changed, blobs, true
		}
		if c.Files == nil {
			break
		}
		for path, blob := range c.Files {
			if _, later := changed[path]; !later {
				changed[path] = blob
			}
		}
		for id, content := range c.Blobs {
			blobs[id] = content
		}
	}
	return nil, nil, false
}

// placesAfter are the files of a commit after changes.
func placesAfter(before []indexcache.Place, changed map[string]*staticindex.Blob) ([]indexcache.Place, error) {
	places := make([]indexcache.Place, 0, len(before)+len(changed))
	for _, p := range before {
		if _, other := changed[p.Path]; !other {
			places = append(places, p)
		}
	}
	for path, blob := range changed {
		if blob == nil {
			continue
		}
		id, err := indexcache.ParseID(blob.ID)
		if err != nil {
			return nil, err
		}
		places = append(places, indexcache.Place{Path: path, Mode: indexcache.ParseMode(blob.Mode), ID: id})
	}
	return places, nil
}

// commit is the head as a packed file has it.
func (h *staticHead) commit() (c indexcache.Commit, err error) {
	line := h.newest()
	c.Object = line.Object
	if c.ID, err = indexcache.ParseID(line.ID); err != nil {
		return c, err
	}
	c.Tree, err = indexcache.ParseID(line.Tree())
	return c, err
}

// addChanged adds the contents that are new, several requests at a time. The
// error is errNotTold when the server does not have one of them any more.
func (c gitCopy) addChanged(ctx context.Context, w *indexcache.Writer, changed map[string]*staticindex.Blob, blobs map[string][]byte) error {
	appender, err := w.Appender()
	if err != nil {
		return err
	}
	var mu sync.Mutex // guards the appender
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for path, blob := range changed {
		if blob == nil {
			continue
		}
		id, err := indexcache.ParseID(blob.ID)
		if err != nil {
			return err
		}
		if !w.Wants(id) {
			continue
		}
		group.Go(func() error {
			content, told := blobs[blob.ID]
			if !told {
				var err error
				if content, err = c.changedFile(ctx, path, blob.ID); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			return appender.Add(id, content)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return appender.Flush()
}

// changedFile fetches the file of a package, which has to have that ID.
func (c gitCopy) changedFile(ctx context.Context, path, id string) ([]byte, error) {
	if _, isPackage := index.NameOf(path); !isPackage && path != index.ConfigPath {
		return nil, errNotTold
	}
	a, err := c.static.get(ctx, path, validators{}, index.MaxFileSize)
	switch {
	case errors.Is(err, errAbsent):
		return nil, errNotTold
	case err != nil:
		return nil, err
	case staticindex.ObjectID("blob", a.data) != id:
		return nil, errNotTold // it has been exported again meanwhile
	}
	return a.data, nil
}

// fetchPacked fetches the packed file of the head, and proves that it is that.
func (c gitCopy) fetchPacked(ctx context.Context, opened *openCopy, head *staticHead, opts UpdateOptions) (packages int, err error) {
	packed, ok := head.packed()
	if !ok {
		return 0, &Error{
			Class: ErrUsage, Message: fmt.Sprintf("%s has no packed file of the format %d", c.static.address(""), indexcache.FormatVersion),
			Remedy: "it was exported by another version of clyde: use the same one here",
		}
	}
	name := c.fileName(head.Commit)
	path := filepath.Join(c.folder(), name)
	if err := c.download(ctx, packed, path); err != nil {
		return 0, errors.Join(err, removeAll(path))
	}
	if err := provePacked(path); err != nil {
		return 0, errors.Join(err, removeAll(path))
	}
	return c.showStatic(name, opened, head, opts)
}

// packed is the packed file that this program reads.
func (h *staticHead) packed() (staticindex.Packed, bool) {
	for _, p := range h.Packed {
		if p.Format == indexcache.FormatVersion {
			return p, true
		}
	}
	return staticindex.Packed{}, false
}

func provePacked(path string) (err error) {
	file, err := indexcache.Open(path)
	if err == nil {
		err = errors.Join(file.Prove(), file.Close())
	}
	if err != nil {
		return &Error{Class: ErrIntegrity, Message: "the packed file of the registry does not hold together", Err: err}
	}
	return nil
}

// download fetches a packed file, which must have the size and the digest that
// the head says.
func (c gitCopy) download(ctx context.Context, packed staticindex.Packed, path string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := newIncoming(Archive{Name: "packed file", SHA256: packed.SHA256, Size: packed.Size}, f)
	if err = c.static.receive(ctx, packed.Path, packed.Size, in); err == nil {
		err = in.check()
	}
	if errors.Is(err, ErrIntegrity) {
		return &Error{Class: ErrIntegrity, Message: c.static.address(packed.Path) + " is not what the head of the registry says", Err: err, Remedy: "run the command again; if it stays, tell the registry's maintainers"}
	}
	if errors.Is(err, errAbsent) {
		return &Error{Class: ErrNetwork, Message: c.static.address(packed.Path) + " is not there", Remedy: "the registry may have been exported again this moment: run the command again"}
	}
	return err
}
