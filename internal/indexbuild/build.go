package indexbuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// Rules of the problems that are found in lines. The others are those of the
// folder, archives, names and lines.
const (
	RuleDigest     = "build/digest"     // the index has the version with other bytes
	RuleLine       = "build/line"       // the index has the archive with another line
	RuleGone       = "build/gone"       // the index names an archive that is not there
	RuleDependency = "build/dependency" // nobody has the dependency
)

// Problem is one thing that is wrong, and where.
type Problem = packagefolder.Problem

// Integrity reports whether a problem is that the bytes which an index promises
// are not there.
func Integrity(p Problem) bool { return p.Rule == RuleDigest || p.Rule == RuleGone }

// Overlay is an index whose packages are referred to and not copied.
type Overlay struct {
	Address string // that clients know it by
	Has     func(ctx context.Context, name string) (bool, error)
}

// Options say what is built. Paths are absolute.
type Options struct {
	Dir     string   // folder of archives
	Into    string   // index: a bare repository, or a folder
	Git     bool     // a new index is a repository
	Name    string   // of a new index
	BaseURL string   // under which Dir is served; "" for file:// URLs
	Overlay *Overlay // may be nil
	// Registry returns the address of the registry that a manifest knows by an
	// alias, or "" when that is the index itself.
	Registry func(alias string) (address string, err error)
	State    string // folder for the record of what was read
	Full     bool   // read every archive, whatever the record says
	Limits   archive.Limits

	Author, Email string
	When          time.Time // of a commit to an index that is there
	// Read is called after each archive that was read, by several goroutines. It
	// may be nil.
	Read func(path string, done, total int)
}

// Built is the outcome of a build.
type Built struct {
	Index    string    `json:"index"`
	Commit   string    `json:"commit,omitempty"` // "" for a folder, and when nothing changed
	Archives int       `json:"archives"`         // that were found
	Read     int       `json:"read"`             // of them, not known from the record
	Packages int       `json:"packages"`         // that got new lines
	Versions int       `json:"versions"`         // new lines
	Present  int       `json:"present"`          // versions that were there already
	Problems []Problem `json:"problems"`
}

// maxAttempts bounds how often lines are derived anew because the index changed
// while they were.
const maxAttempts = 20

// errMoved says that the index changed since it was read.
var errMoved = errors.New("the index changed meanwhile")

// Build reads the archives of a folder and writes the lines of those that the
// index does not have. What is wrong with archives and lines is in the result, and
// the rest is written; the error is for what stopped the build.
func Build(ctx context.Context, opts Options) (*Built, error) {
	found, err := packagefolder.Scan(ctx, packagefolder.Options{
		Dir: opts.Dir, Skip: opts.Into, State: opts.State, Full: opts.Full, Limits: opts.Limits, Read: opts.Read,
	})
	if err != nil {
		return nil, err
	}
	versions, problems := packagefolder.Versions(found)
	place, err := openPlace(ctx, opts, newest(versions))
	if err != nil {
		return nil, err
	}
	defer place.close()
	for range maxAttempts {
		tree, err := place.tree()
		if err != nil {
			return nil, err
		}
		d := newDeriver(opts, tree, found, versions)
		if err := d.run(ctx); err != nil {
			return nil, err
		}
		built := d.built
		built.Index, built.Archives, built.Read = opts.Into, found.Total, found.Read
		built.Problems = append(slices.Concat(found.Problems, problems), built.Problems...)
		slices.SortStableFunc(built.Problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail))
		})
		built.Commit, err = place.write(d.files, message(built))
		if !errors.Is(err, errMoved) {
			return &built, err
		}
	}
	return nil, fmt.Errorf("%w during each of %d attempts", errMoved, maxAttempts)
}

func message(b Built) string {
	return fmt.Sprintf("Add %d versions of %d packages\n\nBuilt from a folder of archives.\n", b.Versions, b.Packages)
}

// newest is the latest time of publishing, or the time that archives have which
// record none.
func newest(versions []*packagefolder.Version) time.Time {
	at := archive.ModTime()
	for _, v := range versions {
		if v.Main.Newest.After(at) {
			at = v.Main.Newest
		}
	}
	return at
}

// packageNames are the names of all packages of a tree, as their paths say them.
func packageNames(tree fs.FS) (map[string]bool, error) {
	names := map[string]bool{}
	return names, fs.WalkDir(tree, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && p == ".git" {
			return fs.SkipDir
		}
		if name, ok := index.NameOf(p); ok && e.Type().IsRegular() {
			names[name] = true
		}
		return nil
	})
}
