package lockfile

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// checker finds what is wrong with the meaning of one line.
type checker struct {
	*parser
	line   int
	locked Versions
	alias  map[string]bool // registries of the header
	side   map[string]bool // those whose incompatible versions may be locked side by side
}

func (c *checker) report(field, format string, args ...any) {
	c.problem(c.line, 1, field, fmt.Sprintf(format, args...), hintRestore)
}

func (c *checker) reportMerge(field, format string, args ...any) {
	c.problem(c.line, 1, field, fmt.Sprintf(format, args...), hintMerge)
}

// check looks at the lock as a whole: every value, every reference, and whether
// the locked versions satisfy the requirements written beside them.
func (p *parser) check() {
	c := &checker{parser: p, line: 1, locked: p.lock.Versions(), alias: map[string]bool{}, side: map[string]bool{}}
	c.registries()
	c.names()
	c.line = 1
	for i, r := range p.lock.Requirements {
		c.requirement(fmt.Sprintf("dependencies[%d]", i), r)
	}
	for i, pkg := range p.lock.Packages {
		c.line = p.places[i]
		c.pkg(pkg)
	}
}

func (c *checker) registries() {
	for i, r := range c.lock.Registries {
		field := fmt.Sprintf("registries[%d].", i)
		switch {
		case r.Name == "":
			c.report(field+"name", "the registry has no name")
		case c.alias[r.Name]:
			c.reportMerge(field+"name", "registry %q is there twice", r.Name)
		}
		c.alias[r.Name] = true
		if r.Kind == "" {
			c.report(field+"kind", "the registry has no kind")
		}
		c.registryURL(field+"url", r.URL)
		if r.Verify != "" && !slices.Contains([]string{"off", "warn", "attested", "require"}, r.Verify) {
			c.report(field+"verify", "%q says nothing about signatures", r.Verify)
		}
		if r.Versions != "" && r.Versions != index.CargoVersions {
			c.report(field+"versions", "%q does not say which versions may be locked together", r.Versions)
		}
		c.side[r.Name] = r.Versions != ""
		if r.Commit != "" && !isHex(r.Commit, 40) && !isHex(r.Commit, 64) {
			c.report(field+"commit", "%q is not a commit", r.Commit)
		}
	}
}

// names reports names and versions that are none, and what must not be locked
// together.
func (c *checker) names() {
	lines := map[string][]int{} // positions of the packages, by folded name
	for i, pkg := range c.lock.Packages {
		c.line = c.places[i]
		if err := index.CheckLookupName(pkg.Name); err != nil {
			c.report("name", "%v", err)
		}
		if _, err := index.ParseVersion(pkg.Version); err != nil {
			c.report("version", "%v", err)
		}
		fold := index.Fold(pkg.Name)
		for _, other := range lines[fold] {
			if !c.together(pkg, c.lock.Packages[other]) {
				c.reportMerge("name", "%s is locked twice, first in line %d", pkg.Name, c.places[other])
				break
			}
		}
		lines[fold] = append(lines[fold], i)
	}
}

// together reports whether two versions of a package may be locked side by side.
func (c *checker) together(a, b Package) bool {
	v, errV := index.ParseVersion(a.Version)
	w, errW := index.ParseVersion(b.Version)
	return a.Registry == b.Registry && c.side[a.Registry] && errV == nil && errW == nil && !v.Compatible(w)
}

