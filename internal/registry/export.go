package registry

import (
	"bufio"
	"bytes"
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

	"github.com/google/renameio/v2/maybe"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
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
	Files   int    `json:"files"` // in the folder now
	Written int    `json:"written"`
	Removed int    `json:"removed"`
}

// Export writes config.json and the files of all packages below dir, in the
// layout that a web server serves as Cargo's sparse registry. It writes what
// changed, removes what is gone, and leaves equal bytes for an equal index. A
// folder with other things in it is [git.ErrExists].
func Export(s *Source, dir string) (*Exported, error) {
	if _, err := s.Config(); err != nil {
		return nil, err
	}
	before, err := prepareExport(dir)
	if err != nil {
		return nil, err
	}
	x := &exporter{dir: dir, before: before, now: map[string]string{}, result: Exported{Commit: s.Commit}}
	config, err := fs.ReadFile(s.Tree, index.ConfigPath)
	if err != nil {
		return nil, err
	}
	if err := x.write(index.ConfigPath, config); err != nil {
		return nil, err
	}
	if err := s.eachPackage(x.write); err != nil {
		return nil, err
	}
	if err := x.removeGone(); err != nil {
		return nil, err
	}
	x.result.Files = len(x.now)
	if err := maybe.WriteFile(filepath.Join(dir, exportList), formatList(x.now), 0o644); err != nil {
		return nil, err
	}
	return &x.result, os.Remove(filepath.Join(dir, exportPending))
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
	result      Exported
}

func (x *exporter) write(name string, data []byte) error {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	x.now[name] = digest
	target := filepath.Join(x.dir, filepath.FromSlash(name))
	if x.before[name] == digest {
		if info, err := os.Lstat(target); err == nil && info.Mode().IsRegular() && info.Size() == int64(len(data)) {
			return nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	x.result.Written++
	return maybe.WriteFile(target, data, 0o644)
}

// removeGone removes the files of packages that the index does not have any
// more, and the folders that became empty by it.
func (x *exporter) removeGone() error {
	for _, name := range slices.Sorted(maps.Keys(x.before)) {
		if _, kept := x.now[name]; kept {
			continue
		}
		err := os.Remove(filepath.Join(x.dir, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
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
		if _, isPackage := index.NameOf(name); ok && (isPackage || name == index.ConfigPath) {
			files[name] = digest
		}
	}
	return files
}
