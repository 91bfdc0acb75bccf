package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
	"github.com/clydepm/clyde/internal/staticindex"
)

// plainCatalog reads a sparse registry that has the files of packages alone.
type plainCatalog struct {
	*documents
}

// update asks for config.json, without which there is no registry.
func (p plainCatalog) update(ctx context.Context) error {
	if err := p.documents.update(ctx); err != nil {
		return err
	}
	_, err := p.index(ctx)
	if errors.Is(err, errAbsent) {
		err = &Error{
			Class: ErrNotFound, Message: fmt.Sprintf("%s is not a package index: it has no %s", p.host.address(""), index.ConfigPath),
			Remedy: "check the address",
		}
	}
	return err
}

func (p plainCatalog) index(ctx context.Context) ([]byte, error) {
	return p.read(ctx, index.ConfigPath, index.MaxFileSize)
}

func (p plainCatalog) lines(ctx context.Context, name string) ([]byte, error) {
	path, err := index.Path(name)
	if err != nil {
		return nil, errAbsent
	}
	data, err := p.read(ctx, path, index.MaxFileSize)
	if err == nil && len(bytes.TrimSpace(data)) > 0 && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return nil, p.damaged(path, errors.New("it is no file of a package"))
	}
	return data, err
}

// count is how many names the registry lists; one that has no list does not tell.
func (p plainCatalog) count(ctx context.Context) (n int, known bool, err error) {
	summaries, known, err := p.names(ctx)
	return len(summaries), known, err
}

// names reads the list of names, if the registry has one.
func (p plainCatalog) names(ctx context.Context) (all []Summary, has bool, err error) {
	data, err := p.read(ctx, staticindex.NamesFile, namesLimit)
	if errors.Is(err, errAbsent) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	for line := range bytes.Lines(data) {
		var s Summary
		if json.Unmarshal(line, &s) == nil && index.CheckLookupName(s.Name) == nil {
			all = append(all, s)
		}
	}
	return all, true, nil
}

// search looks at the list of names. Of a registry without one it asks the web
// API that cargo's registries have, if config.json names one. Another can say
// whether it has the package of that name, and no more.
func (p plainCatalog) search(ctx context.Context, q Query) ([]Match, error) {
	summaries, listed, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	if listed {
		return q.search(ctx, p.config.Name, namesOf(summaries))
	}
	summaries, answered, err := p.askCargo(ctx, q)
	if err != nil {
		return nil, err
	}
	if answered {
		return q.ranked(p.config.Name, summaries), nil
	}
	if !q.Guess {
		p.access.note("registry %s: it has no list of its packages and cannot be searched; it was asked for a package called %q", p.config.Name, q.Text)
	}
	data, err := p.lines(ctx, q.Text)
	if err != nil && !errors.Is(err, errAbsent) {
		return nil, err
	}
	if s, ok := indexcache.Summarize(indexcache.Lines(q.Text, data).Entries); ok {
		summaries = append(summaries, s)
	}
	return q.search(ctx, p.config.Name, namesOf(summaries))
}

// Bounds of what a server answers to a search.
const (
	maxFound       = 100 // matches that are asked for
	maxSearchBytes = 8 << 20
)

// askCargo searches by the web API of cargo's registries; false when there is
// none. See the Cargo Book, "Registry Web API", "Search".
func (p plainCatalog) askCargo(ctx context.Context, q Query) (summaries []Summary, answered bool, err error) {
	data, err := p.index(ctx)
	if err != nil {
		return nil, false, err
	}
	config, err := index.ParseConfig(data)
	if err != nil {
		return nil, false, p.damaged(index.ConfigPath, err)
	}
	api, err := url.Parse(config.API)
	if err != nil || config.API == "" || !sameHost(api, p.host.url) && api.Scheme != "https" {
		return nil, false, nil //nolint:nilerr // no API that is to be asked
	}
	at := strings.TrimSuffix(config.API, "/") + "/api/v1/crates?" + url.Values{"q": {q.Text}, "per_page": {fmt.Sprint(maxFound)}}.Encode()
	data, err = p.read(ctx, at, maxSearchBytes)
	if errors.Is(err, errAbsent) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var said struct {
		Crates []struct {
			Name        string `json:"name"`
			MaxVersion  string `json:"max_version"`
			Description string `json:"description"`
		} `json:"crates"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return nil, false, p.damaged(at, err)
	}
	for _, c := range said.Crates {
		if index.CheckLookupName(c.Name) == nil {
			summaries = append(summaries, Summary{Name: c.Name, Version: c.MaxVersion, Description: c.Description})
		}
	}
	return summaries, true, nil
}

func (p plainCatalog) distant() bool { return !p.offline }
func (p plainCatalog) close() error  { return nil }
