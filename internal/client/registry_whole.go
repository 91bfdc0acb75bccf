package client

import (
	"bytes"
	"context"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
)

// wholeCatalog is the part of a catalog that knows all its packages at once.
type wholeCatalog struct {
	name string // of the registry
	load func(ctx context.Context) ([]*index.Entry, error)

	mu    sync.Mutex
	files map[string][]byte // lines by path in an index; nil until the first question
}

// read finds out what there is, once in a run.
func (w *wholeCatalog) read(ctx context.Context) (map[string][]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.files != nil {
		return w.files, nil
	}
	entries, err := w.load(ctx)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if path, err := index.Path(e.Name); err == nil {
			files[path] = append(e.AppendLine(files[path]), '\n')
		}
	}
	w.files = files
	return files, nil
}

// reset makes everything be read again.
func (w *wholeCatalog) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = nil
}

// index has no address of archives: every line has its own.
func (w *wholeCatalog) index(context.Context) ([]byte, error) { return (&index.Config{}).Format(), nil }

func (w *wholeCatalog) lines(ctx context.Context, name string) ([]byte, error) {
	path, err := index.Path(name)
	if err != nil {
		return nil, errAbsent
	}
	files, err := w.read(ctx)
	if err != nil {
		return nil, err
	}
	data, ok := files[path]
	if !ok {
		return nil, errAbsent
	}
	return bytes.Clone(data), nil
}

func (w *wholeCatalog) search(ctx context.Context, q Query) ([]Match, error) {
	files, err := w.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []Summary
	for path, lines := range files {
		name, _ := index.NameOf(path)
		if s, ok := indexcache.Summarize(indexcache.Lines(name, lines).Entries); ok {
			all = append(all, s)
		}
	}
	return q.search(ctx, w.name, namesOf(all))
}

func (w *wholeCatalog) count(ctx context.Context) (int, bool, error) {
	files, err := w.read(ctx)
	return len(files), err == nil, err
}

func (w *wholeCatalog) distant() bool { return false }
func (w *wholeCatalog) close() error  { return nil }
