package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// documents reads documents of web servers one by one. What was fetched is kept,
// for all projects, and shown until the next update or until it is older than
// the registry's time to live; then it is asked for again, with what the server
// said of its state. What is damaged or gone is fetched again. One value shows
// one state of each.
type documents struct {
	config RegistryConfig
	host   *fileHost
	files  fileCache
	access Access

	offline bool
	ttl     time.Duration // 0 is until the next update
	slots   chan struct{} // requests that may run at a time
	begun   sync.Mutex    // held while the record is made

	mu      sync.Mutex
	fetches map[string]*documentFetch // by path or URL
}

// documentFetch is a document that was asked for, or is being.
type documentFetch struct {
	done chan struct{}
	data []byte
	err  error
}

func newDocuments(c *Config, config RegistryConfig, host *fileHost, base string, a Access) *documents {
	return &documents{
		config: config, host: host, files: fileCache{base: base}, access: a, offline: c.Offline, ttl: config.TTL,
		slots: make(chan struct{}, maxRequests), fetches: map[string]*documentFetch{},
	}
}

// kept reports whether the registry was asked before.
func (d *documents) kept() bool {
	_, err := d.files.readRecord()
	return err == nil
}

// status says when everything was last asked for. There is no commit to tell of.
func (d *documents) status(ctx context.Context) (Status, error) {
	if err := d.ensure(ctx); err != nil {
		return Status{}, err
	}
	record, err := d.files.readRecord()
	return Status{Updated: record.Updated}, err
}

// update makes every document be asked for again.
func (d *documents) update(ctx context.Context) error {
	if d.offline {
		return &Error{Class: ErrNetwork, Message: "cannot be updated offline", Remedy: "run the command without --offline"}
	}
	d.mu.Lock()
	clear(d.fetches)
	d.mu.Unlock()
	unlock, err := lockFile(ctx, d.files.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	return d.files.writeRecord(documentsRecord{URL: d.config.URL, Updated: d.access.Now().UTC()})
}

// ensure makes the record of a registry that is asked for the first time, or
// whose record was lost.
func (d *documents) ensure(ctx context.Context) error {
	d.begun.Lock()
	defer d.begun.Unlock()
	switch {
	case d.kept():
		return nil
	case d.offline:
		return &Error{Class: ErrNetwork, Message: "needed but not here: it was never asked", Remedy: "run the command without --offline"}
	}
	return d.update(ctx)
}

// read reads a document of at most limit bytes, once in a run: a path below the
// registry's address, or a whole URL. Several may ask for it at the same time.
// The error is errAbsent when the server does not have it.
func (d *documents) read(ctx context.Context, at string, limit int64) ([]byte, error) {
	for {
		d.mu.Lock()
		f := d.fetches[at]
		if f == nil {
			f = &documentFetch{done: make(chan struct{})}
			d.fetches[at] = f
			d.mu.Unlock()
			d.fetch(ctx, at, limit, f)
			return f.data, f.err
		}
		d.mu.Unlock()
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

func (d *documents) fetch(ctx context.Context, at string, limit int64, f *documentFetch) {
	f.data, f.err = d.load(ctx, at, limit)
	if f.err != nil && !errors.Is(f.err, errAbsent) {
		d.mu.Lock()
		delete(d.fetches, at)
		d.mu.Unlock()
	}
	close(f.done)
}

// load takes a document from the cache, as long as that is fresh, and from the
// server otherwise.
func (d *documents) load(ctx context.Context, at string, limit int64) ([]byte, error) {
	kept, err := d.files.read(at)
	if err == nil && (d.offline || d.fresh(kept)) {
		return kept.content()
	}
	if d.offline {
		return nil, &Error{Class: ErrNetwork, Message: "needed but not here: " + d.host.address(at), Remedy: "run the command without --offline"}
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := keptFile{keptHead: keptHead{Asked: d.access.Now().UTC()}}
	a, err := d.host.get(ctx, at, kept.validators, limit)
	switch {
	case errors.Is(err, errAbsent):
		now.Absent = true
	case err != nil:
		return nil, err
	case a.same && kept.data == nil:
		return nil, &Error{Class: ErrIntegrity, Message: d.host.address(at) + " is said not to have changed, and was never here"}
	case a.same:
		now.validators, now.data = kept.validators, kept.data
	default:
		now.validators, now.data = a.validators, a.data
	}
	if err := d.files.write(at, now); err != nil {
		return nil, err
	}
	return now.content()
}

// fresh reports whether what is kept need not be asked for again.
func (d *documents) fresh(kept keptFile) bool {
	record, err := d.files.readRecord()
	if err != nil || kept.Asked.Before(record.Updated) {
		return false
	}
	return d.ttl == 0 || d.access.Now().Sub(kept.Asked) < d.ttl
}

// damaged is the failure of a document that is not what it has to be.
func (d *documents) damaged(at string, err error) error {
	return &Error{
		Class: ErrIntegrity, Message: d.host.address(at), Err: err,
		Remedy: "something between here and the registry may answer in its place; if it does not, tell the registry's maintainers",
	}
}

func (d *documents) forget() error { return d.files.remove() }

// wrongServer refuses an address that is none of a web server.
func wrongServer(config RegistryConfig, location Location, example string) error {
	return &Error{
		Class: ErrUsage, Message: fmt.Sprintf("registry %s: the kind %s needs a web server, not %s", config.Name, config.Kind, location),
		Remedy: "give a URL such as " + example,
	}
}

// isWeb reports whether a location is on a web server.
func isWeb(l Location) bool {
	return l.URL != nil && (l.URL.Scheme == "https" || l.URL.Scheme == "http")
}
