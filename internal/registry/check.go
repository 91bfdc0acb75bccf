package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// Profiles of a check.
const (
	ProfileClyde = "clyde" // an index that clyde made: every rule of the format holds
	ProfileCargo = "cargo" // Cargo's own: what it permits beyond that is a warning
)

// examples is how many places a report names for one rule. A foreign index may
// break a rule in every one of its lines.
const examples = 10

// CheckReport is the outcome of a check of a whole index.
type CheckReport struct {
	Verdict  string      `json:"verdict"` // pass or fail
	Profile  string      `json:"profile"`
	Commit   string      `json:"commit,omitempty"`
	Packages int         `json:"packages"`
	Versions int         `json:"versions"`
	Findings []RuleCount `json:"findings"`
}

// RuleCount is what a check says about one rule.
type RuleCount struct {
	Check    string           `json:"check"`
	Status   string           `json:"status"` // fail or warn
	Count    int              `json:"count"`
	Examples []review.Finding `json:"examples"` // the first ones by place
}

// Check lints a whole index: every file, every line, and what ties them
// together. An empty profile is Cargo's when config.json has no "clyde" object.
func Check(ctx context.Context, s *Source, profile string, now time.Time) (*CheckReport, error) {
	if profile == "" {
		profile = profileOf(s)
	}
	c := &checker{source: s, now: now, cargo: profile == ProfileCargo, rules: map[string]*RuleCount{}, folded: map[string]string{}, wanted: map[string]wish{}}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	report := &CheckReport{
		Verdict: review.Pass, Profile: profile, Commit: s.Commit,
		Packages: len(c.folded) + c.twins, Versions: c.versions, Findings: []RuleCount{},
	}
	for _, id := range sortedKeys(c.rules) {
		count := *c.rules[id]
		slices.SortFunc(count.Examples, byPlace)
		count.Examples = count.Examples[:min(examples, len(count.Examples))]
		if count.Status == review.Fail {
			report.Verdict = review.Fail
		}
		report.Findings = append(report.Findings, count)
	}
	slices.SortStableFunc(report.Findings, func(a, b RuleCount) int { return cmp.Compare(a.Status, b.Status) }) // fail before warn
	return report, nil
}

func byPlace(a, b review.Finding) int {
	return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Detail, b.Detail))
}

// profileOf is Cargo's for an index that does not say it is clyde's.
func profileOf(s *Source) string {
	config, err := s.Config()
	if err == nil && config.Clyde.Format == 0 {
		return ProfileCargo
	}
	return ProfileClyde
}

type checker struct {
	source *Source
	now    time.Time
	cargo  bool

	mu       sync.Mutex
	rules    map[string]*RuleCount
	versions int
	folded   map[string]string // folded name → name
	twins    int
	wanted   map[string]wish // by name of a dependency: where it is first wanted
}

// wish is a dependency of a version.
type wish struct {
	path, version string
	number        int
}

func (w wish) String() string { return fmt.Sprintf("%s %s: deps[%d]", w.path, w.version, w.number) }

// file is one file of the index, read and ready to be checked.
type file struct {
	path string
	blob *index.Blob
}

