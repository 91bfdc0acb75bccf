package harvest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// Source is a repository that publishes packages of the index.
type Source struct {
	Repository string          // URL
	Packages   map[string]bool // names in lower case
}

// Sources are the repositories that an index names, by URL. Who is no publisher
// any more is left out. A file that cannot be read is a Result, since it is no
// reason to leave the others unasked.
func Sources(tree fs.FS, now time.Time) ([]Source, []Result, error) {
	found := map[string]*Source{}
	var faults []Result
	add := func(name string, owners *review.Owners) {
		for _, p := range owners.Publishers {
			if p.Repository == "" || !p.Until.IsZero() && now.After(p.Until) {
				continue
			}
			url := strings.TrimSuffix(strings.TrimSuffix(p.Repository, "/"), ".git")
			key := strings.ToLower(url)
			if found[key] == nil {
				found[key] = &Source{Repository: url, Packages: map[string]bool{}}
			}
			found[key].Packages[name] = true
		}
	}
	err := eachFile(tree, "owners", func(path string, data []byte) {
		name, ok := index.OwnersOf(path)
		if !ok {
			return
		}
		owners, err := review.ParseOwners(path, data)
		if err != nil {
			faults = append(faults, Result{Package: name, Outcome: Failed, Detail: fmt.Sprintf("its owners file: %v", err)})
			return
		}
		add(name, owners)
	})
	if err != nil {
		return nil, nil, err
	}
	err = eachFile(tree, "sources", func(path string, data []byte) {
		name, ok := index.SourceOf(path)
		if !ok || hasVersions(tree, name) {
			return // its owners file says who publishes it
		}
		owners, err := review.ParseSource(path, data)
		if err != nil {
			faults = append(faults, Result{Package: name, Outcome: Failed, Detail: fmt.Sprintf("its registration: %v", err)})
			return
		}
		add(name, owners)
	})
	if err != nil {
		return nil, nil, err
	}
	var sources []Source
	for _, key := range slices.Sorted(maps.Keys(found)) {
		sources = append(sources, *found[key])
	}
	return sources, faults, nil
}

func hasVersions(tree fs.FS, name string) bool {
	path, err := index.Path(name)
	if err != nil {
		return false
	}
	_, err = fs.Stat(tree, path)
	return err == nil
}

// eachFile reads the YAML files below a folder that need not be there.
func eachFile(tree fs.FS, folder string, do func(path string, data []byte)) error {
	err := fs.WalkDir(tree, folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		data, err := fs.ReadFile(tree, path)
		if err == nil {
			do(path, data)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
