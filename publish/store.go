package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/index"
)

// Store keeps archives where clients download them.
type Store interface {
	// URL returns the URL of an archive that is or will be stored.
	URL(name, sha256 string) string
	// Put stores the file from, which has the digest given. When it returns, the
	// archive is at its URL, whole. Storing the same again changes nothing.
	Put(ctx context.Context, from, name, sha256 string) error
}

// FileStore is a folder of archives, each under its digest. It is a Store.
type FileStore struct {
	Dir  string // absolute; made when the first archive is stored
	Base string // URL under which Dir is served; "" for file:// URLs
}

// NewFileStore returns the store in the folder dir, which is served at base. The
// error is ErrUsage when base is no absolute URL of the web or of a file.
func NewFileStore(dir, base string) (FileStore, error) {
	if base != "" {
		u, err := url.Parse(base)
		web := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
		if !web && (err != nil || u.Scheme != "file" || u.Path == "") {
			return FileStore{}, &Error{Kind: ErrUsage, Detail: fmt.Sprintf("%q is no base for the URLs of archives", base), Remedy: "give an absolute URL, such as https://packages.example.org/archives"}
		}
		if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return FileStore{}, &Error{Kind: ErrUsage, Detail: "the base for the URLs of archives has a user, query or fragment", Remedy: "give scheme, host and path only"}
		}
	}
	return FileStore{Dir: dir, Base: base}, nil
}

// DefaultStore returns the folder for the archives of an index on this machine:
// the one that the "dl" of its configuration names when that is a file:// URL,
// and otherwise the folder beside the repository, index-archives for index.git.
func DefaultStore(repository string, config *index.Config) string {
	if u, err := url.Parse(config.DL); err == nil && u.Scheme == "file" && (u.Host == "" || u.Host == "localhost") {
		if folder := fixedFolder(u.Path); folder != "/" {
			return fromURLPath(folder)
		}
	}
	clean := filepath.Clean(repository)
	return strings.TrimSuffix(clean, ".git") + "-archives"
}

// DefaultBase returns the URL under which an index has its archives served, when
// its configuration names archives like a FileStore does:
// "https://packages.example.org/archives/{sha256-checksum}/...". Otherwise it is
// "".
func DefaultBase(config *index.Config) string {
	base, _, ok := strings.Cut(config.DL, "/{sha256-checksum}/")
	if !ok || strings.Contains(base, "{") {
		return ""
	}
	if u, err := url.Parse(base); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return base
}

// fixedFolder returns the part of a path template before its first marker.
func fixedFolder(template string) string {
	var fixed []string
	for part := range strings.SplitSeq(strings.Trim(template, "/"), "/") {
		if strings.Contains(part, "{") {
			break
		}
		fixed = append(fixed, part)
	}
	return "/" + path.Join(fixed...)
}

// fromURLPath turns the path of a file:// URL into one of this system: on
// Windows "/C:/x" is C:\x.
func fromURLPath(p string) string {
	local := filepath.FromSlash(p)
	if trimmed := strings.TrimPrefix(local, `\`); filepath.VolumeName(trimmed) != "" {
		return trimmed
	}
	return local
}

// FileURL returns the file:// URL of an absolute path.
func FileURL(name string) string {
	p := filepath.ToSlash(name)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

func (s FileStore) file(name, sha256 string) string { return filepath.Join(s.Dir, sha256, name) }

// URL returns the URL of an archive that is or will be stored.
func (s FileStore) URL(name, sha256 string) string {
	if s.Base == "" {
		return FileURL(s.file(name, sha256))
	}
	return strings.TrimSuffix(s.Base, "/") + "/" + sha256 + "/" + url.PathEscape(name)
}

// Put stores a copy of the file from, which has the digest given. The archive
// gets its name when all of it is on the disk, so that it is there complete or
// not at all. An archive that is there already is kept, and replaced if it is
// damaged.
func (s FileStore) Put(_ context.Context, from, name, sha256 string) error {
	target := s.file(name, sha256)
	if digest, err := digestOf(target); err == nil && digest == sha256 {
		return nil
	}
	temp, err := s.copy(from, filepath.Dir(target), sha256)
	if err != nil {
		return fmt.Errorf("storing %s: %w", name, err)
	}
	if err := place(temp, target, sha256); err != nil {
		return errors.Join(fmt.Errorf("storing %s: %w", name, err), os.Remove(temp))
	}
	return nil
}

// copy makes a synced temporary file in the folder.
func (s FileStore) copy(from, folder, sha256sum string) (temp string, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.CreateTemp(folder, ".*.tmp")
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, hash), in)
	if err == nil && hex.EncodeToString(hash.Sum(nil)) != sha256sum {
		err = errors.New("the packed file changed")
	}
	if err := errors.Join(err, out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return "", errors.Join(err, os.Remove(out.Name()))
	}
	return out.Name(), nil
}

// place gives the temporary file its name. A link fails when the name is taken,
// so that of two publishers one wins and the other checks its work; file systems
// without links get a rename, which is as good because the bytes are the same.
func place(temp, target, sha256 string) error {
	err := os.Link(temp, target)
	if err == nil {
		return errors.Join(os.Remove(temp), syncDirs(filepath.Dir(target)))
	}
	if errors.Is(err, fs.ErrExist) {
		if digest, err := digestOf(target); err == nil && digest == sha256 {
			return os.Remove(temp)
		}
	}
	if err := os.Rename(temp, target); err != nil {
		return err
	}
	return syncDirs(filepath.Dir(target))
}

// syncDirs makes a new name in the folder, and the folder itself, durable. Not
// every system can sync a folder; where it cannot there is nothing to do.
func syncDirs(folder string) error {
	for _, dir := range []string{folder, filepath.Dir(folder)} {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		err = d.Sync()
		if closed := d.Close(); err == nil {
			err = closed
		}
		if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrInvalid) {
			return err
		}
	}
	return nil
}

func digestOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
