package client

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

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

// mirrored is where the registry at a location is asked.
func (c *Config) mirrored(location Location) (Location, error) {
	address := location.CloneURL()
	if location.URL == nil {
		address = "file://" + rootedSlash(location.Path)
	}
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
