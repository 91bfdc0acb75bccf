package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// maxAhead bounds how many packages one run asks for before they are needed.
const maxAhead = 5000

// plainRegistry reads a sparse registry that has the files of packages alone.
// What was fetched is kept and shown until the next update, which makes it be
// asked for again, with what the server said of its state. It is shared by all
// projects, and what is damaged of it is fetched again.
type plainRegistry struct {
	config RegistryConfig
	host   *fileHost
	files  fileCache
	access Access

	offline bool
	claims  Claims        // names that another registry claims are not fetched ahead
	slots   chan struct{} // requests that may run at a time

	mu      sync.Mutex
	fetches map[string]*plainFetch // by path
	ahead   int
	running sync.WaitGroup
	ctx     context.Context //nolint:containedctx // of what is fetched ahead, which outlives a question and ends at Close
	stop    context.CancelFunc
}

// plainFetch is a file that was asked for, or is being.
type plainFetch struct {
	done chan struct{}
	data []byte
	err  error
}

func newPlainRegistry(config RegistryConfig, host *fileHost, base string, offline bool, a Access) *plainRegistry {
	p := &plainRegistry{
		config: config, host: host, files: fileCache{base: base}, access: a, offline: offline,
		slots: make(chan struct{}, maxRequests), fetches: map[string]*plainFetch{},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

func (p *plainRegistry) Config() RegistryConfig { return p.config }

// kept reports whether the registry was asked before.
func (p *plainRegistry) kept() bool {
	_, err := p.files.readRecord()
	return err == nil
}

// begin asks the registry for the first time.
func (p *plainRegistry) begin(ctx context.Context) error {
	_, err := p.update(ctx)
	return err
}

// Update makes everything be asked for again, and asks for config.json.
func (p *plainRegistry) Update(ctx context.Context, _ UpdateOptions) (_ Change, err error) {
	defer nameRegistry(&err, p.config.Name)
	return p.update(ctx)
}

func (p *plainRegistry) update(ctx context.Context) (Change, error) {
	p.mu.Lock()
	clear(p.fetches)
	p.mu.Unlock()
	unlock, err := lockFile(ctx, p.files.lockFile())
	if err != nil {
		return Change{}, err
	}
	defer unlock()
	record := plainRecord{URL: p.config.URL, Updated: p.access.Now().UTC()}
	if err := p.files.writeRecord(record); err != nil {
		return Change{}, err
	}
	_, err = p.Index(ctx)
	if errors.Is(err, errAbsent) {
		err = &Error{
			Class: ErrNotFound, Message: fmt.Sprintf("%s is not a package index: it has no %s", p.host.address(""), index.ConfigPath),
			Remedy: "check the address",
		}
	}
	return Change{}, err
}

// Status has no commit to tell of.
func (p *plainRegistry) Status(context.Context) (_ Status, err error) {
	defer nameRegistry(&err, p.config.Name)
	record, err := p.files.readRecord()
	return Status{Updated: record.Updated}, err
}

// Count is how many names the registry lists; one that has no list tells of none.
func (p *plainRegistry) Count(ctx context.Context) (_ int, err error) {
	defer nameRegistry(&err, p.config.Name)
	summaries, err := p.names(ctx)
	return len(summaries), err
}

func (p *plainRegistry) Index(ctx context.Context) (*index.Config, error) {
	data, err := p.read(ctx, index.ConfigPath)
	if err != nil {
		return nil, err
	}
	config, err := index.ParseConfig(data)
	if err != nil {
		return nil, &Error{Class: ErrIntegrity, Message: p.host.address(index.ConfigPath), Err: err}
	}
	return config, nil
}

func (p *plainRegistry) Package(ctx context.Context, name string) (_ index.File, err error) {
	defer nameRegistry(&err, p.config.Name)
	path, err := index.Path(name)
	if err != nil {
		return index.File{}, &NoPackageError{Name: name}
	}
	data, err := p.read(ctx, path)
	if errors.Is(err, errAbsent) {
		return index.File{}, &NoPackageError{Name: name}
	}
	if err != nil {
		return index.File{}, err
	}
	file := indexcache.Lines(name, data)
	if len(file.Entries) == 0 && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return file, &Error{Class: ErrIntegrity, Message: p.host.address(path) + " is no file of a package", Remedy: "something between here and the registry may answer in its place"}
	}
	return file, nil
}

// Entries begins to fetch what the newest version depends on: whoever resolves
// will ask for it.
func (p *plainRegistry) Entries(ctx context.Context, name string) ([]*index.Entry, error) {
	file, err := p.Package(ctx, name)
	if err == nil {
		p.fetchAhead(file.Entries)
	}
	return file.Entries, err
}

func (p *plainRegistry) fetchAhead(entries []*index.Entry) {
	newest := indexcache.Newest(entries)
	if newest == nil || p.offline {
		return
	}
	for i := range newest.Deps {
		d := &newest.Deps[i]
		path, err := index.Path(d.PackageName())
		if err != nil || d.Kind == index.KindDev || d.Optional || d.Registry != "" || p.claims.Check(p.config.Name, d.PackageName()) != nil {
			continue
		}
		if p.startAhead(path) {
			p.running.Go(func() {
				if file, err := p.Package(p.ctx, d.PackageName()); err == nil {
					p.fetchAhead(file.Entries)
				}
			})
		}
	}
}

// startAhead reports whether a file is to be fetched ahead.
func (p *plainRegistry) startAhead(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fetches[path] != nil || p.ahead >= maxAhead || p.ctx.Err() != nil {
		return false
	}
	p.ahead++
	return true
}

// read reads a file once in a run. Several may ask for it at the same time.
func (p *plainRegistry) read(ctx context.Context, path string) ([]byte, error) {
	for {
		p.mu.Lock()
		f := p.fetches[path]
		if f == nil {
			f = &plainFetch{done: make(chan struct{})}
			p.fetches[path] = f
			p.mu.Unlock()
			p.fetch(ctx, path, f)
			return f.data, f.err
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.done:
		}
		if !errors.Is(f.err, context.Canceled) || ctx.Err() != nil {
			return f.data, f.err
		}
		// Whoever asked first gave up; ask again.
	}
}

func (p *plainRegistry) fetch(ctx context.Context, path string, f *plainFetch) {
	f.data, f.err = p.fetchFile(ctx, path)
	if f.err != nil && !errors.Is(f.err, errAbsent) {
		p.mu.Lock()
		delete(p.fetches, path)
		p.mu.Unlock()
	}
	close(f.done)
}

// fetchFile takes a file from the cache, as long as that is of after the last
// update, and from the server otherwise.
func (p *plainRegistry) fetchFile(ctx context.Context, path string) ([]byte, error) {
	kept, err := p.files.read(path)
	have := err == nil
	record, err := p.files.readRecord()
	if have && (p.offline || err == nil && !kept.Asked.Before(record.Updated)) {
		return kept.content()
	}
	if p.offline {
		return nil, &Error{Class: ErrNetwork, Message: "needed but not here: " + p.host.address(path), Remedy: "run the command without --offline"}
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := keptFile{keptHead: keptHead{Asked: p.access.Now().UTC()}}
	a, err := p.host.get(ctx, path, kept.validators, limitOf(path))
	switch {
	case errors.Is(err, errAbsent):
		now.Absent = true
	case err != nil:
		return nil, err
	case a.same:
		now.validators, now.data = kept.validators, kept.data
	default:
		now.validators, now.data = a.validators, a.data
	}
	if err := p.files.write(path, now); err != nil {
		return nil, err
	}
	return now.content()
}

// limitOf is how large a file may be.
func limitOf(path string) int64 {
	if path == staticindex.NamesFile {
		return namesLimit
	}
	return index.MaxFileSize
}

// names reads the list of names, if the registry has one.
func (p *plainRegistry) names(ctx context.Context) ([]Summary, error) {
	data, err := p.read(ctx, staticindex.NamesFile)
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Summary
	for line := range bytes.Lines(data) {
		var s Summary
		if json.Unmarshal(line, &s) == nil && index.CheckLookupName(s.Name) == nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// Search looks at the list of names. A registry without one can say whether it
// has the package of that name, and no more.
func (p *plainRegistry) Search(ctx context.Context, q Query) (_ []Match, err error) {
	defer nameRegistry(&err, p.config.Name)
	summaries, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	if summaries == nil {
		file, err := p.Package(ctx, q.Text)
		if err != nil && !isNoPackage(err) {
			return nil, err
		}
		if s, ok := indexcache.Summarize(file.Entries); ok {
			summaries = append(summaries, s)
		}
	}
	return q.search(ctx, p.config.Name, namesOf(summaries))
}

// View shows the files that the registry has: config.json and packages.
func (p *plainRegistry) View(ctx context.Context, _ string, read func(fs.FS) error) (err error) {
	defer nameRegistry(&err, p.config.Name)
	return read(plainFiles{ctx, p})
}

func (p *plainRegistry) Close() error {
	p.stop()
	p.running.Wait()
	return nil
}

func (p *plainRegistry) forget() error { return errors.Join(p.Close(), p.files.remove()) }

// plainFiles is a plain registry as a file system without folders.
type plainFiles struct {
	ctx context.Context //nolint:containedctx // lives as long as the question
	p   *plainRegistry
}

// Open implements fs.FS.
func (f plainFiles) Open(name string) (fs.File, error) {
	_, isPackage := index.NameOf(name)
	err := fs.ErrNotExist
	if isPackage || name == index.ConfigPath {
		var data []byte
		if data, err = f.p.read(f.ctx, name); err == nil {
			return newMemoryFile(name, data), nil
		}
		if errors.Is(err, errAbsent) {
			err = fs.ErrNotExist
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: cmp.Or(err, fs.ErrNotExist)}
}
