package conformance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
)

// The statuses of a finding, and the verdicts.
const (
	Pass = "pass"
	Fail = "fail"
	Skip = "skip"
)

// Rule is a check with its stable ID.
type Rule struct {
	ID    string
	Holds string // what is so when it passes
}

// Checks lists all checks, in the order of a report.
func Checks() []Rule {
	return []Rule{
		{"registry/config", "the registry answers and says what it is"},
		{"registry/signed", "the newest commit is signed by the registry's keepers, and the signature holds"},
		{"registry/absent", "a package that does not exist is said not to exist"},
		{"registry/search", "a package is found by its name"},
		{"registry/stable", "after an update every version is there as it was"},
		{"package/readable", "every line of a package can be read, and there is one"},
		{"package/name", "every line of a package is about that package"},
		{"package/unique", "no version is there twice"},
		{"version/checksum", "every version has the SHA-256 of its archive"},
		{"version/address", "every version says where its archive is"},
		{"version/dependencies", "every dependency has a name and a requirement that can be read"},
		{"archive/there", "archives can be fetched"},
		{"archive/digest", "archives have the size and the checksum that is said of them"},
		{"archive/sound", "archives can be unpacked without harm"},
		{"archive/manifest", "the manifest in an archive is of that package and version"},
	}
}

