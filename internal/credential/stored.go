package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2/maybe"
)

// Stored is the file that `clyde auth login` writes and `clyde auth logout` takes
// out of again. It is the program's own, in JSON:
//
//	{
//	  "version": 1,
//	  "hosts": {
//	    "git.example.org": {"user": "kim", "keyring": true},
//	    "registry.example.org": {"token": "..."}
//	  }
//	}
//
// A host has its token here or in the keyring. The file's mode is 0600.
type Stored struct {
	Version int             `json:"version"`
	Hosts   map[Host]Record `json:"hosts"`
}

// Record is what is stored for a host.
type Record struct {
	User    string `json:"user,omitempty"`
	Token   string `json:"token,omitempty"`
	Keyring bool   `json:"keyring,omitempty"`
}

const (
	storedVersion = 1
	maxStored     = 1 << 20
)

// readStored reads the file; one that is absent has no hosts. The file and its
// modes are those of one moment.
func (f *Finder) readStored() (s Stored, others bool, err error) {
	s = Stored{Version: storedVersion, Hosts: map[Host]Record{}}
	data, others, err := readPrivate(f.opts.File)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err == nil && len(data) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&s)
	}
	if err == nil && s.Version != storedVersion {
		err = fmt.Errorf("it has the version %d, and this program knows %d", s.Version, storedVersion)
	}
	if err != nil {
		return s, others, &Error{Message: "the stored credentials in " + f.opts.File + " cannot be read", Err: err, Remedy: "log in again after removing the file"}
	}
	if s.Hosts == nil {
		s.Hosts = map[Host]Record{}
	}
	return s, others, nil
}

// readPrivate reads a file that should be nobody else's, and reports whether
// others can read it.
func readPrivate(name string) (data []byte, others bool, err error) {
	if name == "" {
		return nil, false, fs.ErrNotExist
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, errors.New("it is not a regular file")
	}
	data, err = io.ReadAll(io.LimitReader(file, maxStored+1))
	if err == nil && len(data) > maxStored {
		err = fmt.Errorf("it has more than %d bytes", maxStored)
	}
	return data, readableByOthers(info), err
}

// exposed refuses to use a secret that others could have read.
func exposed(name string) error {
	return &Error{
		Kind: ErrRefused, Message: name + " holds a token and can be read by others",
		Remedy: "close it with 'chmod 600 " + name + "', and replace the token if others may have seen it",
	}
}

// fromStored looks at what was logged in with.
func (f *Finder) fromStored(ctx context.Context, h Host) (Credential, bool, error) {
	stored, others, err := f.readStored()
	if err != nil {
		return Credential{}, false, err
	}
	record, ok := stored.Hosts[h]
	switch {
	case !ok:
		return Credential{}, false, nil
	case record.Keyring:
		return f.fromKeyring(ctx, h, record.User)
	case others:
		return Credential{}, false, exposed(f.opts.File)
	}
	secret, err := NewSecret(record.Token)
	if err != nil {
		return Credential{}, false, &Error{Kind: ErrRefused, Message: fmt.Sprintf("the token of %s in %s", h, f.opts.File), Err: err}
	}
	return Credential{User: record.User, Secret: secret, Source: File, Place: f.opts.File}, true, nil
}

// change edits the file under a lock that every process takes.
func (f *Finder) change(ctx context.Context, edit func(*Stored) error) (err error) {
	if f.opts.File == "" {
		return &Error{Kind: ErrUsage, Message: "there is no place for credentials"}
	}
	if err := os.MkdirAll(filepath.Dir(f.opts.File), 0o700); err != nil {
		return err
	}
	lock := flock.New(f.opts.File+".lock", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	stored, _, err := f.readStored()
	if err != nil {
		return err
	}
	if err := edit(&stored); err != nil {
		return err
	}
	data, err := json.MarshalIndent(stored, "", "  ")
	if err != nil {
		return err
	}
	name := f.opts.File
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	// The new file would take over the mode of the old one.
	if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return maybe.WriteFile(name, append(data, '\n'), 0o600)
}
