package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/renameio/v2/maybe"
	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/staticindex"
)

// exportList is the file in an exported folder that lists the others, each with
// the SHA-256 of its content. It is what tells an exported folder from another,
// and it is written last: a folder without it is not complete.
const exportList = ".clyde-export"

// exportPending stands for the list while an export is running.
const exportPending = ".clyde-export-pending"

// Exported counts what an export did.
type Exported struct {
	Commit  string `json:"commit,omitempty"`
	Files   int    `json:"files"` // in the folder now, without their compressed forms
	Written int    `json:"written"`
	Removed int    `json:"removed"`
	// Key and Expires are those of the signature, if there is one.
	Key     string    `json:"key,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// ExportOptions say how an index is exported.
type ExportOptions struct {
	Key   staticindex.Key // signs the head; nil leaves it unsigned
	Valid time.Duration   // how long a signature holds
	Now   time.Time
}

// exportWriters is how many files are written at a time.
const exportWriters = 8

// Export writes an index below dir as a web server serves it, without a program
// of its own, to cargo and clyde: config.json and the files of all packages in
// the layout of Cargo's sparse registries, each with its gzip form beside it,
// and what [staticindex] adds. It writes what changed, removes what is gone, and
// leaves equal bytes for an equal index, but for a signature. Files appear in
// the order in which they refer to each other, each at once. A folder with other
// things in it is [git.ErrExists].
func Export(ctx context.Context, s *Source, dir string, opts ExportOptions) (_ *Exported, err error) {
	config, err := s.Config()
	if err != nil {
		return nil, err
	}
	before, err := prepareExport(dir)
	if err != nil {
		return nil, err
	}
	x := &exporter{dir: dir, before: before, now: map[string]string{}, result: Exported{Commit: s.Commit}}
	x.writers.SetLimit(exportWriters)
	if x.stage, err = newStage(dir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.stage.remove()) }()
	if err := x.exportFiles(ctx, s); err != nil {
		return nil, err
	}
	if err := x.exportHead(ctx, s, config.Clyde.Name, opts); err != nil {
		return nil, err
	}
	if err := x.removeGone(); err != nil {
		return nil, err
	}
	x.result.Files, x.result.Written = len(x.now), int(x.written.Load())
	if err := maybe.WriteFile(filepath.Join(dir, exportList), formatList(x.now), 0o644); err != nil {
		return nil, err
	}
	return &x.result, os.Remove(filepath.Join(dir, exportPending))
}

// exportFiles writes config.json, the files of the packages, the list of their
// names and, of a commit, its packed file.
func (x *exporter) exportFiles(ctx context.Context, s *Source) error {
	data, err := fs.ReadFile(s.Tree, index.ConfigPath)
	if err != nil {
		return err
	}
	if err := x.write(index.ConfigPath, data); err != nil {
		return err
	}
	names := newNameList()
	visit := func(name string, data []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return errors.Join(names.add(name, data), x.write(name, data))
	}
	if s.Repo == nil {
		err = s.eachPackage(visit)
	} else {
		err = x.exportCommit(s, visit)
	}
	if err != nil {
		return errors.Join(err, x.writers.Wait())
	}
	if err := x.write(staticindex.NamesFile, names.lines.Bytes()); err != nil {
		return err
	}
	return x.publish()
}

// publish waits for the files that are being written and gives them their names.
func (x *exporter) publish() error {
	if err := x.writers.Wait(); err != nil {
		return err
	}
	return x.stage.publish()
}

// prepareExport makes the folder, or recognizes one that was exported to, and
// reads what is in it. A run that was broken off trusts no file that is there.
func prepareExport(dir string) (before map[string]string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	has := func(name string) bool {
		return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name })
	}
	if len(entries) > 0 && !has(exportList) && !has(exportPending) {
		return nil, &git.Error{
			Op: "export to", Name: dir, Kind: git.ErrExists,
			Err: errors.New("the folder has other things in it"), Remedy: "name a new folder, or one of an earlier export",
		}
	}
	before = map[string]string{}
	if data, err := os.ReadFile(filepath.Join(dir, exportList)); err == nil {
		before = parseList(data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if has(exportPending) {
		for name := range before {
			before[name] = "" // known, and to be written again
		}
	}
	return before, maybe.WriteFile(filepath.Join(dir, exportPending), nil, 0o644)
}

type exporter struct {
	dir         string
	before, now map[string]string // digest by path
	stage       *stage
	packed      staticindex.Packed
	writers     errgroup.Group
	compressors sync.Pool
	written     atomic.Int64
	result      Exported
}

// compressed ends the name of the gzip form of a file.
const compressed = ".gz"

// write makes a file be there, and its gzip form. It may do so later.
func (x *exporter) write(name string, data []byte) error {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	x.now[name] = digest
	target := filepath.Join(x.dir, filepath.FromSlash(name))
	if x.before[name] == digest && isFile(target, int64(len(data))) && isFile(target+compressed, -1) {
		return nil
	}
	x.writers.Go(func() error {
		x.written.Add(1)
		packed, err := x.compress(data)
		if err != nil {
			return err
		}
		return errors.Join(x.stage.put(name, data), x.stage.put(name+compressed, packed))
	})
	return nil
}

// isFile reports whether there is a regular file, of that size unless it is
// negative.
func isFile(name string, size int64) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular() && (size < 0 || info.Size() == size)
}

// compress makes the same bytes of the same content everywhere.
func (x *exporter) compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, ok := x.compressors.Get().(*gzip.Writer)
	if ok {
		w.Reset(&b)
	} else {
		var err error
		if w, err = gzip.NewWriterLevel(&b, gzip.BestCompression); err != nil {
			return nil, err
		}
	}
	defer x.compressors.Put(w)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// removeGone removes the files of packages that the index does not have any
// more, and the folders that became empty by it.
func (x *exporter) removeGone() error {
	for _, name := range slices.Sorted(maps.Keys(x.before)) {
		if _, kept := x.now[name]; kept {
			continue
		}
		for _, form := range []string{name, name + compressed} {
			err := os.Remove(filepath.Join(x.dir, filepath.FromSlash(form)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		x.result.Removed++
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if os.Remove(filepath.Join(x.dir, filepath.FromSlash(dir))) != nil {
				break // not empty
			}
		}
	}
	return nil
}

func formatList(files map[string]string) []byte {
	var b bytes.Buffer
	for _, name := range sortedKeys(files) {
		fmt.Fprintf(&b, "%s  %s\n", files[name], name)
	}
	return b.Bytes()
}

// parseList reads a list. What is no file of an index is not taken from it, so
// that a list that was tampered with cannot make an export remove other files.
func parseList(data []byte) map[string]string {
	files := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		digest, name, ok := strings.Cut(lines.Text(), "  ")
		if _, isPackage := index.NameOf(name); ok && (isPackage || isRootFile(name)) {
			files[name] = digest
		}
	}
	return files
}

// isRootFile reports whether an export has such a file in its root folder.
func isRootFile(name string) bool {
	return name == index.ConfigPath || name == staticindex.NamesFile || name == staticindex.ChangesFile || staticindex.IsPackedPath(name)
}
