//go:build unix

package external_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
)

// A bench has fake package managers on PATH and a world that they share.
type bench struct {
	t       *testing.T
	dir     string
	prefix  string
	drivers *external.Drivers
}

func newBench(t *testing.T, w world, tools ...string) *bench {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t, t.TempDir(), filepath.Join(t.TempDir(), "external"), external.Builtin()}
	if tools == nil {
		for name := range fakes() {
			tools = append(tools, name)
		}
	}
	for _, name := range tools {
		if err := os.Symlink(program, filepath.Join(b.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if w.Installed == nil {
		w.Installed = map[string]map[string]string{}
	}
	for place, installed := range w.Installed {
		if tool, ok := strings.CutPrefix(place, "prefix/"); ok { // made by an earlier run
			delete(w.Installed, place)
			w.Installed[filepath.Join(b.prefix, tool)] = installed
			b.makePrefix(tool)
		}
	}
	b.write(w)
	t.Setenv("PATH", b.dir)
	t.Setenv("CLYDE_CANARY", "secret")
	return b
}

func (b *bench) makePrefix(tool string) {
	b.t.Helper()
	folder := filepath.Join(b.prefix, tool)
	if tool == "pip" {
		makeVenv(folder, b.dir)
	}
	if err := os.MkdirAll(filepath.Join(folder, "conda-meta"), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(w world) {
	b.t.Helper()
	data, err := json.Marshal(w)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.dir, "world.json"), data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// world is what the tools have now. A command that they do not know fails the
// test.
func (b *bench) world() world {
	b.t.Helper()
	var w world
	data, err := os.ReadFile(filepath.Join(b.dir, "world.json"))
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for _, line := range w.Log {
		if strings.HasPrefix(line, "UNEXPECTED") {
			b.t.Error(line)
		}
	}
	for place, installed := range w.Installed {
		if len(installed) == 0 {
			delete(w.Installed, place)
		}
	}
	return w
}

func (b *bench) where() external.Where {
	return external.Where{Prefix: b.prefix, Platform: index.Platform{OS: "linux", Arch: "x86_64"}}
}

func (b *bench) plan(texts ...string) ([]external.Step, []*external.Problem) {
	b.t.Helper()
	var requirements []external.Requirement
	for _, text := range texts {
		r, err := external.ParseRequirement(text)
		if err != nil {
			b.t.Fatal(err)
		}
		requirements = append(requirements, r)
	}
	steps, problems, err := b.drivers.Plan(context.Background(), requirements, b.where())
	if err != nil {
		b.t.Fatal(err)
	}
	return steps, problems
}

func installed(pairs ...string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, pair := range pairs {
		place, rest, _ := strings.Cut(pair, ":")
		name, version, _ := strings.Cut(rest, "=")
		if all[place] == nil {
			all[place] = map[string]string{}
		}
		if name != "" {
			all[place][name] = version
		}
	}
	return all
}

// What is planned is done, what is done is listed, and what is undone leaves the
// world as it was.
func TestSteps(t *testing.T) {
	offers := map[string][]string{
		"apt:hello": {"2.10", "2.9"}, "apt:libdep": {"1.0"},
		"npm:is-odd": {"3.0.1", "2.0.0"}, "npm:is-number": {"6.0.0"},
		"pip:six": {"1.17.0", "1.10.0"}, "pip:dep": {"2.0"},
		"conda:numpy": {"2.1", "1.26"}, "conda:blas": {"1.0"},
		"brew:wget": {"1.25"}, "brew:libidn2": {"2.3"}, "brew:openssl@3": {"3.3"},
		"rpm:openssl-devel": {"3.2"},
	}
	needs := map[string][]string{
		"apt:hello": {"libdep"}, "npm:is-odd": {"is-number"}, "pip:six": {"dep"}, "conda:numpy": {"blas"}, "brew:wget": {"libidn2", "openssl@3"},
	}
	tests := []struct {
		name, requirement string
		before            map[string]map[string]string
		candidate         string
		added, changed    string
		commands          string // the last one
		note              string
		after             map[string]map[string]string // undone, if not the same as before
	}{
		{name: "apt", requirement: "apt:hello", candidate: "2.10", added: "libdep 1.0, hello 2.10", commands: "apt-get install --yes --quiet --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120 -- hello=2.10"},
		{name: "apt, a dependency is there", requirement: "apt:hello", before: installed("apt:libdep=1.0"), candidate: "2.10", added: "hello 2.10"},
		{name: "apt, not the preferred", requirement: "apt:hello<<2.10", candidate: "2.9", added: "libdep 1.0, hello 2.9"},
		{
			name: "apt, too old", requirement: "apt:hello>=2.10", before: installed("apt:hello=2.9"), candidate: "2.10", added: "libdep 1.0", changed: "hello 2.9",
			note: "hello moves to other versions (apt), which cannot be taken back", after: installed("apt:hello=2.10"),
		},
		{name: "npm, no folder", requirement: "npm:is-odd@^2", candidate: "2.0.0", added: "is-number 6.0.0, is-odd 2.0.0"},
		{name: "npm", requirement: "npm:is-odd", before: installed("prefix/npm:other=1.0.0"), candidate: "3.0.1", added: "is-number 6.0.0, is-odd 3.0.1"},
		{name: "npm, too old", requirement: "npm:is-odd@^3", before: installed("prefix/npm:is-odd=2.0.0", "prefix/npm:is-number=6.0.0"), candidate: "3.0.1", changed: "is-odd 2.0.0"},
		{name: "pip, no folder", requirement: "pip:six>=1.10,<1.17", candidate: "1.10.0", added: "six 1.10.0"},
		{name: "pip", requirement: "pip:six", before: installed("prefix/pip:other=1.0"), candidate: "1.17.0", added: "DEP 2.0, SIX 1.17.0"},
		{name: "pip, too old", requirement: "pip:six>=1.11", before: installed("prefix/pip:six=1.10.0"), candidate: "1.17.0", added: "DEP 2.0", changed: "six 1.10.0"},
		{name: "conda, no folder", requirement: "conda:conda-forge::numpy<2", added: "numpy"},
		{name: "conda", requirement: "conda:numpy<2", before: installed("prefix/conda:other=1.0"), candidate: "1.26", added: "blas 1.0, numpy 1.26", commands: "conda install --yes --quiet --prefix PREFIX/conda numpy=1.26"},
		{name: "conda, too old", requirement: "conda:numpy>=2", before: installed("prefix/conda:numpy=1.26", "prefix/conda:blas=1.0"), candidate: "2.1", changed: "numpy 1.26"},
		{name: "brew", requirement: "brew:wget", before: installed("brew:openssl@3=3.3"), candidate: "1.25", added: "wget, libidn2", commands: "brew install --formula --quiet wget"},
		{name: "docker", requirement: "docker:postgres:17", added: "postgres:17", commands: "docker image pull --quiet postgres:17"},
		{name: "own", requirement: "x-dnf:openssl-devel>=3", candidate: "3.2", added: "openssl-devel 3.2", commands: "dnf install --assumeyes openssl-devel-3.2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, world{Offers: offers, Needs: needs, Installed: test.before})
			b.documented()
			before := b.world().Installed
			steps, problems := b.plan(test.requirement)
			if len(problems) > 0 {
				t.Fatal(problems[0])
			}
			s := steps[0]
			got := []string{s.Candidate, packages(s.Added), packages(s.Changed), s.Note}
			if diff := cmp.Diff([]string{test.candidate, test.added, test.changed, test.note}, got); diff != "" {
				t.Errorf("step (-want +got):\n%s", diff)
			}
			if last := strings.ReplaceAll(strings.Join(s.Install[len(s.Install)-1], " "), b.prefix, "PREFIX"); test.commands != "" && !strings.HasSuffix(last, test.commands) {
				t.Errorf("command %s", last)
			}
			if diff := cmp.Diff(before, b.world().Installed); diff != "" {
				t.Errorf("the plan has changed something:\n%s", diff)
			}
			s = b.carryOut(s)
			if again, problems := b.plan(test.requirement); len(problems) > 0 || !again[0].Present {
				t.Errorf("installed, and yet %v %+v", problems, again)
			}
			want := test.before
			if test.after != nil {
				want = test.after
			}
			b.undo(s, want)
		})
	}
}

// documented adds the driver of the documentation.
func (b *bench) documented() {
	b.t.Helper()
	var err error
	if b.drivers, err = b.drivers.With("drivers.yaml", documentedDriver(b.t)); err != nil {
		b.t.Fatal(err)
	}
}

// carryOut installs a step, and gives it back as a later process reads it.
func (b *bench) carryOut(s external.Step) external.Step {
	b.t.Helper()
	var out strings.Builder
	if err := b.drivers.Install(context.Background(), s, &out); err != nil {
		b.t.Fatalf("%v\n%s", err, &out)
	}
	var read external.Step
	data, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(data, &read)
	}
	if diff := cmp.Diff(s, read); err != nil || diff != "" {
		b.t.Fatalf("%v %s", err, diff)
	}
	return read
}

// undo undoes a step twice. Afterwards the world has what is wanted.
func (b *bench) undo(s external.Step, want map[string]map[string]string) {
	b.t.Helper()
	places := map[string]map[string]string{}
	for place, packages := range want {
		if len(packages) > 0 {
			places[place] = packages
		}
	}
	for range 2 {
		var out strings.Builder
		if err := b.drivers.Undo(context.Background(), s, &out); err != nil {
			b.t.Fatalf("%v\n%s", err, &out)
		}
		now := b.world().Installed
		if s.NewPrefix {
			delete(now, s.Prefix) // the folder is gone, whatever the fake remembers
			if _, err := os.Lstat(s.Prefix); !errors.Is(err, os.ErrNotExist) {
				b.t.Errorf("%s is there: %v", s.Prefix, err)
			}
		}
		if diff := cmp.Diff(places, now); diff != "" {
			b.t.Errorf("undone (-want +got):\n%s", diff)
		}
	}
}

func packages(all []external.Package) string {
	var texts []string
	for _, p := range all {
		texts = append(texts, strings.TrimSpace(p.Name+" "+p.Version))
	}
	return strings.Join(texts, ", ")
}

// What is there and will do is left alone.
func TestPresent(t *testing.T) {
	tests := []struct {
		requirement string
		before      map[string]map[string]string
		have        string
	}{
		{"apt:hello>=2", installed("apt:hello=2.10"), "2.10"},
		{"npm:is-odd@^3", installed("prefix/npm:is-odd=3.0.1"), "3.0.1"},
		{"pip:Six>=1.10", installed("prefix/pip:six=1.17.0"), "1.17.0"},
		{"conda:numpy>=1,<3", installed("prefix/conda:numpy=2.1"), "2.1"},
		{"brew:owner/tap/wget", installed("brew:wget=1.25"), "1.25"},
		{"docker:postgres:17", map[string]map[string]string{"docker": {"postgres:17": "1"}}, "0123456789ab"},
		{"generic:zlib>=1.2", installed("pkg-config:zlib=1.3.1"), "1.3.1"},
		{"generic:npm>=1", nil, ""},
	}
	for _, test := range tests {
		t.Run(strings.ReplaceAll(test.requirement, "/", " "), func(t *testing.T) {
			b := newBench(t, world{Installed: test.before})
			steps, problems := b.plan(test.requirement)
			if len(problems) > 0 || !steps[0].Present || steps[0].Needed() || steps[0].Have != test.have || len(steps[0].Install) > 0 {
				t.Errorf("%v %+v", problems, steps)
			}
			b.world()
		})
	}
}

// What cannot be had is told before anything is changed, and all at once.
func TestProblems(t *testing.T) {
	tests := []struct {
		name, requirement, want string
		world                   world
		tools                   []string
	}{
		{name: "unknown manager", requirement: "deb:hello", want: `there is no driver for the package manager "deb"`},
		{name: "no apt", requirement: "apt:hello", tools: []string{"dpkg"}, want: "apt is not here: no apt-get, apt-cache, dpkg-query on PATH"},
		{name: "unknown to apt", requirement: "apt:hello", want: `apt knows no package "hello"`},
		{name: "no version of apt", requirement: "apt:hello>=3", world: world{Offers: map[string][]string{"apt:hello": {"2.10", "2.9"}}}, want: "apt offers 2.10, 2.9, and none is >=3"},
		{
			name: "apt would remove", requirement: "apt:hello", want: "apt would remove goodbye for it",
			world: world{Offers: map[string][]string{"apt:hello": {"2.10"}}, Removes: map[string]string{"apt:hello": "goodbye"}},
		},
		{name: "no version of npm", requirement: "npm:is-odd@^9", world: world{Offers: map[string][]string{"npm:is-odd": {"3.0.1"}}}, want: "No matching version found for is-odd@^9."},
		{name: "no version of pip", requirement: "pip:six>=9", world: world{Offers: map[string][]string{"pip:six": {"1.17.0"}}}, want: "No matching distribution found for six>=9"},
		{name: "unknown to brew", requirement: "brew:wget", want: `No available formula with the name "wget".`},
		{name: "docker does not run", requirement: "docker:postgres", world: world{Fails: map[string]int{"docker version": 1}}, want: "docker cannot be used now: docker version --format {{.Server.Version}}: exit status 1"},
		{name: "by hand", requirement: "generic:nothing", want: "it is not here, and clyde does not install it"},
		{name: "too old by hand", requirement: "generic:zlib>=1.4", world: world{Installed: installed("pkg-config:zlib=1.3.1")}, want: "version 1.3.1 is here, which is not >=1.4"},
		{name: "an answer like an option", requirement: "apt:hello", world: world{Offers: map[string][]string{"apt:hello": {"--x"}}}, want: `answers the package "" "--x", which is none`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, test.world, test.tools...)
			steps, problems := b.plan(test.requirement, "brew:x; macos-aarch64")
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want) {
				t.Fatalf("problems %v, want %s", problems, test.want)
			}
			if len(steps) != 1 || steps[0].Skipped != "it is not needed on linux-x86_64" {
				t.Errorf("steps %+v", steps)
			}
			b.world()
		})
	}
}

