//go:build unix

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/journal"
)

// shelfScript is a package manager: what is installed is a file in a folder.
const shelfScript = `set -e
shelf=%s
do=$1; shift
case $do in
list) cd "$shelf"; for f in *; do [ "$f" = '*' ] || echo "$f 1.0"; done ;;
offered) echo "$1 1.0" ;;
add) echo 1.0 > "$shelf/$1" ;;
remove) for f; do rm -f "$shelf/$f"; done ;;
esac
`

const shelfDriver = `drivers:
  x-shelf:
    installed: {run: [sh, %[1]q, list], lines: '^(?P<name>\S+) (?P<version>\S+)$'}
    candidates: [{run: [sh, %[1]q, offered, "{name}"], lines: '^(?P<name>\S+) (?P<version>\S+)$'}]
    install: [[sh, %[1]q, add, "{name}"]]
    undo: [[sh, %[1]q, remove, "{added...}"]]
`

func (w installWorld) shelf() string { return filepath.Join(w.dir, "shelf") }

// shelfDrivers know the package manager "x-shelf".
func (w installWorld) shelfDrivers() *external.Drivers {
	w.t.Helper()
	must(w.t, os.MkdirAll(w.shelf(), 0o755))
	script := filepath.Join(w.dir, "shelf.sh")
	if _, err := os.Stat(script); err != nil {
		writeTestFile(w.t, script, fmt.Sprintf(shelfScript, "'"+w.shelf()+"'"))
	}
	drivers, err := external.Builtin().With("drivers.yaml", fmt.Appendf(nil, shelfDriver, script))
	if err != nil {
		w.t.Fatal(err)
	}
	return drivers
}

// hooked publishes a version with hooks that leave files behind, and needs of
// another package manager.
func (w installWorld) hooked(name, version string, externals []string, needs ...string) {
	w.t.Helper()
	manifest := "name: " + name + "\nversion: " + version + `
hooks:
  pre-install: {run: [sh, -c, 'echo before > made-before']}
  post-install: {run: [sh, -c, 'mkdir -p include; echo after > made-after']}
  pre-remove: {run: ["true"]}
  post-remove: {run: ["true"]}
`
	w.releaseFiles(name, version, externals, map[string]string{
		archive.ManifestPath: manifest, "include/" + name + "/4.h": "// " + name + " " + version + "\n",
	}, needs...)
}

// settledPicture is everything in a project and on the shelf but the journal and
// what belongs to processes that are running.
func (w installWorld) settledPicture(p *Project) map[string]string {
	w.t.Helper()
	all := picture(w.t, p.Root)
	delete(all, filepath.Join(".clyde", "generations", "journal.jsonl"))
	for name, text := range picture(w.t, w.shelf()) {
		all["shelf/"+name] = text
	}
	return all
}

// takeBack does what every run does first.
func takeBack(t *testing.T, in *Installer) {
	t.Helper()
	must(t, in.exclusive(t.Context(), journal.Begin(in.Now), func() error { return nil }))
}

func difference(a, b map[string]string) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			lines = append(lines, fmt.Sprintf("%s: %.60q, %.60q", name, a[name], b[name]))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			lines = append(lines, "new: "+name)
		}
	}
	return strings.Join(lines, "\n")
}

// faultStart is a project with a package that has hooks and needs of another
// package manager, and a newer version of it that needs one thing more.
func (w installWorld) faultStart() *Installer {
	w.t.Helper()
	w.hooked("tool", "1.0.0", []string{"x-shelf:hammer"})
	w.hooked("tool", "2.0.0", []string{"x-shelf:hammer", "x-shelf:saw"}, "fmt")
	w.release("fmt", "9.1.0")
	in := w.installer("project")
	must(w.t, os.Mkdir(in.Project.Root, 0o755))
	_, err := in.Add(w.t.Context(), []Request{{Name: "tool", Req: "1"}}, DependencyOptions{})
	must(w.t, err)
	return in
}

const faultCommand = "add tool@2"

