package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// storeUser is the record of a project that was installed from a store, or of the
// prefix of one of its environments: that stays when the project goes away.
type storeUser struct {
	Version int    `json:"project"`
	Root    string `json:"root"`             // of the project, absolute
	Prefix  string `json:"prefix,omitempty"` // absolute, "" for the project itself
}

// place is the folder that uses the store.
func (u storeUser) place() string { return cmp.Or(u.Prefix, u.Root) }

const (
	storeUserVersion = 1
	maxStoreUser     = 64 << 10
)

func (s *Store) usersDir() string { return filepath.Join(s.dir, "projects") }
func (s *Store) useLock() string  { return filepath.Join(s.dir, "use.lock") }

// use is the right to rely on what the store holds, from looking whether an
// entry is there until a generation leads to it: nothing is cleaned away
// meanwhile. The project at root and the prefix are remembered, so that what they
// use stays afterwards. A store that cannot be written to is not cleaned either.
func (s *Store) use(ctx context.Context, root string, report Reporter) (release func() error, err error) {
	if err := os.MkdirAll(s.usersDir(), 0o755); err != nil && !isReadOnly(err) {
		return nil, fmt.Errorf("store: %w", err)
	}
	lock := flock.New(s.useLock())
	got, err := lock.TryRLock()
	if isReadOnly(err) || errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	if err == nil && !got {
		report.Note("waiting for another clyde that is cleaning the store")
		_, err = lock.TryRLockContext(ctx, lockRetry)
	}
	if err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	users := []storeUser{{Version: storeUserVersion, Root: root}}
	if s.prefix != "" {
		users = append(users, storeUser{Version: storeUserVersion, Root: root, Prefix: s.prefix})
	}
	for _, user := range users {
		if err := s.remember(user); err != nil && !isReadOnly(err) {
			return nil, errors.Join(fmt.Errorf("store: %w", err), lock.Unlock())
		}
	}
	return lock.Unlock, nil
}

func isReadOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// alone is the right to remove what nobody uses.
func (s *Store) alone(ctx context.Context, report Reporter) (release func() error, err error) {
	lock := flock.New(s.useLock())
	got, err := lock.TryLock()
	if err == nil && !got {
		report.Note("waiting for another clyde that uses the store")
		_, err = lock.TryLockContext(ctx, lockRetry)
	}
	if err != nil {
		return nil, fmt.Errorf("store: lock: %w", err)
	}
	return lock.Unlock, nil
}

func (s *Store) userFile(u storeUser) string {
	return filepath.Join(s.usersDir(), digestOf([]byte(u.place()))+".json")
}

func (s *Store) remember(u storeUser) error {
	name := s.userFile(u)
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	return writeFile(name, append(data, '\n'))
}

// users lists the projects and prefixes that were installed from the store, by
// path.
func (s *Store) users() ([]storeUser, error) {
	entries, err := os.ReadDir(s.usersDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var users []storeUser
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		name := filepath.Join(s.usersDir(), e.Name())
		data, err := readBounded(name, maxStoreUser)
		if err != nil {
			return nil, err
		}
		var user storeUser
		if err := json.Unmarshal(data, &user); err != nil || user.Version != storeUserVersion || !filepath.IsAbs(user.place()) {
			return nil, &Error{
				Class: ErrIntegrity, Message: name + " does not say which project uses the store", Err: err,
				Remedy: "remove the file, and run 'clyde install' in your projects",
			}
		}
		users = append(users, user)
	}
	slices.SortFunc(users, func(a, b storeUser) int { return strings.Compare(a.place(), b.place()) })
	return users, nil
}