func TestSkipped(t *testing.T) {
	b := newBench(t, world{}, "npm")
	linux, mac := index.Platform{OS: "linux", Arch: "x86_64"}, index.Platform{OS: "macos", Arch: "aarch64"}
	for _, test := range []struct {
		tool, want string
		where      external.Where
		elsewhere  bool
	}{
		{"apt", "apt is not used on macos-aarch64", external.Where{Platform: mac}, true},
		{"apt", "apt is not used on macos-aarch64", external.Where{Platform: mac, Only: []string{"npm"}}, true},
		{"apt", "apt is not among the package managers to use", external.Where{Platform: linux, Only: []string{"npm"}}, false},
		{"x-unknown", "x-unknown is not among the package managers to use", external.Where{Platform: linux, Only: []string{"npm"}}, false},
	} {
		r := external.Requirement{Tool: test.tool, Name: "hello"}
		steps, problems, err := b.drivers.Plan(context.Background(), []external.Requirement{r}, test.where)
		if err != nil || len(problems) > 0 || steps[0].Skipped != test.want || steps[0].Elsewhere != test.elsewhere || steps[0].Needed() {
			t.Errorf("%v %v %+v, want %s", err, problems, steps, test.want)
		}
		if err := b.drivers.Install(context.Background(), steps[0], nil); err != nil {
			t.Error(err)
		}
	}
}

