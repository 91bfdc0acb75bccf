package packagefolder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"
)

// recordVersion changes when what is recorded of an archive, or the rules that a
// recorded archive has passed, do.
const recordVersion = 1

// record remembers the sound archives of one folder between runs.
type record struct {
	file    string
	folder  string
	started time.Time // of this run, by the clock of the file system
	known   map[string]*Archive
}

// recordFile is the form of a record on the disk. Archives that changed at or
// after Started are not trusted: their time of modification would not tell of a
// change that came after reading.
type recordFile struct {
	Version  int        `json:"version"`
	Folder   string     `json:"folder"`
	Started  time.Time  `json:"started"`
	Archives []*Archive `json:"archives"`
}

// openRecord reads the record of a folder. One that is damaged, of another
// version or of another folder counts as none.
func openRecord(opts Options) (*record, error) {
	if err := os.MkdirAll(opts.State, 0o755); err != nil {
		return nil, err
	}
	r := &record{folder: opts.Dir, file: filepath.Join(opts.State, StateName(opts.Dir)+".json"), known: map[string]*Archive{}}
	var err error
	if r.started, err = fileTime(opts.State); err != nil || opts.Full {
		return r, err
	}
	data, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	var have recordFile
	if json.Unmarshal(data, &have) != nil || have.Version != recordVersion || have.Folder != opts.Dir {
		return r, nil //nolint:nilerr // what cannot be used is made anew
	}
	for _, f := range have.Archives {
		if f != nil && f.ModTime.Before(have.Started) {
			r.known[f.Path] = f
		}
	}
	return r, nil
}

// StateName names what is kept for a folder.
func StateName(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:16])
}

// fileTime asks the file system for its time, which need not be the clock's.
func fileTime(dir string) (time.Time, error) {
	f, err := os.CreateTemp(dir, ".now-*")
	if err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// fill completes what was found by what is known of the same file, and reports
// whether anything is.
func (r *record) fill(f *Archive) bool {
	have := r.known[f.Path]
	if have == nil || have.Size != f.Size || !have.ModTime.Equal(f.ModTime) {
		return false
	}
	*f = *have
	return true
}

// save replaces the record.
func (r *record) save(archives []*Archive) error {
	data, err := json.Marshal(recordFile{Version: recordVersion, Folder: r.folder, Started: r.started, Archives: archives})
	if err != nil {
		return err
	}
	if err := maybe.WriteFile(r.file, data, 0o644); err != nil {
		return fmt.Errorf("record of what was read: %w", err)
	}
	return nil
}