// Finding is what one check found in one place.
type Finding struct {
	Check  string `json:"check"`
	Status string `json:"status"`
	Where  string `json:"where,omitempty"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// Report is what all checks found.
type Report struct {
	Verdict  string    `json:"verdict"` // Pass or Fail
	URL      string    `json:"url"`
	Kind     string    `json:"kind"`
	Packages int       `json:"packages"` // that were looked at
	Versions int       `json:"versions"`
	Archives int       `json:"archives"`
	Findings []Finding `json:"findings"` // of every check at least one
}

// Options say how much is looked at.
type Options struct {
	Names    []string // packages to look at; none: what searches find
	Packages int      // how many are looked at, of those that searches find
	Archives int      // how many archives of each are fetched
	// Downloader fetches archives; nil skips the checks of archives.
	Downloader *client.Downloader
}

// checker is one run.
type checker struct {
	registry client.Registry
	opts     Options
	report   Report
	failed   map[string]bool
	passed   map[string]bool
	skipped  map[string]string // why
}

// Check asks a registry and reports what it found. The error is that of ctx: that
// a registry does not answer is a finding.
func Check(ctx context.Context, r client.Registry, opts Options) (*Report, error) {
	c := &checker{registry: r, opts: opts, failed: map[string]bool{}, passed: map[string]bool{}, skipped: map[string]string{}}
	config := r.Config()
	c.report.URL, c.report.Kind = config.URL, string(config.Kind)
	if c.config(ctx) {
		c.absent(ctx)
		names := c.names(ctx)
		before := map[string][]*index.Entry{}
		for _, name := range names {
			if entries := c.pkg(ctx, name); len(entries) > 0 {
				before[name] = entries
			}
		}
		c.stable(ctx, names, before)
	}
	c.finish()
	return &c.report, ctx.Err()
}

func (c *checker) fail(check, where, hint, format string, args ...any) {
	c.failed[check] = true
	c.report.Findings = append(c.report.Findings, Finding{Check: check, Status: Fail, Where: where, Detail: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *checker) pass(check string) { c.passed[check] = true }

// finish adds what passed and what could not be looked at, and puts all in the
// order of the checks.
func (c *checker) finish() {
	c.report.Verdict = Pass
	var all []Finding
	for _, rule := range Checks() {
		switch {
		case c.failed[rule.ID]:
			c.report.Verdict = Fail
			for _, f := range c.report.Findings {
				if f.Check == rule.ID {
					all = append(all, f)
				}
			}
		case c.passed[rule.ID]:
			all = append(all, Finding{Check: rule.ID, Status: Pass})
		default:
			why := c.skipped[rule.ID]
			if why == "" {
				why = "there was nothing to look at"
			}
			all = append(all, Finding{Check: rule.ID, Status: Skip, Detail: why})
		}
	}
	c.report.Findings = all
}

// config checks whether there is a registry at all.
func (c *checker) config(ctx context.Context) bool {
	_, err := c.registry.Update(ctx, client.UpdateOptions{})
	if err == nil {
		_, err = c.registry.Index(ctx)
	}
	if err != nil {
		check := "registry/config"
		if client.IsHeadProblem(err) {
			check = "registry/signed"
		}
		c.fail(check, c.report.URL, hintOf(err), "%v", err)
		return false
	}
	c.pass("registry/config")
	c.signed(ctx)
	return true
}

// signed tells whether somebody who holds back what is new would be noticed. What
// is wrong with a signature the update has told.
func (c *checker) signed(ctx context.Context) {
	status, err := c.registry.Status(ctx)
	switch {
	case err != nil:
		c.fail("registry/signed", c.report.URL, hintOf(err), "%v", err)
	case status.Commit == "":
		c.skipped["registry/signed"] = "the registry has no commits"
	case status.Signed.IsZero():
		c.skipped["registry/signed"] = "nobody signs the newest commit: that something is held back would not be noticed"
	default:
		c.pass("registry/signed")
	}
}

// nobody is a name that no package has.
const nobody = "clyde-conformance-no-such-package"

func (c *checker) absent(ctx context.Context) {
	file, err := c.registry.Package(ctx, nobody)
	var none *client.NoPackageError
	switch {
	case errors.As(err, &none):
		c.pass("registry/absent")
	case err != nil:
		c.fail("registry/absent", nobody, "answer 404 for what does not exist", "is not said not to exist: %v", err)
	default:
		c.fail("registry/absent", nobody, "answer 404 for what does not exist", "has %d lines, and no registry has such a package", len(file.Entries)+len(file.Skipped))
	}
}

// letters are what is searched for to find some packages.
const letters = "aeoisrnt"

// names are the packages that are looked at.
func (c *checker) names(ctx context.Context) []string {
	if len(c.opts.Names) > 0 {
		return c.opts.Names
	}
	var names []string
	for _, letter := range letters {
		found, err := c.registry.Search(ctx, client.Query{Text: string(letter), Guess: true})
		if err != nil {
			c.fail("registry/search", string(letter), "", "%v", err)
			return names
		}
		for _, m := range found {
			if len(names) < c.opts.Packages && !slices.Contains(names, m.Name) {
				names = append(names, m.Name)
			}
		}
	}
	if len(names) == 0 {
		c.skipped["registry/search"] = "searches found no package; name one that is there"
	}
	return names
}

// pkg checks one package and gives its lines.
func (c *checker) pkg(ctx context.Context, name string) []*index.Entry {
	file, err := c.registry.Package(ctx, name)
	if err != nil {
		c.fail("package/readable", name, hintOf(err), "%v", err)
		return nil
	}
	c.report.Packages++
	c.report.Versions += len(file.Entries)
	for _, s := range file.Skipped {
		var newer *index.NewerVersionError
		if !errors.As(s.Err, &newer) {
			c.fail("package/readable", fmt.Sprintf("%s: line %d", name, s.Line), "", "%v", s.Err)
		}
	}
	if len(file.Entries) == 0 {
		c.fail("package/readable", name, "", "has no version that can be read")
		return nil
	}
	c.pass("package/readable")
	c.lineNames(ctx, name)
	c.unique(name, file.Entries)
	c.search(ctx, name)
	config, err := c.registry.Index(ctx)
	if err != nil {
		c.fail("registry/config", name, hintOf(err), "%v", err)
		return file.Entries
	}
	for _, e := range file.Entries {
		c.version(config, e)
	}
	c.archives(ctx, config, file.Entries)
	return file.Entries
}

// lineNames looks at the lines as the registry has them: a client leaves out
// those about another package.
func (c *checker) lineNames(ctx context.Context, name string) {
	path, err := index.Path(name)
	if err != nil {
		c.fail("package/name", name, "", "%v", err)
		return
	}
	err = c.registry.View(ctx, "", func(files fs.FS) error {
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		for _, e := range index.ParseFile(data).Entries {
			if !strings.EqualFold(e.Name, name) {
				c.fail("package/name", name, "a line belongs to the package whose name it has", "a line of it, version %s, is about %q", e.Vers, e.Name)
			}
		}
		return nil
	})
	if err != nil {
		c.fail("package/name", name, hintOf(err), "%v", err)
		return
	}
	c.pass("package/name")
}

func (c *checker) unique(name string, entries []*index.Entry) {
	var seen []index.Version
	for _, e := range entries {
		v, err := index.ParseVersion(e.Vers)
		if err != nil {
			c.fail("package/readable", name, "", "%v", err)
			continue
		}
		if slices.ContainsFunc(seen, func(w index.Version) bool { return v.Compare(w) == 0 }) {
			c.fail("package/unique", name, "versions that differ after a + alone are the same", "version %s is there twice", e.Vers)
		}
		seen = append(seen, v)
	}
	c.pass("package/unique")
}

func (c *checker) search(ctx context.Context, name string) {
	found, err := c.registry.Search(ctx, client.Query{Text: name, Yanked: true, Guess: true})
	switch {
	case err != nil:
		c.fail("registry/search", name, hintOf(err), "%v", err)
	case !slices.ContainsFunc(found, func(m client.Match) bool { return index.Fold(m.Name) == index.Fold(name) }):
		c.fail("registry/search", name, "a search for a whole name finds the package", "is not found by its name")
	default:
		c.pass("registry/search")
	}
}

func (c *checker) version(config *index.Config, e *index.Entry) {
	where := e.Name + " " + e.Vers
	if isDigest(e.Cksum) {
		c.pass("version/checksum")
	} else {
		c.fail("version/checksum", where, "give the 64 lower-case hex digits of the archive's SHA-256", "%q is no SHA-256", e.Cksum)
	}
	if _, err := config.DownloadURL(e); err != nil {
		c.fail("version/address", where, "give the line a dl, or config.json", "%v", err)
	} else {
		c.pass("version/address")
	}
	ok := true
	for _, d := range e.Deps {
		if err := index.CheckLookupName(d.PackageName()); err != nil {
			ok = false
			c.fail("version/dependencies", where, "", "%v", err)
		}
		if _, err := index.ParseRequirement(d.Req); err != nil {
			ok = false
			c.fail("version/dependencies", where, "", "%s: %v", d.Name, err)
		}
	}
	if ok {
		c.pass("version/dependencies")
	}
}

// stable asks again after an update.
func (c *checker) stable(ctx context.Context, names []string, before map[string][]*index.Entry) {
	if len(before) == 0 {
		return
	}
	if _, err := c.registry.Update(ctx, client.UpdateOptions{}); err != nil {
		c.fail("registry/stable", c.report.URL, hintOf(err), "the second update: %v", err)
		return
	}
	for _, name := range names {
		if before[name] == nil {
			continue
		}
		file, err := c.registry.Package(ctx, name)
		if err != nil {
			c.fail("registry/stable", name, hintOf(err), "%v", err)
			continue
		}
		for _, was := range before[name] {
			at := slices.IndexFunc(file.Entries, func(e *index.Entry) bool { return e.Vers == was.Vers })
			switch {
			case at < 0:
				c.fail("registry/stable", name+" "+was.Vers, "yank a version instead of taking it away", "was there, and is gone after an update")
			case settled(was) != settled(file.Entries[at]):
				c.fail("registry/stable", name+" "+was.Vers, "publish a new version for other bytes", "is not what it was before an update")
			}
		}
	}
	c.pass("registry/stable")
}

// settled is what of a version may never change.
func settled(e *index.Entry) string {
	e = e.Clone()
	e.Yanked, e.Retired = false, nil
	return string(e.AppendLine(nil))
}

func isDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
