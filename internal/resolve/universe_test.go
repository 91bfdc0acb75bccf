package resolve_test

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// world is a Source in memory. Tests write it as text, one version a line:
//
//	name version [yanked] [links=lib] [+feature=value,value]... [: dependency; dependency...]
//
// where a dependency is
//
//	name requirement [optional] [nodefault] [features=a,b] [registry=url] [package=real] [kind=k] [target=t]
//
// and a requirement has no spaces.
type world struct {
	entries map[resolve.Package][]*index.Entry
	aliases map[string]string // registry URL → alias
	asked   int
}

func newWorld() *world {
	return &world{entries: map[resolve.Package][]*index.Entry{}, aliases: map[string]string{}}
}

func (w *world) Versions(_ context.Context, p resolve.Package) (*index.Releases, error) {
	w.asked++
	entries, ok := w.entries[resolve.Package{Registry: p.Registry, Name: strings.ToLower(p.Name)}]
	if !ok {
		return nil, fmt.Errorf("package %s: %w", p.Name, resolve.ErrNotFound)
	}
	return index.ReleasesOf(entries), nil
}

func (w *world) Locate(_ context.Context, _ resolve.Package, registry string) (string, error) {
	alias, ok := w.aliases[registry]
	if !ok {
		return "", fmt.Errorf("registry %s: %w", registry, resolve.ErrNotFound)
	}
	return alias, nil
}

func (w *world) add(registry string, e *index.Entry) {
	p := resolve.Package{Registry: registry, Name: strings.ToLower(e.Name)}
	w.entries[p] = append(w.entries[p], e)
}

// load adds the versions written in text to a registry, whose URL is
// "https://ALIAS.example.org".
func (w *world) load(t testing.TB, registry, text string) {
	t.Helper()
	w.aliases["https://"+registry+".example.org"] = registry
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		w.add(registry, parseEntry(t, line))
	}
}

func parseEntry(t testing.TB, line string) *index.Entry {
	t.Helper()
	head, deps, _ := strings.Cut(line, " : ")
	fields := strings.Fields(strings.TrimSuffix(head, " :"))
	if len(fields) < 2 {
		t.Fatalf("bad line %q", line)
	}
	e := &index.Entry{Name: fields[0], Vers: fields[1], V: 1, Features: map[string][]string{}}
	for _, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		switch {
		case f == "yanked":
			e.Yanked = true
		case key == "links":
			e.Links = value
		case strings.HasPrefix(key, "+"):
			e.Features[key[1:]] = splitList(value)
		default:
			t.Fatalf("bad word %q in %q", f, line)
		}
	}
	for text := range strings.SplitSeq(deps, ";") {
		if strings.TrimSpace(text) != "" {
			e.Deps = append(e.Deps, parseDependency(t, text))
		}
	}
	return e
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func parseDependency(t testing.TB, text string) index.Dependency {
	t.Helper()
	fields := strings.Fields(text)
	if len(fields) < 2 {
		t.Fatalf("bad dependency %q", text)
	}
	d := index.Dependency{Name: fields[0], Req: fields[1], DefaultFeatures: true, Kind: index.KindNormal}
	for _, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		switch key {
		case "optional":
			d.Optional = true
		case "nodefault":
			d.DefaultFeatures = false
		case "features":
			d.Features = splitList(value)
		case "registry":
			d.Registry = value
		case "package":
			d.Package = value
		case "kind":
			d.Kind = value
		case "target":
			d.Target = value
		default:
			t.Fatalf("bad word %q in %q", f, text)
		}
	}
	return d
}

// rootDependency turns a dependency as a line has it into one of the root; its
// registry is an alias here, "main" if absent.
func rootDependency(t testing.TB, text string) resolve.Dependency {
	t.Helper()
	d := parseDependency(t, text)
	req, err := index.ParseRequirement(d.Req)
	if err != nil {
		t.Fatal(err)
	}
	if d.Registry == "" {
		d.Registry = "main"
	}
	return resolve.Dependency{
		Package: resolve.Package{Registry: d.Registry, Name: d.PackageName()}, Alias: d.Name,
		Req: req, Features: d.Features, DefaultFeatures: d.DefaultFeatures,
		Optional: d.Optional, Kind: d.Kind, Target: d.Target,
	}
}

// rootOptions reads what a root asks for, one thing a line: a dependency, or
// "lock P V...", "update P", "update-all", "precise P V", "feature F=value,value".
func rootOptions(t testing.TB, text string) resolve.Options {
	t.Helper()
	opts := resolve.Options{
		Root: "app", Locked: map[resolve.Package][]string{}, Update: map[resolve.Package]bool{},
		Precise: map[resolve.Package]string{}, Features: map[string][]string{},
	}
	for line := range strings.SplitSeq(text, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "#":
		case f[0] == "lock":
			opts.Locked[resolve.Package{Registry: "main", Name: f[1]}] = f[2:]
		case f[0] == "update":
			opts.Update[resolve.Package{Registry: "main", Name: f[1]}] = true
		case f[0] == "update-all":
			opts.UpdateAll = true
		case f[0] == "precise":
			opts.Precise[resolve.Package{Registry: "main", Name: f[1]}] = f[2]
		case f[0] == "feature":
			name, values, _ := strings.Cut(f[1], "=")
			opts.Features[name] = splitList(values)
		default:
			opts.Dependencies = append(opts.Dependencies, rootDependency(t, line))
		}
	}
	return opts
}

// brief writes a solution as "a 1.0.0 [feat], b 2.0.0".
func brief(sol *resolve.Solution) string {
	var parts []string
	for _, p := range sol.Packages {
		s := p.Package.Name + " " + p.Entry.Vers
		if len(p.Features) > 0 {
			s += " " + fmt.Sprint(p.Features)
		}
		parts = append(parts, s)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
