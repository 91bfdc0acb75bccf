package manifest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// An External is a package of another package manager that has to be there
// before this one.
type External struct {
	external.Requirement
	Line, Column int
}

// ownManager begins the name of a package manager that clyde does not know.
// Whoever installs the package has a driver of their own for it.
const ownManager = "x-"

func parseExternals(v strictyaml.Value) []External {
	var externals []External
	var seen []string
	items := v.List()
	if len(items) > maxExternals {
		v.Report("", "has %d items; the limit is %d", len(items), maxExternals)
		items = items[:maxExternals]
	}
	for _, item := range items {
		r, ok := parseExternal(item)
		if !ok {
			continue
		}
		if slices.Contains(seen, r.String()) {
			item.Report("remove it", "is already in the list")
		}
		e := External{Requirement: r}
		e.Line, e.Column = item.Position()
		seen, externals = append(seen, r.String()), append(externals, e)
	}
	return externals
}

func parseExternal(v strictyaml.Value) (external.Requirement, bool) {
	if entry, ok := onlyEntry(v); ok && entry.Value.IsScalar() && entry.Name != "package" {
		v.Report("write "+strconv.Quote(entry.Name+":"+entry.Value.Written())+", without a blank behind the colon", "is a mapping, not text")
		return external.Requirement{}, false
	}
	var platforms []index.Platform
	if v.IsMapping() {
		m := v.Mapping("package", "platforms")
		platforms = slices.DeleteFunc(parsePlatforms(m.Get("platforms")), func(p index.Platform) bool { return p == index.Platform{} })
		v = m.Require("package", `add package: "apt:libfoo-dev"`)
	}
	text := line(v, maxExternal)
	if text == "" {
		return external.Requirement{}, false
	}
	r, err := external.ParseRequirement(text)
	tool, _, named := strings.Cut(text, ":")
	switch {
	case named && !slices.Contains(external.Tools(), tool) && !strings.HasPrefix(tool, ownManager):
		v.Report(managerHint(tool), "%q is not a known package manager", tool)
	case err != nil:
		report(v, err)
	case len(r.Platforms) > 0:
		v.Report("write {package: ..., platforms: [...]}", "%q has platforms in its text", text)
	default:
		r.Platforms = platforms
		return r, true
	}
	return external.Requirement{}, false
}

func managerHint(tool string) string {
	if near := external.NearTool(tool); near != "" {
		return `did you mean "` + near + `"?`
	}
	return "the package managers are " + strings.Join(external.Tools(), ", ") + "; one of your own drivers is " + ownManager + "NAME"
}

// onlyEntry returns the entry of a mapping that has just one.
func onlyEntry(v strictyaml.Value) (strictyaml.Entry, bool) {
	if !v.IsMapping() || len(v.Entries()) != 1 {
		return strictyaml.Entry{}, false
	}
	return v.Entries()[0], true
}
