package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/fetch"
	"github.com/clydepm/clyde/internal/releaseindex"
)

// releasesCatalog reads the releases of a repository on GitHub, Gitea or Forgejo,
// with no registry at all. The list of releases is kept as other documents are;
// what an archive said is kept for good.
type releasesCatalog struct {
	*wholeCatalog
	docs    *documents
	aliases func(alias string) (address string, err error)
}

func newReleasesRegistry(c *Config, config RegistryConfig, base string, there Location, a Access) (Registry, error) {
	if !isWeb(there) {
		return nil, wrongServer(config, there, "https://github.com/example/hello")
	}
	docs := newDocuments(c, config, newFileHost(there.URL, a, c.Timeout), base, a)
	if docs.ttl == 0 {
		docs.ttl = defaultTTL
	}
	r := &releasesCatalog{docs: docs, aliases: c.addressOf}
	r.wholeCatalog = &wholeCatalog{name: config.Name, load: r.entries}
	return newCatalogRegistry(c, config, r), nil
}

// entries reads the lines of all releases.
func (r *releasesCatalog) entries(ctx context.Context) ([]*index.Entry, error) {
	if err := r.docs.ensure(ctx); err != nil {
		return nil, err
	}
	repository, err := releaseindex.Open(ctx, r.docs.host.url, r.docs.get)
	if err != nil {
		return nil, r.answered(err)
	}
	entries, left, err := repository.Entries(ctx, releaseindex.Options{
		Stream: r.stream, Known: r.known, Keep: r.keep,
		Registry: func(alias string) (string, error) {
			if alias == r.docs.config.Name {
				return "", nil
			}
			return r.aliases(alias)
		},
	})
	for _, l := range left {
		r.docs.access.note("registry %s: release %s is left out: %v", r.docs.config.Name, l.Tag, l.Err)
	}
	return entries, r.answered(err)
}

// answered puts what came of a question into the words of this package.
func (r *releasesCatalog) answered(err error) error {
	var format *releaseindex.FormatError
	var unknown *releaseindex.UnknownError
	switch {
	case errors.As(err, &unknown):
		return &Error{Class: ErrNotFound, Message: unknown.Error(), Remedy: "check the address: it is that of a repository's page, such as https://github.com/example/hello; one that is not public needs a login"}
	case errors.As(err, &format):
		return r.docs.damaged(format.Address, errors.New(format.Detail))
	}
	return err
}

// factsOf is where what an archive said is kept among the documents.
func factsOf(key string) string { return "archive://" + key }

func (r *releasesCatalog) known(key string) (facts releaseindex.Facts, ok bool) {
	kept, err := r.docs.files.read(factsOf(key))
	return facts, err == nil && json.Unmarshal(kept.data, &facts) == nil
}

func (r *releasesCatalog) keep(key string, facts releaseindex.Facts) error {
	data, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	return r.docs.files.write(factsOf(key), keptFile{keptHead: keptHead{Asked: r.docs.access.Now().UTC()}, data: data})
}

// stream reads an archive, as far as read does.
func (r *releasesCatalog) stream(ctx context.Context, address string, read func(io.Reader) error) error {
	if r.docs.offline {
		return &Error{Class: ErrNetwork, Message: "needed but not here: what is in " + address, Remedy: "run the command without --offline"}
	}
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := r.docs.host.asks.Get(ctx, fetch.Request{URL: r.docs.host.at(address), Raw: true, Limit: maxArchive}, &pipeSink{w: writer})
		_ = writer.CloseWithError(err) // never fails
		done <- r.docs.host.explain(err)
	}()
	err := read(reader)
	_ = reader.Close() // ends the transfer, where read has had enough
	if failed := <-done; err != nil && failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		err = failed
	}
	if errors.Is(err, errAbsent) {
		return fs.ErrNotExist
	}
	return err
}

// pipeSink hands a file on as it comes. It implements [fetch.Sink].
type pipeSink struct {
	w io.Writer
	n int64
}

// Begin implements [fetch.Sink].
func (s *pipeSink) Begin(offset, _ int64, _ fetch.Version) error {
	if offset != s.n {
		return fmt.Errorf("the file changed after %d bytes of it had come", s.n)
	}
	return nil
}

// Write implements [fetch.Sink].
func (s *pipeSink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.n += int64(n)
	return n, err
}

// index says nothing, but that there are releases to ask for.
func (r *releasesCatalog) index(ctx context.Context) ([]byte, error) {
	if _, err := r.read(ctx); err != nil {
		return nil, err
	}
	return r.wholeCatalog.index(ctx)
}

func (r *releasesCatalog) update(ctx context.Context) error {
	r.reset()
	if err := r.docs.update(ctx); err != nil {
		return err
	}
	_, err := r.read(ctx)
	return err
}

func (r *releasesCatalog) status(ctx context.Context) (Status, error) { return r.docs.status(ctx) }
func (r *releasesCatalog) forget() error                              { return r.docs.forget() }

func (r *releasesCatalog) close() error {
	r.docs.host.close()
	return nil
}
