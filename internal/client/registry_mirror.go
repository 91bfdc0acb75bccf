package client

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Mirror says that what lies below one URL is asked for below another: the
// files of registries, and archives. Names and locks keep the URL that is
// written, and what a mirror gives is held against the same digests and
// histories.
type Mirror struct {
	From, To string
	Origin   Origin
}

// Mirrors are rules, strongest first.
type Mirrors []Mirror

// maxMirrors bounds the rules of one file.
const maxMirrors = 100

// Substitute is the URL that is asked in place of one. Of several rules that
// fit the one with the longest path counts, and of equal ones the first. A rule
// fits whole elements of the path: that for ".../a" has no say about ".../ab".
func (m Mirrors) Substitute(address string) string {
	if len(m) == 0 {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	best, longest := address, -1
	for _, rule := range m {
		from, err := url.Parse(rule.From)
		if err != nil || !sameHost(u, from) {
			continue
		}
		rest, ok := below(u.EscapedPath(), from.EscapedPath())
		if !ok || len(from.EscapedPath()) <= longest {
			continue
		}
		longest = len(from.EscapedPath())
		best = strings.TrimSuffix(rule.To, "/") + rest
		if u.RawQuery != "" && !strings.HasPrefix(rule.To, "file:") {
			best += "?" + u.RawQuery
		}
	}
	return best
}

// substitute is Substitute for a URL that was taken apart.
func (m Mirrors) substitute(u *url.URL) (*url.URL, error) {
	if len(m) == 0 {
		return u, nil
	}
	return url.Parse(m.Substitute(u.String()))
}

// below is what a path has beyond a prefix of whole elements.
func below(path, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, strings.TrimSuffix(prefix, "/"))
	return rest, ok && (rest == "" || rest[0] == '/')
}

func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && hostOf(a) == hostOf(b)
}

// hostOf is host and port in lower case, without the port that goes without
// saying.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if h, port, err := net.SplitHostPort(host); err == nil && port == defaultPorts()[strings.ToLower(u.Scheme)] {
		return h
	}
	return host
}

// parseMirrors reads the member "mirrors" of a configuration file. A target
// that is a path is relative to base.
func parseMirrors(v strictyaml.Value, origin Origin, base string) (all Mirrors) {
	items := v.List()
	if len(items) > maxMirrors {
		v.Report("", "has %d entries; the limit is %d", len(items), maxMirrors)
		return nil
	}
	for _, item := range items {
		m := item.Mapping("from", "to")
		rule := Mirror{Origin: origin}
		rule.Origin.Line, _ = item.Position()
		from := m.Require("from", "write from: the URL that registries and locks have")
		if from.Present() {
			rule.From = mirrorURL(from, false, base)
		}
		to := m.Require("to", "write to: the URL or folder that is asked instead")
		if to.Present() {
			rule.To = mirrorURL(to, true, base)
		}
		for _, earlier := range all {
			if rule.From != "" && rule.From == earlier.From {
				item.Report("keep one of them", "%s has a mirror on line %d already", rule.From, earlier.Origin.Line)
			}
		}
		all = append(all, rule)
	}
	return all
}

// mirrorURL reads one side of a rule; a target may be a folder.
func mirrorURL(v strictyaml.Value, target bool, base string) string {
	text := v.Text()
	if text == "" {
		return ""
	}
	location, err := ParseLocation(text, base)
	switch {
	case err != nil:
		v.Report(hintOf(err), "%v", err)
		return ""
	case location.Sparse:
		v.Report("leave out the sparse+ before it", "%q is the address of a registry, and a URL is wanted", text)
		return ""
	case location.URL != nil && (location.URL.RawQuery != "" || location.URL.Fragment != ""):
		v.Report("write what all the URLs begin with", "%q has a query or a fragment", text)
		return ""
	case location.URL != nil:
		return location.URL.String()
	case !target && !strings.HasPrefix(text, "file://"):
		v.Report("write a URL such as https://packages.example.org/", "%q is no URL", text)
		return ""
	}
	return "file://" + rootedSlash(location.Path)
}

// rootedSlash is an absolute path as it stands in a URL.
func rootedSlash(path string) string {
	escaped := (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	if !strings.HasPrefix(escaped, "/") {
		return "/" + escaped // a Windows drive
	}
	return escaped
}

// addressFor is the URL of a location that rules of mirrors are held against.
func addressFor(location Location) string {
	if location.URL == nil {
		return "file://" + rootedSlash(location.Path)
	}
	return location.CloneURL()
}

// concerns reports whether the rule has a say about what lies at a URL or below it.
func (m Mirror) concerns(address string) bool {
	from, err := url.Parse(m.From)
	if err != nil {
		return false
	}
	u, err := url.Parse(address)
	if err != nil || !sameHost(u, from) {
		return false
	}
	_, covers := below(u.EscapedPath(), from.EscapedPath())
	_, within := below(from.EscapedPath(), u.EscapedPath())
	return covers || within
}

// redirected are the mirrors of a project that would have a registry asked
// elsewhere for which somebody else has written that it has names of its own, or
// that its signatures count: what was said of one place would hold for another.
func (c *Config) redirected() (problems strictyaml.Problems) {
	for _, rule := range c.Mirrors {
		if rule.Origin.Scope != ScopeProject || rule.From == "" {
			continue
		}
		for _, r := range c.entries {
			if r.Origin.Scope == ScopeProject || len(r.Claims) == 0 && (r.Verify == "" || r.Verify == attest.Off) {
				continue
			}
			location, err := ParseLocation(r.URL, "/")
			if err != nil || !rule.concerns(addressFor(location)) {
				continue
			}
			demand := "claims names"
			if len(r.Claims) == 0 {
				demand = "has to be verified"
			}
			problems = append(problems, strictyaml.Problem{
				File: rule.Origin.File, Line: rule.Origin.Line, Column: 1, Field: "mirrors",
				Detail: fmt.Sprintf("the mirror of %s would redirect the registry %q, which %s (%s)", rule.From, r.Name, demand, r.Origin),
				Hint:   "leave it out here; in your own configuration it counts",
			})
			break
		}
	}
	return problems
}

// mirrored is where the registry at a location is asked.
func (c *Config) mirrored(location Location) (Location, error) {
	address := addressFor(location)
	instead := c.Mirrors.Substitute(address)
	if instead == address {
		return location, nil
	}
	there, err := ParseLocation(instead, "/")
	if err != nil {
		return location, fmt.Errorf("mirror of %s: %w", location, err)
	}
	there.Sparse = location.Sparse
	return there, nil
}
