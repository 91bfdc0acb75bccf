package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/clydepm/clyde/internal/archive"
)

// Store holds the extracted trees of archives, shared by all projects of a
// user. Its values may be used by many goroutines and processes at once.
type Store struct {
	dir    string
	limits archive.Limits
	step   func(name string) // as in Project
	prefix string            // of the environment that is installed; "" when it is in the project
}

// OpenStore returns the store in the folder dir, which is made when something
// is first added.
func OpenStore(dir string) *Store {
	return &Store{dir: dir, limits: archive.DefaultLimits(), step: func(string) {}}
}

// Tree is where the files of the archive with this digest (64 lower-case hex
// digits) are when the store has them. It is an absolute path when the
// store's folder is one.
func (s *Store) Tree(digest string) string { return filepath.Join(s.entry(digest), "tree") }

func (s *Store) entry(digest string) string {
	return filepath.Join(s.dir, "sha256", digest[:2], digest[2:])
}

func (s *Store) tempDir() string { return filepath.Join(s.dir, "tmp") }

// isDigest reports whether s is a SHA-256 in the form the store uses.
func isDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// DamagedError reports a store entry whose files are not what was put there.
type DamagedError struct {
	Digest string // of the entry
	Path   string // of the file at fault, relative to the tree
	Detail string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("store entry sha256:%s is damaged: %s: %s", e.Digest, e.Path, e.Detail)
}

// Is puts the error in the class [ErrIntegrity].
func (e *DamagedError) Is(target error) bool { return target == ErrIntegrity }

// Check looks whether the store has a sound entry for digest: every file is
// there with its size and mode, and a file whose modification time is not the
// recorded one still has its content. The error is [fs.ErrNotExist] when there
// is no entry and a [DamagedError] when it is not whole.
func (s *Store) Check(digest string) error { return s.inspect(digest, false) }

// Verify is Check that reads and hashes every file.
func (s *Store) Verify(digest string) error { return s.inspect(digest, true) }

func (s *Store) inspect(digest string, all bool) error {
	if !isDigest(digest) {
		return fmt.Errorf("%q is not a SHA-256 of 64 lower-case hex digits", digest)
	}
	inv, err := readInventory(filepath.Join(s.entry(digest), inventoryName))
	if err != nil {
		if _, err := os.Lstat(s.entry(digest)); err != nil {
			return err
		}
		return &DamagedError{Digest: digest, Path: inventoryName, Detail: err.Error()}
	}
	path, err := inv.compare(s.Tree(digest), all)
	if err != nil {
		return &DamagedError{Digest: digest, Path: path, Detail: err.Error()}
	}
	return nil
}

// Intake is the right to add entries to a store. While it is open no other
// process clears the store's folder for temporary files.
type Intake struct {
	store *Store
	lock  *flock.Flock
	dir   string // of this intake alone
	sync  syncGroup
}

// Begin opens an intake. What an interrupted process left behind is cleared
// when nobody else is adding. The caller must close it.
func (s *Store) Begin(ctx context.Context) (*Intake, error) {
	if err := os.MkdirAll(s.tempDir(), 0o755); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	lock := s.tempLock()
	if err := s.clear(lock); err != nil {
		return nil, err
	}
	if _, err := lock.TryRLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	dir, err := os.MkdirTemp(s.tempDir(), "intake-")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), lock.Unlock())
	}
	in := &Intake{store: s, lock: lock, dir: dir}
	in.sync.sync = func() error { return syncTree(dir) }
	return in, nil
}

// tempLock is held, shared, by all that have temporary files in the store.
func (s *Store) tempLock() *flock.Flock { return flock.New(filepath.Join(s.dir, "tmp.lock")) }

// clear removes what interrupted processes left behind, unless somebody is adding.
func (s *Store) clear(lock *flock.Flock) error {
	alone, err := lock.TryLock()
	if err != nil || !alone {
		return nil //nolint:nilerr // whoever cannot lock the store cannot clear it
	}
	err = errors.Join(clearFolder(s.tempDir()), s.sweepPartials(time.Now())) //nolint:forbidigo // against the times of files
	if err := errors.Join(err, lock.Unlock()); err != nil {
		return fmt.Errorf("store: clear %s: %w", s.tempDir(), err)
	}
	return nil
}

// clearLeft is clear for who has nothing to add: a process that was killed when
// all was in its place has left its folder, and nobody may come to add anything
// for long. A store that cannot be written in stays as it is.
func (s *Store) clearLeft() {
	if left, err := os.ReadDir(s.tempDir()); err == nil && len(left) > 0 {
		_ = s.clear(s.tempLock())
	}
}

// Close removes what is left of the temporary files.
func (in *Intake) Close() error {
	return errors.Join(removeTree(in.dir), in.lock.Unlock())
}

// Add extracts an archive whose bytes were found to have the given digest. The
// tree is complete, read-only and on disk before it gets its name, by one
// rename; a process that comes second keeps what is there. An entry that is
// damaged is replaced. The error is an [archive.UnsafeError] when the archive
// must not be extracted.
func (in *Intake) Add(ctx context.Context, digest string, r io.Reader) error {
	if !isDigest(digest) {
		return fmt.Errorf("%q is not a SHA-256 of 64 lower-case hex digits", digest)
	}
	made, err := os.MkdirTemp(in.dir, "entry-")
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	in.store.step("extract an archive")
	if err := in.build(ctx, made, r); err != nil {
		return errors.Join(err, removeTree(made))
	}
	final := in.store.entry(digest)
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	in.store.step("name a store entry")
	if err := in.place(made, digest); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return syncDir(filepath.Dir(final))
}

// build makes a whole entry in the folder made.
func (in *Intake) build(ctx context.Context, made string, r io.Reader) error {
	tree := filepath.Join(made, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	root, err := os.OpenRoot(tree)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	files, err := archive.ExtractReadOnly(ctx, r, root, in.store.limits)
	if err := errors.Join(err, root.Close()); err != nil {
		return err
	}
	in.store.step("seal an archive's tree")
	inv := inventoryOf(files)
	if inv.Folders, err = sealFolders(tree); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	data, err := inv.text()
	if err == nil {
		err = os.WriteFile(filepath.Join(made, inventoryName), data, 0o444)
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := in.sync.wait(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// place renames a made entry to its name.
func (in *Intake) place(made, digest string) error {
	final := in.store.entry(digest)
	if err := os.Rename(made, final); err == nil {
		return nil
	} else if _, statErr := os.Lstat(final); statErr != nil {
		return err
	}
	if in.store.Verify(digest) == nil {
		return removeTree(made) // another process was first
	}
	return in.replace(made, digest)
}

// replace puts a made entry in the place of a damaged one. The lock keeps two
// processes from throwing out each other's repair.
func (in *Intake) replace(made, digest string) (err error) {
	lock := flock.New(filepath.Join(in.store.dir, "repair.lock"))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if in.store.Verify(digest) == nil {
		return removeTree(made)
	}
	broken, err := os.MkdirTemp(in.dir, "damaged-")
	if err != nil {
		return err
	}
	final := in.store.entry(digest)
	if err := os.Rename(final, filepath.Join(broken, "entry")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(made, final)
}
