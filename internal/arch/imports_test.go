package arch

import (
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which packages of ours each package may import. A package that
// is not in the table is new: decide where it stands and add it.
func allowed() map[string][]string {
	return map[string][]string{
		// The program sees everything.
		"cmd/clyde": {"*"},

		// The two sides, which never meet but in the program.
		"publish":         {"index", "internal/packagefolder", "internal/manifest", "internal/review", "internal/attest", "internal/archive", "internal/git", "internal/forge", "internal/strictyaml", "internal/listing", "internal/terminal", "internal/markdown", "internal/report"},
		"internal/client": {"index", "internal/installer", "internal/plugin", "internal/credential", "internal/fetch", "internal/releaseindex", "internal/packagefolder", "internal/registryapi", "internal/journal", "internal/volume", "internal/osv", "internal/sbom", "internal/staticindex", "internal/history", "internal/spelling", "internal/indexcache", "internal/hook", "internal/external", "internal/manifest", "internal/review", "internal/attest", "internal/resolve", "internal/lockfile", "internal/archive", "internal/git", "internal/strictyaml"},

		// A Sigstore for tests.
		"internal/sigstoretest": {"internal/attest"},
		"internal/sockettest":   {},
		"internal/faultnet":     nil,

		"internal/registry":     {"index", "internal/indexcache", "internal/staticindex", "internal/history", "internal/attest", "internal/git", "internal/review", "internal/strictyaml"},
		"internal/indexbuild":   {"index", "publish", "internal/archive", "internal/git", "internal/manifest", "internal/packagefolder", "internal/registry"},
		"internal/foreign":      {"index", "internal/archive", "internal/manifest"},
		"internal/harvest":      {"index", "publish", "internal/forge", "internal/review"},
		"internal/gate":         {"index", "internal/history", "publish", "internal/forge", "internal/git", "internal/review"},
		"internal/registrytest": {"index", "internal/git", "internal/registry", "publish"},

		// What a host is told, and no other host.
		"internal/credential": {"internal/forge", "internal/process"},

		// Hosts of git repositories: they know their words and no packages.
		"internal/github":  {"internal/forge", "internal/listing"},
		"internal/release": {"internal/forge"},
		"internal/gitea":   {"internal/forge", "internal/git"},

		// Registries that are no index.
		"internal/conformance":   {"index", "internal/archive", "internal/client", "internal/manifest"},
		"internal/releaseindex":  {"index", "internal/archive", "internal/forge", "internal/manifest"},
		"internal/registryapi":   {"index"},
		"internal/packagefolder": {"index", "internal/archive", "internal/manifest", "internal/strictyaml"},

		// Pure judgement over the format.
		"internal/attest":      {"index"},
		"internal/history":     {"index", "internal/attest"},
		"internal/osv":         {"index"},
		"internal/audit":       {"index", "internal/attest", "internal/review"},
		"internal/review":      {"index", "internal/history", "internal/spelling", "internal/attest", "internal/archive", "internal/manifest", "internal/resolve", "internal/strictyaml"},
		"internal/evidence":    {"index", "internal/archive", "internal/attest", "internal/forge", "internal/git", "internal/gitea", "internal/pause", "internal/release", "internal/review"},
		"internal/report":      {"index", "internal/audit", "internal/review", "internal/markdown", "internal/terminal"},
		"internal/resolve":     {"index"},
		"internal/indexcache":  {"index", "internal/listing"},
		"internal/git":         {"internal/inflate", "internal/listing", "internal/process"},
		"internal/staticindex": {"internal/attest", "internal/git", "internal/history"},
		"internal/lockfile":    {"index", "internal/spelling"},
		"internal/manifest":    {"index", "internal/external", "internal/spelling", "internal/strictyaml", "internal/spdx"},

		"internal/markdown": {"internal/terminal"},

		// Programs that others wrote.
		"internal/hook":     {"internal/process"},
		"internal/external": {"index", "internal/process", "internal/spelling", "internal/strictyaml"},

		// The ground: nothing of ours below.
		"internal/process":               nil,
		"action":                         nil,
		"index":                          nil,
		"internal/forge":                 {"internal/pause"},
		"schemas":                        nil,
		"internal/actiontest":            nil,
		"internal/attest/attesttest":     nil,
		"internal/sbom":                  nil,
		"internal/archive":               {"internal/deflate"},
		"internal/deflate":               nil,
		"internal/inflate":               nil,
		"internal/plugin":                nil,
		"internal/installer":             {"internal/archive", "internal/hook", "internal/plugin"},
		"internal/fetch":                 {"internal/pause"},
		"internal/pause":                 nil,
		"internal/spdx":                  nil,
		"internal/spelling":              nil,
		"internal/journal":               nil,
		"internal/listing":               nil,
		"internal/volume":                nil,
		"internal/strictyaml":            {"internal/spelling"},
		"internal/terminal":              nil,
		"internal/markdown/markdowntest": nil,

		// Tests of the whole; no program code imports it.
		"internal/arch": nil,

		// Samples of programs that add to clyde, which stand on their own.
		"examples/clyde-installer-font": nil,
		"examples/clyde-licenses":       nil,

		// What bench/run measures against.
		"bench/fileserver": nil,
		"bench/gitserver":  nil,
		"bench/peak":       nil,
		"bench/universe":   {"index"},
	}
}

func TestImportDirections(t *testing.T) {
	table := allowed()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		if len(p.Files) == 0 {
			continue
		}
		seen[p.Dir] = true
		may, known := table[p.Dir]
		if !known {
			t.Errorf("%s: a package that the table of import directions does not know", p.Dir)
			continue
		}
		for name, file := range p.Files {
			for _, spec := range file.Imports {
				dir, ours := ourPackage(t, spec.Path.Value)
				if ours && !slices.Contains(may, dir) && !slices.Contains(may, "*") {
					t.Errorf("%s imports %s; %s may import of ours: %s", name, dir, p.Dir, strings.Join(may, ", "))
				}
			}
		}
	}
	for dir := range table {
		if !seen[dir] {
			t.Errorf("%s: in the table of import directions and nowhere else", dir)
		}
	}
}

