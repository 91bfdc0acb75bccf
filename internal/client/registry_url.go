package client

import (
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// scpLike is git's short form of an SSH address: [user@]host:path, with no
// slash before the colon. A single letter before it is a Windows drive.
var scpLike = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9][A-Za-z0-9.-]+):([^:].*)$`)
})

// Location is an address of a registry taken apart: an absolute folder, or a
// URL.
type Location struct {
	Path string   // absolute path of a local folder, "" for a URL
	URL  *url.URL // nil for a local folder
	// Sparse reports Cargo's "sparse+" before the URL.
	Sparse bool
}

// ParseLocation reads what a person or an index line gives as the address of
// a registry: a URL, git's user@host:path, a file:// URL or a path, which is
// relative to base. It refuses what must not stand in a file that is shared:
// a password in the URL.
func ParseLocation(address, base string) (Location, error) {
	if address == "" || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Location{}, locationError(address, "is empty or holds control characters", "")
	}
	if helper, _, ok := strings.Cut(address, "::"); ok && !strings.ContainsAny(helper, `/\`) {
		return Location{}, locationError(address, "asks for a program to be run", "use https, ssh, file or a path")
	}
	rest, sparse := strings.CutPrefix(address, "sparse+")
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "registry+"), "git+")
	if !strings.Contains(rest, "://") {
		if m := scpLike().FindStringSubmatch(rest); m != nil && !isDrive(m[2]) {
			u := &url.URL{Scheme: "ssh", Host: m[2], Path: "/" + strings.TrimPrefix(m[3], "/")}
			if m[1] != "" {
				u.User = url.User(m[1])
			}
			return Location{URL: u, Sparse: sparse}, nil
		}
		return localLocation(rest, base), nil
	}
	u, err := url.Parse(rest)
	if err != nil {
		return Location{}, locationError(address, "is not a URL", "")
	}
	if _, secret := u.User.Password(); secret {
		u.User = url.User(u.User.Username())
		return Location{}, locationError(u.String(), "holds a password", "leave it out of the URL; configuration and lock are files that others read")
	}
	switch strings.ToLower(u.Scheme) {
	case "file":
		if u.Host != "" && u.Host != "localhost" {
			return Location{}, locationError(address, "names a host", "write file:///path with three slashes")
		}
		return localLocation(filepath.FromSlash(fileURLPath(u.Path)), base), nil
	case "https", "http", "ssh":
		if u.Hostname() == "" {
			return Location{}, locationError(address, "names no host", "")
		}
		return Location{URL: u, Sparse: sparse}, nil
	}
	return Location{}, locationError(address, fmt.Sprintf("has the unknown scheme %q", u.Scheme), "use https, ssh, file or a path")
}

func locationError(address, what, remedy string) error {
	return &Error{Class: ErrUsage, Message: fmt.Sprintf("registry address %q %s", address, what), Remedy: remedy}
}

func localLocation(p, base string) Location {
	if !filepath.IsAbs(p) {
		p = filepath.Join(base, p)
	}
	return Location{Path: filepath.Clean(p)}
}

// fileURLPath drops the slash before a Windows drive: /C:/x is C:/x.
func fileURLPath(p string) string {
	if len(p) >= 3 && p[0] == '/' && p[2] == ':' && isDrive(p[1:2]) {
		return p[1:]
	}
	return p
}

func isDrive(s string) bool {
	return len(s) == 1 && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z'
}

// Key is equal for two addresses of the same registry: scheme and host in
// lower case, no default port, no trailing slash or ".git".
func (l Location) Key() string {
	if l.URL == nil {
		return "file://" + strings.TrimSuffix(filepath.ToSlash(l.Path), ".git")
	}
	scheme, host := strings.ToLower(l.URL.Scheme), strings.ToLower(l.URL.Host)
	if h, port, err := net.SplitHostPort(host); err == nil && port == defaultPorts()[scheme] {
		host = h
	}
	user := ""
	if scheme == "ssh" && l.URL.User != nil && l.URL.User.Username() != "" {
		user = l.URL.User.Username() + "@"
	}
	p := strings.TrimSuffix(strings.TrimRight(path.Clean("/"+l.URL.Path), "/"), ".git")
	if l.Sparse {
		scheme = "sparse+" + scheme
	}
	return scheme + "://" + user + host + p
}

func defaultPorts() map[string]string {
	return map[string]string{"https": "443", "http": "80", "ssh": "22"}
}

// String is the address as it is written to a configuration file.
func (l Location) String() string {
	if l.URL == nil {
		return l.Path
	}
	if l.Sparse {
		return "sparse+" + l.URL.String()
	}
	return l.URL.String()
}

// CloneURL is the address as git understands it.
func (l Location) CloneURL() string {
	if l.URL == nil {
		return l.Path
	}
	return l.URL.String()
}

// InferKind says how the registry at the location is read. A local folder is
// looked at; a URL is judged by its form.
func (l Location) InferKind() (RegistryKind, error) {
	if l.URL == nil {
		return inferLocalKind(l.Path)
	}
	switch {
	case l.Sparse:
		return KindSparse, nil
	case l.URL.Scheme == "ssh", strings.HasSuffix(strings.TrimRight(l.URL.Path, "/"), ".git"), isGitHost(l.URL.Hostname()):
		return KindGit, nil
	}
	return KindAPI, nil
}

func inferLocalKind(dir string) (RegistryKind, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "", &Error{Class: ErrNotFound, Message: "there is no folder " + dir, Remedy: "create an index there with 'clyde index init " + dir + "'"}
	case !info.IsDir():
		return "", &Error{Class: ErrUsage, Message: dir + " is a file, not a folder", Remedy: "give the folder of an index, or of archives"}
	case isGitFolder(dir):
		return KindGit, nil
	case isFile(filepath.Join(dir, "config.json")):
		return KindDir, nil
	case holdsPackages(dir):
		return KindPackages, nil
	}
	return "", &Error{
		Class: ErrNotFound, Message: dir + " is neither a git repository nor an index folder with a config.json, and holds no packages",
		Remedy: "create an index there with 'clyde index init " + dir + "'",
	}
}

// Bounds of what is looked at to find out whether a folder holds packages.
const (
	maxLooked      = 10_000
	maxLookedDepth = 4 // @scope/name/version/file
)

// holdsPackages reports whether a folder has an archive or an unpacked package
// in it, or in the folders below.
func holdsPackages(dir string) (found bool) {
	looked := 0
	_ = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(dir, p)
		looked++
		switch {
		case err != nil || relErr != nil || looked > maxLooked:
			return fs.SkipAll // what cannot be looked at has to be named by the person
		case e.IsDir() && rel != "." && (strings.HasPrefix(e.Name(), ".") || strings.Count(rel, string(filepath.Separator)) >= maxLookedDepth):
			return fs.SkipDir
		case e.IsDir() && rel != "." && isFile(filepath.Join(p, filepath.FromSlash(manifest.Path))),
			e.Type().IsRegular() && packagefolder.IsArchiveName(e.Name()):
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// isGitFolder reports whether dir is a bare repository or has one in .git.
func isGitFolder(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		return true
	}
	objects, err := os.Stat(filepath.Join(dir, "objects"))
	return err == nil && objects.IsDir() && isFile(filepath.Join(dir, "HEAD"))
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// isGitHost reports whether host serves git repositories: one of the big
// ones, or named after the software it runs.
func isGitHost(host string) bool {
	host = strings.ToLower(host)
	switch host {
	case "github.com", "www.github.com", "gitlab.com", "codeberg.org", "bitbucket.org", "git.sr.ht":
		return true
	}
	first, _, _ := strings.Cut(host, ".")
	for _, software := range []string{"gitea", "forgejo", "gitlab", "github"} {
		if strings.HasPrefix(first, software) {
			return true
		}
	}
	return false
}

// InferName suggests an alias: the last element of the path without ".git",
// or the host when there is no path.
func (l Location) InferName() string {
	last := filepath.Base(l.Path)
	if l.URL != nil {
		last = path.Base(path.Clean("/" + l.URL.Path))
		if last == "/" {
			last = l.URL.Hostname()
		}
	}
	return cleanAlias(strings.TrimSuffix(last, ".git"))
}

// cleanAlias makes s a valid alias, or "".
func cleanAlias(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + ('a' - 'A')
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-._")
	return strings.TrimRight(s[:min(len(s), maxAlias)], "-._")
}

const maxAlias = 64

// CheckAlias reports what is wrong with the alias of a registry: it is 1 to
// 64 of a-z, 0-9, '.', '_' and '-', and begins and ends with a letter or digit.
func CheckAlias(name string) error {
	if name != "" && cleanAlias(name) == name {
		return nil
	}
	remedy := ""
	if near := cleanAlias(name); near != "" {
		remedy = "write " + near
	}
	return &Error{
		Class: ErrUsage, Remedy: remedy,
		Message: fmt.Sprintf("registry name %q is not 1 to 64 of a-z, 0-9, '.', '_' and '-' between letters or digits", name),
	}
}
