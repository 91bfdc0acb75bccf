package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// stageFolder is where the files of an export are until they appear under their
// names.
const stageFolder = ".clyde-export-new"

// stage holds new files of an export until all of them are on disk, and then
// gives them their names. So a power cut leaves no file under its name that is
// not whole, and one call of the system brings any number of files to disk;
// asking for each of 87,000 takes minutes.
type stage struct {
	dir   string // of the export
	mu    sync.Mutex
	count int               // of files so far
	names map[string]string // of those that wait, by where they are
}

// newStage removes what an export left that was broken off. The caller removes
// the stage in the end.
func newStage(dir string) (*stage, error) {
	s := &stage{dir: dir, names: map[string]string{}}
	if err := s.remove(); err != nil {
		return nil, err
	}
	return s, os.Mkdir(s.folder(), 0o755)
}

func (s *stage) folder() string { return filepath.Join(s.dir, stageFolder) }

func (s *stage) remove() error { return os.RemoveAll(s.folder()) }

// put writes a file that is to have a name below the folder of the export. It
// may be called by several goroutines.
func (s *stage) put(name string, data []byte) error {
	s.mu.Lock()
	s.count++
	temp := filepath.Join(s.folder(), fmt.Sprint(s.count))
	s.names[temp] = filepath.Join(s.dir, filepath.FromSlash(name))
	s.mu.Unlock()
	return os.WriteFile(temp, data, 0o644) //nolint:gosec // for a web server to read
}

// publish gives all files that wait their names. When it returns, they have them
// also after a power cut.
func (s *stage) publish() error {
	if len(s.names) == 0 {
		return nil
	}
	if err := syncFiles(s.dir, sortedKeys(s.names)); err != nil {
		return err
	}
	folders := map[string]bool{s.dir: true}
	for temp, name := range s.names {
		if err := s.makeFolder(filepath.Dir(name), folders); err != nil {
			return err
		}
		if err := os.Rename(temp, name); err != nil {
			return err
		}
	}
	clear(s.names)
	if runtime.GOOS == "windows" {
		return nil // which brings no folders to disk
	}
	return syncFiles(s.dir, sortedKeys(folders))
}

// makeFolder makes a folder below that of the export, and notes it and those
// above.
func (s *stage) makeFolder(folder string, made map[string]bool) error {
	if made[folder] {
		return nil
	}
	if err := s.makeFolder(filepath.Dir(folder), made); err != nil {
		return err
	}
	made[folder] = true
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// manyFiles is from how many files on the whole file system is brought to disk
// instead of each of them.
const manyFiles = 256

// syncFiles brings files or folders of the file system that dir is on to disk.
func syncFiles(dir string, names []string) error {
	if len(names) >= manyFiles {
		if err := syncFileSystem(dir); !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for _, name := range names {
		if err := syncFile(name); err != nil {
			return err
		}
	}
	return nil
}

func syncFile(name string) (err error) {
	flag := os.O_RDONLY
	if runtime.GOOS == "windows" {
		flag = os.O_RDWR // or it is refused
	}
	f, err := os.OpenFile(name, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