// A part of a step that was done is undone, and nothing that was there before.
func TestPartOfAStep(t *testing.T) {
	before := installed("apt:libdep=1.0")
	b := newBench(t, world{
		Offers: map[string][]string{"apt:hello": {"2.10"}, "apt:libdep": {"1.0"}, "apt:libnew": {"1"}}, Needs: map[string][]string{"apt:hello": {"libdep", "libnew"}},
		Installed: before, Fails: map[string]int{"apt-get install --yes": 100},
	})
	steps, problems := b.plan("apt:hello")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var out strings.Builder
	err := b.drivers.Install(context.Background(), steps[0], &out)
	var failed *external.CommandError
	if !errors.As(err, &failed) || failed.How != "exit status 100" || !strings.HasSuffix(err.Error(), "E: apt-get install --yes fails") {
		t.Errorf("error %v", err)
	}
	w := b.world()
	w.Installed["apt"]["libnew"] = "1" // what came before it failed
	b.write(w)
	b.undo(steps[0], before)
	log := b.world().Log
	if !slices.Contains(log, "apt-get remove --yes --quiet -o DPkg::Lock::Timeout=120 -- libnew") {
		t.Errorf("log %q", log)
	}
}

// A manager that ends well and has not installed anything is found out.
func TestNotInstalledAfterAll(t *testing.T) {
	b := newBench(t, world{Offers: map[string][]string{"brew:wget": {"1.25"}}})
	steps, _ := b.plan("brew:wget")
	steps[0].Install = [][]string{{"brew", "list", "--formula", "--versions"}}
	err := b.drivers.Install(context.Background(), steps[0], new(strings.Builder))
	if err == nil || err.Error() != "brew:wget: brew ended well, and yet it does not list the package" {
		t.Errorf("error %v", err)
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	b := newBench(t, world{Sleeps: "npm"})
	var err error
	b.drivers, err = b.drivers.With("d.yaml", []byte(`drivers: {npm: {timeout: 1s, installed: {run: [npm, ls, "{name}"], lines: "^(?P<version>x)$"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	_, problems := b.plan("npm:is-odd")
	if len(problems) != 1 || !strings.Contains(problems[0].Detail, "npm ls is-odd: was ended after 1s") {
		t.Errorf("problems %v", problems)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, _, err = b.drivers.Plan(ctx, []external.Requirement{{Tool: "npm", Name: "is-odd"}}, b.where())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// A step that was tampered with takes nothing away that no driver would.
func TestForgedStep(t *testing.T) {
	b := newBench(t, world{Installed: installed("apt:sudo=1")})
	for name, s := range map[string]external.Step{
		"option":    {Added: []external.Package{{Name: "--purge"}}},
		"nothing":   {Added: []external.Package{{}}},
		"folder":    {NewPrefix: true, Prefix: b.dir},
		"no driver": {Driver: "none"},
	} {
		s.Requirement = external.Requirement{Tool: "apt", Name: "hello"}
		if s.Driver == "" {
			s.Driver = "apt"
		}
		s.Undo = [][]string{{"touch", filepath.Join(b.dir, "touched")}}
		if err := b.drivers.Undo(context.Background(), s, new(strings.Builder)); err == nil {
			t.Errorf("%s: undone", name)
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "world.json")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "touched")); err == nil {
		t.Error("a command of the step was run")
	}
}

func TestPath(t *testing.T) {
	b := newBench(t, world{Installed: installed("prefix/pip:")})
	if got, want := b.drivers.Path(b.prefix), []string{filepath.Join(b.prefix, "pip", "bin")}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