// run reads the files one after the other, which is how a repository is read
// fastest, and checks them on all processors.
func (c *checker) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	files := make(chan file, 64)
	group.Go(func() error {
		defer close(files)
		return c.read(ctx, files)
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for f := range files {
				c.file(f)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.dependencies()
	if _, err := fs.Stat(c.source.Tree, index.ConfigPath); errors.Is(err, fs.ErrNotExist) {
		c.add(review.Finding{Check: "config/invalid", Where: index.ConfigPath, Detail: "the index has no config.json"})
	}
	return nil
}

func (c *checker) read(ctx context.Context, files chan<- file) error {
	return fs.WalkDir(c.source.Tree, ".", func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrInvalid) {
			c.add(review.Finding{Check: "tree/readable", Where: p, Detail: err.Error()})
			return nil
		}
		if err != nil {
			return err
		}
		if e.IsDir() {
			if p != "." && e.Name() == ".git" {
				return fs.SkipDir // of a folder that is also a worktree
			}
			return nil
		}
		blob, err := readBlob(c.source.Tree, p, e)
		if err != nil {
			return err
		}
		select {
		case files <- file{p, blob}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func readBlob(tree fs.FS, p string, e fs.DirEntry) (*index.Blob, error) {
	if !e.Type().IsRegular() {
		return &index.Blob{Mode: e.Type()}, nil
	}
	info, err := e.Info()
	if err != nil {
		return nil, err
	}
	blob := &index.Blob{Mode: 0o644}
	if info.Mode()&0o111 != 0 {
		blob.Mode = 0o755
	}
	blob.Data, err = fs.ReadFile(tree, p)
	return blob, err
}

// file checks one file by the rules for a change that adds it.
func (c *checker) file(f file) {
	if f.path == "owners/README.md" {
		return // explains the folder
	}
	delta, violations := index.Classify([]index.FileChange{{Path: f.path, After: f.blob}})
	for _, v := range violations {
		if v.Rule == "delta/status" || v.Rule == "delta/empty" {
			continue // a line may be yanked by now, a file may be empty
		}
		c.add(review.FindingOf(v))
	}
	switch name, isPackage := index.NameOf(f.path); {
	case isPackage && readWhole(f.blob.Data, delta, violations):
		c.pack(f, name, delta.Added)
	case isPackage:
		c.pack(f, name, index.ParseFile(f.blob.Data).Entries)
	case delta.Kind == index.KindOwners:
		c.owners(f)
	case delta.Kind == index.KindRegister:
		if _, err := review.ParseSource(f.path, f.blob.Data); err != nil {
			c.add(review.Finding{Check: "sources/valid", Where: f.path, Detail: err.Error()})
		}
	case index.IsOverridePath(f.path):
		c.override(f)
	case f.path == index.PolicyPath:
		if _, err := review.ParsePolicy(f.path, f.blob.Data); err != nil {
			c.add(review.Finding{Check: "policy/valid", Where: f.path, Detail: err.Error()})
		}
	}
}

// readWhole reports whether the entries of a change are those that [index.ParseFile]
// reads: no line has a fault for which an entry is left out.
func readWhole(data []byte, delta index.Delta, violations []index.Violation) bool {
	return len(delta.Added) > 0 && len(delta.Added) == bytes.Count(data, []byte("\n")) &&
		!slices.ContainsFunc(violations, func(v index.Violation) bool { return v.Rule == "line/version" })
}

// override checks an override, and whether it has an effect still.
func (c *checker) override(f file) {
	o, err := review.ParseOverride(f.path, f.blob.Data)
	switch {
	case err != nil:
		c.add(review.Finding{Check: "policy/valid", Where: f.path, Detail: err.Error()})
	case o.Expired(c.now):
		c.add(o.ExpiredFinding())
	}
}

// pack notes what a package's file says for the checks of the whole.
func (c *checker) pack(f file, name string, entries []*index.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions += len(entries)
	fold := index.Fold(name)
	if twin, ok := c.folded[fold]; ok {
		c.twins++
		twin, name := min(twin, name), max(twin, name)
		c.addLocked(review.Finding{
			Check: "name/unique", Where: f.path, Detail: fmt.Sprintf("%q and %q differ by case, \"-\", \"_\" and \".\" only", twin, name),
		})
	}
	c.folded[fold] = name
	for _, e := range entries {
		for i, d := range e.Deps {
			if d.Registry != "" {
				continue
			}
			key := strings.ToLower(d.PackageName())
			// The dependencies of one file come in order.
			if first, ok := c.wanted[key]; !ok || f.path < first.path {
				c.wanted[key] = wish{f.path, e.Vers, i}
			}
		}
	}
}

func (c *checker) owners(f file) {
	if _, err := review.ParseOwners(f.path, f.blob.Data); err != nil {
		c.add(review.Finding{Check: "owners/valid", Where: f.path, Detail: err.Error()})
	}
	name, _ := index.OwnersOf(f.path)
	file, err := index.Path(name)
	if err == nil {
		_, err = fs.Stat(c.source.Tree, file)
	}
	if err != nil {
		c.add(review.Finding{Check: "owners/package", Where: f.path, Detail: "there is no package " + name})
	}
}

// dependencies reports the dependencies on this index that it does not have.
func (c *checker) dependencies() {
	for _, name := range sortedKeys(c.wanted) {
		file, err := index.Path(name)
		if err == nil {
			_, err = fs.Stat(c.source.Tree, file)
		}
		if err != nil {
			c.add(review.Finding{Check: "dependency/exists", Where: c.wanted[name].String(), Detail: fmt.Sprintf("there is no package %s in this index", name)})
		}
	}
}

func (c *checker) add(f review.Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addLocked(f)
}

func (c *checker) addLocked(f review.Finding) {
	f.Status = c.status(f.Check)
	count := c.rules[f.Check]
	if count == nil {
		count = &RuleCount{Check: f.Check, Status: f.Status}
		c.rules[f.Check] = count
	}
	count.Count++
	count.Examples = append(count.Examples, f)
	// Workers come in any order, so the first places are kept by sorting.
	if len(count.Examples) >= 16*examples {
		slices.SortFunc(count.Examples, byPlace)
		count.Examples = count.Examples[:examples]
	}
}

// status is what breaking a rule means for a whole index. The rules for new
// names and targets are older than some lines that were imported, and in a
// foreign index only what makes a line useless is a failure.
func (c *checker) status(rule string) string {
	group, _, _ := strings.Cut(rule, "/")
	switch {
	case rule == "dependency/exists", rule == "policy/expired", rule == "line/target", group == "name" && rule != "name/unique":
		return review.Warn
	case !c.cargo:
		return review.Fail
	}
	switch rule {
	case "tree/readable", "config/invalid", "delta/mode", "line/json", "line/object", "line/list", "line/type", "line/missing",
		"line/name", "line/cksum":
		return review.Fail
	}
	return review.Warn
}