// TestKilledRunIsTakenBack kills a run that has hooks and externals at each of
// its steps. The next run restores the project and the shelf byte for byte,
// whatever it does itself, unless the run was over.
func TestKilledRunIsTakenBack(t *testing.T) {
	t.Parallel()
	for kill := 1; ; kill++ {
		w := newInstallWorld(t)
		in := w.faultStart()
		before := w.settledPicture(in.Project)
		killed := wasKilled(t, w.command("project", faultCommand, kill))
		takeBack(t, in)
		now := w.settledPicture(in.Project)
		if maps.Equal(before, now) {
			if !killed {
				t.Fatal("nothing was done")
			}
			must(t, in.do(t.Context(), faultCommand))
			now = w.settledPicture(in.Project)
		}
		assertFaultless(t, w, in, now)
		if t.Failed() {
			t.Fatalf("killed at step %d:\n%s", kill, difference(before, now))
		}
		if !killed {
			if kill < 25 {
				t.Errorf("there were only %d steps", kill)
			}
			return
		}
	}
}

// assertFaultless fails unless the command of the faults was carried out whole.
func assertFaultless(t *testing.T, w installWorld, in *Installer, now map[string]string) {
	t.Helper()
	for _, name := range []string{
		"shelf/hammer", "shelf/saw", ".clyde/generations/.trees/2/tool/made-before", ".clyde/generations/.trees/2/tool/made-after",
		".clyde/generations/.trees/2/tool.json", ".clyde/generations/.trees/1/tool/made-after",
	} {
		if now[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if now[".clyde/packages"] != "-> generations/2" {
		t.Errorf("packages %s", now[".clyde/packages"])
	}
	for name := range now {
		if base := filepath.Base(name); strings.HasPrefix(base, tempPrefix) || base == recoveryName {
			t.Errorf("left behind: %s", name)
		}
	}
	if report, err := in.VerifyTree(t.Context()); err != nil || len(report.Problems) > 0 || len(report.Hooked) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := os.Stat(in.externalRecord()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record of the externals is left: %v", err)
	}
	assertNoTemporaries(t, OpenStore(filepath.Join(w.dir, "store")))
}

// TestFailedRunIsTakenBack cancels a run at each of its steps, as Ctrl-C does.
// The run itself restores everything before it ends.
func TestFailedRunIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	in := w.faultStart()
	before := w.settledPicture(in.Project)
	for cancelAt := 1; ; cancelAt++ {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		steps, name := 0, ""
		in.Project.step = func(step string) {
			mu.Lock()
			defer mu.Unlock()
			if steps++; steps == cancelAt {
				name = step
				cancel()
			}
		}
		err := in.do(ctx, faultCommand)
		cancel()
		in.Project.step = func(string) {}
		now := w.settledPicture(in.Project)
		switch {
		case err == nil:
			assertFaultless(t, w, in, now)
			if cancelAt < 10 {
				t.Errorf("there were only %d steps", cancelAt)
			}
			return
		case !errors.Is(err, context.Canceled):
			t.Fatalf("cancelled at step %d (%s): %v", cancelAt, name, err)
		case !maps.Equal(before, now):
			t.Fatalf("cancelled at step %d (%s):\n%s", cancelAt, name, difference(before, now))
		}
	}
}

// TestUndoIsNotSaidByTheProject makes sure that nothing in a project can have
// commands run: what is taken back is written down outside of it.
func TestUndoIsNotSaidByTheProject(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	in := w.faultStart()
	record, err := filepath.Rel(in.Project.Root, in.externalRecord())
	if err != nil || !strings.HasPrefix(record, "..") {
		t.Errorf("%s, %v", record, err)
	}
}

// TestDryRunIsWhatHappens compares the plan of a dry run with the journal of
// the run after it, and makes sure that the dry run wrote nothing.
func TestDryRunIsWhatHappens(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	in := w.faultStart()
	// Another project brings the archives, so that the hooks are known.
	other := w.installer("other")
	other.Permission = Permission{NoExternals: true, NoHooks: true}
	must(t, os.Mkdir(other.Project.Root, 0o755))
	must(t, other.do(t.Context(), faultCommand))
	for _, cold := range []bool{false, true} {
		if cold {
			must(t, in.do(t.Context(), "add tool@1"))
			w.release("fmt", "9.2.0")
			w.release("late", "1.0.0")
		}
		before := picture(t, w.dir)
		request := []Request{{Name: "tool", Req: "2"}}
		if cold {
			request = append(request, Request{Name: "late"})
		}
		outcome, err := in.Add(t.Context(), request, DependencyOptions{InstallOptions: InstallOptions{DryRun: true}})
		must(t, err)
		if after := picture(t, w.dir); !maps.Equal(before, after) {
			t.Fatalf("the dry run wrote:\n%s", difference(before, after))
		}
		earlier, err := journal.Read(in.Project.JournalPath())
		must(t, err)
		_, err = in.Add(t.Context(), request, DependencyOptions{})
		must(t, err)
		records, err := journal.Read(in.Project.JournalPath())
		must(t, err)
		compareWithPlan(t, outcome.Plan, records[len(earlier):])
		if unread := slices.Contains(outcome.Plan.Unread, "late 1.0.0"); unread != cold || len(outcome.Plan.Hooks) != 4 {
			t.Errorf("%+v", outcome.Plan)
		}
	}
}

// compareWithPlan fails unless the records are those of the steps of a plan.
func compareWithPlan(t *testing.T, p *Plan, records []journal.Record) {
	t.Helper()
	did := map[string][]string{}
	var order []string
	for _, r := range records {
		if r.Outcome != journal.OK {
			t.Errorf("%s %s: %s: %s", r.Step, r.Package, r.Outcome, r.Detail)
		}
		did[r.Step] = append(did[r.Step], r.Package)
		order = append(order, r.Step)
	}
	want := map[string][]string{}
	for _, f := range p.Fetch {
		want[stepFetch] = append(want[stepFetch], f.Package)
	}
	for _, e := range p.Externals {
		want[stepExternal] = append(want[stepExternal], e.Requirement)
	}
	for _, h := range p.Hooks {
		want[h.Name] = append(want[h.Name], h.Package+" "+h.Version)
	}
	// The hooks of what has to be fetched are not known before.
	for _, step := range []string{stepPreInstall, stepPostInstall} {
		did[step] = slices.DeleteFunc(did[step], func(pkg string) bool { return slices.Contains(p.Unread, pkg) })
	}
	for _, step := range []string{stepFetch, stepExternal, stepPreInstall, stepPostInstall, stepPreRemove, stepPostRemove} {
		slices.Sort(did[step])
		slices.Sort(want[step])
		if !slices.Equal(did[step], want[step]) {
			t.Errorf("%s: planned %q, did %q", step, want[step], did[step])
		}
	}
	sequence := []string{stepPreflight, stepPlan, stepConsent, stepExternal, stepFetch, stepPreInstall, stepActivate, stepPostInstall, stepLedger}
	last := -1
	for _, step := range sequence {
		at := slices.Index(order, step)
		if at < 0 && step == stepFetch && len(p.Fetch) == 0 {
			continue
		}
		if at <= last {
			t.Errorf("%s is not in its place: %q", step, order)
		}
		last = at
	}
}

// TestJournalTellsNoSecret looks for a token of the environment in all that a
// run writes, though a hook and another package manager print theirs.
func TestJournalTellsNoSecret(t *testing.T) {
	const secret = "canary-5cb3e1"
	t.Setenv("CLYDE_CANARY_TOKEN", secret)
	w := newInstallWorld(t)
	w.releaseFiles("tool", "1.0.0", nil, map[string]string{archive.ManifestPath: `name: tool
version: 1.0.0
hooks:
  post-install: {run: [env]}
`})
	in := w.installer("project")
	must(t, os.Mkdir(in.Project.Root, 0o755))
	must(t, in.do(t.Context(), "add tool"))
	records, err := journal.Read(in.Project.JournalPath())
	must(t, err)
	text, err := json.Marshal(records)
	must(t, err)
	if !strings.Contains(string(text), "CLYDE_PACKAGE_NAME=tool") {
		t.Errorf("the output of the hook is not in the journal: %s", text)
	}
	for name, content := range picture(t, w.dir) {
		if strings.Contains(content, secret) {
			t.Errorf("%s has the token", name)
		}
	}
}