// ourPackage is the folder of an import of ours.
func ourPackage(t *testing.T, quoted string) (dir string, ours bool) {
	t.Helper()
	name, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatal(err)
	}
	return strings.CutPrefix(name, module+"/")
}

// TestTestsImportTheirOwnSide keeps the tests of the ground from reaching up:
// what they need of a higher package belongs into that package's tests.
func TestTestsImportTheirOwnSide(t *testing.T) {
	for _, p := range packages(t) {
		if p.Dir == "cmd/clyde" || p.Dir == "internal/arch" {
			continue
		}
		for name, file := range p.Tests {
			for _, spec := range file.Imports {
				if dir, ours := ourPackage(t, spec.Path.Value); ours && (dir == "cmd/clyde" || dir == "internal/arch") {
					t.Errorf("%s imports %s", name, dir)
				}
			}
		}
	}
}

// TestPurePackages looks through libraries too: the format and the resolver
// must not be able to reach a network or start a process.
func TestPurePackages(t *testing.T) {
	forbidden := func(name string) bool {
		return name == "net" || strings.HasPrefix(name, "net/") && name != "net/url" && name != "net/netip" ||
			name == "os/exec" || name == "plugin" || name == "os/signal"
	}
	for _, dir := range []string{"index", "internal/resolve"} {
		for _, name := range dependencies(t, dir) {
			if forbidden(name) {
				t.Errorf("%s depends on %s", dir, name)
			}
		}
	}
}

// TestProductionDoesNotTest keeps test libraries out of our part of the
// program; what a library of others imports is theirs to decide.
func TestProductionDoesNotTest(t *testing.T) {
	libraries := []string{
		"testing", "github.com/rogpeppe/go-internal", "github.com/google/go-cmp",
		"pgregory.net/rapid", "go.uber.org/goleak", "github.com/stretchr/testify",
	}
	program := dependencies(t, "cmd/clyde")
	for _, p := range packages(t) {
		if !slices.Contains(program, path.Join(module, p.Dir)) {
			continue
		}
		if strings.HasSuffix(strings.TrimSuffix(p.Dir, "/attest"), "test") {
			t.Errorf("%s is made for tests, and the program depends on it", p.Dir)
		}
		for name, file := range p.Files {
			for _, spec := range file.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(libraries, func(l string) bool { return imported == l || strings.HasPrefix(imported, l+"/") }) {
					t.Errorf("%s, a part of the program, imports %s", name, imported)
				}
			}
		}
	}
}

// dependencies lists every package that the one in dir is built from.
func dependencies(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", path.Join(module, dir))
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", dir, err)
	}
	return strings.Fields(string(out))
}
