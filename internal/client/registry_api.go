package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/registryapi"
)

// defaultTTL is how long the answers of a server are shown, unless the
// configuration says otherwise.
const defaultTTL = 10 * time.Minute

// apiCatalog reads a registry that is a server with an HTTP API. Which API it
// is shows at the first request of a run; that answer is kept as all others are.
type apiCatalog struct {
	*documents
	base *url.URL
}

func newAPIRegistry(c *Config, config RegistryConfig, base string, there Location, a Access) (Registry, error) {
	if !isWeb(there) {
		return nil, wrongServer(config, there, "https://packages.example.org/")
	}
	docs := newDocuments(c, config, newFileHost(there.URL, a, c.Timeout), base, a)
	if docs.ttl == 0 {
		docs.ttl = defaultTTL
	}
	return newCatalogRegistry(c, config, apiCatalog{docs, there.URL}), nil
}

// get reads a document for what turns it into lines.
func (d *documents) get(ctx context.Context, at string, limit int64) ([]byte, error) {
	data, err := d.read(ctx, at, limit)
	if errors.Is(err, errAbsent) {
		err = fs.ErrNotExist
	}
	return data, err
}

// server is the server in its dialect.
func (a apiCatalog) server(ctx context.Context) (*registryapi.Registry, error) {
	if err := a.ensure(ctx); err != nil {
		return nil, err
	}
	r, err := registryapi.Detect(ctx, a.base, a.get)
	var unknown *registryapi.UnknownError
	if errors.As(err, &unknown) {
		return nil, &Error{Class: ErrNotFound, Message: unknown.Error(), Remedy: a.otherKind(ctx)}
	}
	return r, err
}

// otherKind says what the address may be instead.
func (a apiCatalog) otherKind(ctx context.Context) string {
	if data, err := a.host.get(ctx, index.ConfigPath, validators{}, index.MaxFileSize); err == nil {
		if _, err := index.ParseConfig(data.data); err == nil {
			return "it has the files of an index: use the address sparse+" + a.base.String()
		}
	}
	return "check the address; a git repository is added with --type git, files on a web server with sparse+ before the URL"
}

// answered puts what came of a question into the words of this package.
func (a apiCatalog) answered(err error) error {
	var format *registryapi.FormatError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errAbsent
	case errors.As(err, &format):
		return a.damaged(format.Address, errors.New(format.Detail))
	}
	return err
}

func (a apiCatalog) update(ctx context.Context) error {
	if err := a.documents.update(ctx); err != nil {
		return err
	}
	_, err := a.server(ctx)
	return err
}

func (a apiCatalog) index(ctx context.Context) ([]byte, error) {
	r, err := a.server(ctx)
	if err != nil {
		return nil, err
	}
	return r.Config().Format(), nil
}

func (a apiCatalog) lines(ctx context.Context, name string) ([]byte, error) {
	r, err := a.server(ctx)
	if err != nil {
		return nil, err
	}
	data, err := r.Lines(ctx, name)
	return data, a.answered(err)
}

func (a apiCatalog) search(ctx context.Context, q Query) ([]Match, error) {
	r, err := a.server(ctx)
	if err != nil {
		return nil, err
	}
	found, err := r.Search(ctx, q.Text)
	if err != nil {
		return nil, fmt.Errorf("search: %w", a.answered(err))
	}
	var summaries []Summary
	for _, f := range found {
		summaries = append(summaries, Summary{Name: f.Name, Version: f.Version, Description: f.Description, Keywords: f.Keywords, Yanked: f.Yanked, Retired: f.Retired})
	}
	return q.ranked(a.config.Name, summaries), nil
}

// count is not told by any of the APIs.
func (a apiCatalog) count(context.Context) (int, bool, error) { return 0, false, nil }

func (a apiCatalog) distant() bool { return !a.offline }

func (a apiCatalog) close() error {
	a.host.close()
	return nil
}