func (c *checker) pkg(p Package) {
	c.registry("registry", p.Registry)
	c.digest("cksum", p.Cksum)
	c.download("dl", p.DL)
	c.size("size", p.Size)
	seen := map[string]bool{}
	for i, b := range p.Builds {
		field := fmt.Sprintf("builds[%d].", i)
		if _, err := index.ParsePlatform(b.Platform); err != nil {
			c.report(field+"platform", "%v", err)
		}
		if seen[b.Platform] {
			c.report(field+"platform", "there is another build for %s", b.Platform)
		}
		seen[b.Platform] = true
		c.digest(field+"cksum", b.Cksum)
		c.download(field+"dl", b.DL)
		c.size(field+"size", b.Size)
	}
	if v := p.Verification; v != nil {
		if !slices.Contains([]string{"verified", "unattested", "rejected"}, v.Outcome) {
			c.report("verification.outcome", "%q is no outcome", v.Outcome)
		}
		if v.Bundle != "" {
			c.digest("verification.bundle", v.Bundle)
		}
	}
	if field, fault := index.CheckHooks(p.IndexHooks()); field != "" {
		c.report(field, "%s", fault)
	}
	for i, d := range p.Dependencies {
		field := fmt.Sprintf("dependencies[%d].", i)
		c.needs(field, d.Name, d.Req, d.Version)
		c.target(field, d.Target)
		if d.Kind != "" && d.Kind != index.KindNormal && d.Kind != index.KindBuild {
			c.report(field+"kind", `%q is not a kind; "build" and none are`, d.Kind)
		}
	}
}

func (c *checker) requirement(field string, r Requirement) {
	field += "."
	if r.Name == "" {
		c.report(field+"name", "the dependency has no name")
		return
	}
	c.registry(field+"registry", r.Registry)
	c.needs(field, r.PackageName(), r.Req, r.Version)
	c.target(field, r.Target)
	switch r.Kind {
	case "", index.KindNormal, index.KindDev, index.KindBuild:
	default:
		c.report(field+"kind", `%q is not a kind; "dev", "build" and none are`, r.Kind)
	}
}

// needs reports a dependency that the locked packages do not satisfy.
func (c *checker) needs(field, name, text, version string) {
	if _, err := index.ParseRequirement(text); err != nil {
		c.report(field+"req", "%v", err)
		return
	}
	locked := c.locked.Of(name)
	admitted := c.locked.Admitted(name, text, version)
	switch {
	case len(locked) == 0:
		c.reportMerge(field+"name", "%s is needed here but not locked", name)
	case len(admitted) == 0 && version != "":
		c.reportMerge(field+"version", "%s %s is needed here but locked at %s", name, version, listVersions(locked))
	case len(admitted) == 0:
		c.reportMerge(field+"req", "%s %s is needed here but locked at %s", name, text, listVersions(locked))
	case len(admitted) > 1:
		c.reportMerge(field+"version", "%s %s is needed here, which is locked at %s: one of them must be named", name, text, listVersions(admitted))
	}
}

func listVersions(packages []*Package) string {
	versions := make([]string, len(packages))
	for i, p := range packages {
		versions[i] = p.Version
	}
	return strings.Join(versions, " and ")
}

func (c *checker) target(field, target string) {
	if _, err := index.TargetMatches(target, index.Platform{}); err != nil {
		c.report(field+"target", "%v", err)
	}
}

func (c *checker) registry(field, alias string) {
	if !c.alias[alias] {
		c.reportMerge(field, "registry %q is not in the header", alias)
	}
}

func (c *checker) digest(field, digest string) {
	if !isHex(digest, 64) {
		c.report(field, "%q is not a SHA-256 digest: 64 lower-case hexadecimal digits", digest)
	}
}

func (c *checker) size(field string, size int64) {
	if size < 0 {
		c.report(field, "%d is not a size", size)
	}
}

// registryURL reports a registry without a place, or with credentials, which
// never belong in a lock. Git has forms that are no URL, so these pass.
func (c *checker) registryURL(field, text string) {
	if text == "" {
		c.report(field, "the registry has no URL")
	}
	if u, err := url.Parse(text); err == nil {
		c.credentials(field, u)
	}
}

// download reports the place of an archive that is no absolute URL. It may be
// absent: then the registry's configuration decides.
func (c *checker) download(field, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		c.report(field, "%q is not an absolute URL", text)
		return
	}
	c.credentials(field, u)
}

// credentials reports a password, and a user name where it may be a token.
func (c *checker) credentials(field string, u *url.URL) {
	if u.User == nil {
		return
	}
	if _, secret := u.User.Password(); secret || u.Scheme == "https" || u.Scheme == "http" {
		c.report(field, "the URL holds credentials")
	}
}

func isHex(s string, length int) bool {
	if len(s) != length || s != strings.ToLower(s) {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}
