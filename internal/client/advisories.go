package client

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/fetch"
	"github.com/clydepm/clyde/internal/osv"
)

// Bounds of a database of reports.
const (
	maxAdvisories     = 1 << 30 // bytes of a file of them
	maxAdvisoryFiles  = 2_000_000
	maxAdvisoryRecord = osv.MaxRecord
)

// Advisories is a database of reports about vulnerabilities.
type Advisories struct {
	Source     string    // file, folder or URL
	AsOf       time.Time // when the copy of a URL was fetched or found unchanged; zero for what is read in place
	Records    []*osv.Record
	Unreadable []string // files that are no reports, with what is wrong
}

// Advisories reads the database at a path or URL. Of a URL the cache keeps a
// copy, which is asked for again only if it changed; where the network fails,
// or no connection may be opened, the copy is what counts.
func (d *Downloader) Advisories(ctx context.Context, source, cache string, now time.Time) (*Advisories, error) {
	db := &Advisories{Source: source}
	name := source
	if strings.Contains(source, "://") {
		var err error
		if name, db.AsOf, err = d.advisoryCopy(ctx, source, cache, now); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{Class: ErrNotFound, Message: "there is no database of reports at " + name, Remedy: "name one with --db, or with audit.database in the configuration"}
	case err != nil:
		return nil, err
	case info.IsDir():
		err = db.readFolder(ctx, name)
	default:
		err = db.readFile(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return db, nil
}

// readFolder reads all files below a folder whose names end in ".json".
func (db *Advisories) readFolder(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files := 0
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && name != "." && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case !e.Type().IsRegular() || !strings.HasSuffix(name, ".json"):
			return nil
		}
		if files++; files > maxAdvisoryFiles {
			return fmt.Errorf("there are more than %d files", maxAdvisoryFiles)
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		db.read(name, f)
		return errors.Join(ctx.Err(), f.Close())
	})
}

// readFile reads a zip of reports, as osv.dev has them, or a file with a report
// or a list of them.
func (db *Advisories) readFile(ctx context.Context, name string) error {
	archive, err := zip.OpenReader(name)
	if errors.Is(err, zip.ErrFormat) {
		data, err := readBounded(name, maxAdvisories)
		if err == nil {
			db.add(filepath.Base(name), data)
		}
		return err
	}
	if err != nil {
		return err
	}
	defer archive.Close()
	if len(archive.File) > maxAdvisoryFiles {
		return fmt.Errorf("there are more than %d files", maxAdvisoryFiles)
	}
	for _, member := range archive.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !strings.HasSuffix(member.Name, ".json") {
			continue
		}
		f, err := member.Open()
		if err != nil {
			return err
		}
		db.read(member.Name, f)
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (db *Advisories) read(name string, r io.Reader) {
	data, err := io.ReadAll(io.LimitReader(r, maxAdvisoryRecord+1))
	if err != nil {
		db.Unreadable = append(db.Unreadable, name+": "+err.Error())
		return
	}
	db.add(name, data)
}

// add reads a report, or a list of reports.
func (db *Advisories) add(name string, data []byte) {
	list := []json.RawMessage{data}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		if err := json.Unmarshal(data, &list); err != nil {
			db.Unreadable = append(db.Unreadable, name+": "+err.Error())
			return
		}
	}
	for _, text := range list {
		record, err := osv.Parse(text)
		if err != nil {
			db.Unreadable = append(db.Unreadable, name+": "+err.Error())
			continue
		}
		db.Records = append(db.Records, record)
	}
}

// advisoryRecord is what is known about the copy of a database.
type advisoryRecord struct {
	URL          string    `json:"url"`
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	AsOf         time.Time `json:"as_of"`
}

// advisoryCopy brings the copy of a URL up to date if it can, and says where it
// is and of when.
func (d *Downloader) advisoryCopy(ctx context.Context, source, cache string, now time.Time) (name string, asOf time.Time, err error) {
	a := Archive{Name: "database of reports", URL: source, Limit: maxAdvisories}
	u, err := archiveURL(a)
	if err != nil {
		return "", asOf, err
	}
	if u.Scheme == "file" {
		return filepath.FromSlash(fileURLPath(u.Path)), asOf, nil
	}
	base := filepath.Join(cache, advisoriesName, digestOf([]byte(source))[:16])
	unlock, err := lockFile(ctx, base+".lock")
	if err != nil {
		return "", asOf, err
	}
	defer unlock()
	var have advisoryRecord
	text, err := readOptional(base+".json", maxVendor)
	if err != nil {
		return "", asOf, err
	}
	if !isFile(base+".data") || json.Unmarshal(text, &have) != nil || have.URL != source {
		have = advisoryRecord{URL: source}
	}
	if !d.Offline {
		err = d.refreshAdvisories(ctx, a, u, base, &have, now)
	}
	switch {
	case err != nil && (have.AsOf.IsZero() || !errors.Is(err, ErrNetwork) || ctx.Err() != nil):
		return "", asOf, err
	case err != nil:
		d.Report.Note("going on with the copy of " + have.AsOf.Format(time.DateOnly) + ": " + err.Error())
	case have.AsOf.IsZero():
		return "", asOf, &Error{Class: ErrNetwork, Message: "there is no copy of " + fetch.Display(u) + " here, and --offline was asked for", Remedy: "run once without --offline"}
	}
	return base + ".data", have.AsOf, nil
}

// refreshAdvisories asks for the database if it changed since it was fetched.
func (d *Downloader) refreshAdvisories(ctx context.Context, a Archive, u *url.URL, base string, have *advisoryRecord, now time.Time) (err error) {
	made, err := os.CreateTemp(filepath.Dir(base), "."+filepath.Base(base)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, made.Close(), removeAll(made.Name())) }()
	in := newIncoming(a, made)
	in.report = d.Report.Download(a.Name, 0)
	answer, err := d.client().Get(ctx, fetch.Request{
		URL: u, Raw: true, Limit: a.limit(), Known: fetch.Version{ETag: have.ETag, Modified: have.LastModified},
	}, in)
	in.report.Done(err)
	if err != nil {
		return networkError(a.Name, err)
	}
	if !answer.Same {
		if err := errors.Join(made.Chmod(0o644), made.Sync(), os.Rename(made.Name(), base+".data")); err != nil {
			return err
		}
		have.ETag, have.LastModified = answer.ETag, answer.Modified
	}
	have.AsOf = now.UTC().Truncate(time.Second)
	text, err := json.Marshal(have)
	if err != nil {
		return err
	}
	return writeFile(base+".json", append(text, '\n'))
}
