package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// IndexFacts are facts about a whole index.
type IndexFacts struct {
	Name     string    `json:"name,omitempty"`
	Format   int       `json:"format,omitempty"` // 0: an index that is not clyde's
	DL       string    `json:"dl"`
	Sparse   string    `json:"sparse,omitempty"`
	Commit   string    `json:"commit,omitempty"`
	Changed  time.Time `json:"changed,omitzero"` // when the commit was made
	Packages int       `json:"packages"`
	Versions int       `json:"versions"`
	Yanked   int       `json:"yanked"`
	Retired  int       `json:"retired"`
	Skipped  int       `json:"skipped"` // lines that this program cannot read
	Size     int64     `json:"size"`    // of all archives, as far as the lines tell
}

// InspectIndex counts what an index holds. It reads every line.
func InspectIndex(s *Source) (*IndexFacts, error) {
	config, err := s.Config()
	if err != nil {
		return nil, err
	}
	facts := &IndexFacts{Name: config.Clyde.Name, Format: config.Clyde.Format, DL: config.DL, Sparse: config.Clyde.Sparse, Commit: s.Commit}
	if s.Repo != nil {
		info, err := s.Repo.CommitInfo(s.Commit)
		if err != nil {
			return nil, err
		}
		facts.Changed = info.When.UTC()
	}
	return facts, s.eachPackage(func(_ string, data []byte) error {
		facts.add(index.ParseFile(data))
		return nil
	})
}

func (f *IndexFacts) add(file index.File) {
	f.Packages++
	f.Skipped += len(file.Skipped)
	for _, e := range file.Entries {
		f.Versions++
		f.Size += e.Size
		if e.Yanked {
			f.Yanked++
		}
		if e.Retired != nil {
			f.Retired++
		}
	}
}

// eachPackage calls visit with the path and the content of every package's
// file, in the order of the paths.
func (s *Source) eachPackage(visit func(path string, data []byte) error) error {
	return fs.WalkDir(s.Tree, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if p == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		if _, ok := index.NameOf(p); !ok || !e.Type().IsRegular() {
			return nil
		}
		data, err := fs.ReadFile(s.Tree, p)
		if err != nil {
			return err
		}
		return visit(p, data)
	})
}

// PackageFacts are facts about a package, or about one version of it.
type PackageFacts struct {
	Name     string         `json:"name"`
	Path     string         `json:"path"`
	Versions []VersionFacts `json:"versions"`
	Skipped  []string       `json:"skipped,omitempty"` // why lines cannot be read
}

// VersionFacts are a line and where its archive is.
type VersionFacts struct {
	Line     json.RawMessage `json:"line"`               // canonical
	Download string          `json:"download,omitempty"` // "" when the index names no place
	Entry    *index.Entry    `json:"-"`
}

// InspectPackage tells what the index says about a package, and of its versions
// about one when version is not "". The error is [git.ErrNotFound] when there
// is no such package or version.
func InspectPackage(s *Source, name, version string) (*PackageFacts, error) {
	config, err := s.Config()
	if err != nil {
		return nil, err
	}
	file, err := index.Path(name)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(s.Tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &git.Error{Op: "read package", Name: name, Kind: git.ErrNotFound, Err: errors.New("the index has no such package")}
	}
	if err != nil {
		return nil, err
	}
	parsed := index.ParseFile(data)
	facts := &PackageFacts{Name: name, Path: file, Versions: []VersionFacts{}}
	for _, s := range parsed.Skipped {
		facts.Skipped = append(facts.Skipped, fmt.Sprintf("line %d: %v", s.Line, s.Err))
	}
	for _, e := range parsed.Entries {
		if version != "" && e.Vers != version {
			continue
		}
		url, err := config.DownloadURL(e)
		if err != nil {
			url = "" // the index does not say; check tells why
		}
		facts.Name = e.Name
		facts.Versions = append(facts.Versions, VersionFacts{Line: e.AppendLine(nil), Download: url, Entry: e})
	}
	if version != "" && len(facts.Versions) == 0 {
		return nil, &git.Error{Op: "read package", Name: name + "@" + version, Kind: git.ErrNotFound, Err: errors.New("the index has no such version")}
	}
	return facts, nil
}
