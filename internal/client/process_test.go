//go:build unix

package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
)

// The tests of this file run real processes: the test binary runs itself with
// processVariable set, and TestProcess then does what a clyde process does.
const (
	processVariable = "CLYDE_TEST_PROCESS"       // "add NAME", "update", "install"; see do
	worldVariable   = "CLYDE_TEST_PROCESS_WORLD" // folder of the world
	projectVariable = "CLYDE_TEST_PROCESS_PROJECT"
	killVariable    = "CLYDE_TEST_PROCESS_KILL" // number of the step to die at
)

// installWorld is a registry, a store and projects in one folder.
type installWorld struct {
	t   testing.TB
	dir string
}

func newInstallWorld(t testing.TB) installWorld {
	w := installWorld{t, t.TempDir()}
	t.Cleanup(func() { _ = removeTree(filepath.Join(w.dir, "store")) })
	config := index.Config{Clyde: index.ClydeConfig{Format: index.MaxConfigFormat, Name: "main"}}
	writeTestFile(t, filepath.Join(w.dir, "main", index.ConfigPath), string(config.Format()))
	return w
}

// release publishes a version in the registry.
func (w installWorld) release(name, version string, needs ...string) {
	w.t.Helper()
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("include/%s/%d.h", name, i)] = "// " + name + " " + version + "\n"
	}
	w.releaseFiles(name, version, nil, files, needs...)
}

// releaseFiles publishes a version with these files.
func (w installWorld) releaseFiles(name, version string, externals []string, files map[string]string, needs ...string) {
	w.t.Helper()
	data, digest := packed(w.t, name, version, files)
	archive := filepath.Join(w.dir, "archives", digest+".tar.gz")
	writeTestFile(w.t, archive, string(data))
	e := &index.Entry{Name: name, Vers: version, Cksum: digest, Size: int64(len(data)), DL: (&url.URL{Scheme: "file", Path: archive}).String(), External: externals}
	for _, need := range needs {
		e.Deps = append(e.Deps, index.Dependency{Name: need, Req: "*", DefaultFeatures: true, Kind: index.KindNormal})
	}
	path, err := index.Path(name)
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.dir, "main", filepath.FromSlash(path))
	before, _ := os.ReadFile(file)
	writeTestFile(w.t, file, string(append(e.AppendLine(before), '\n')))
}

func (w installWorld) installer(project string) *Installer {
	config := &Config{
		Jobs: 4, Timeout: 10 * time.Second, Keep: defaultKeep,
		Cache: filepath.Join(w.dir, "cache"), Store: filepath.Join(w.dir, "store"),
		Registries: []RegistryConfig{{Name: "main", URL: filepath.Join(w.dir, "main"), Kind: KindDir}},
	}
	registries, err := OpenRegistries(config, Access{Now: time.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = registries.Close() })
	return &Installer{
		Project: OpenProject(filepath.Join(w.dir, project)), Config: config, Registries: registries,
		Platform: index.Platform{OS: "linux", Arch: "x86_64"}, HTTP: http.DefaultClient, Report: &recorder{},
		Permission: Permission{All: true}, Hooks: &hook.Runner{Mode: hook.Off}, Externals: w.shelfDrivers(), Now: time.Now,
	}
}

// do carries out a command of processVariable.
func (in *Installer) do(ctx context.Context, command string) error {
	verb, name, _ := strings.Cut(command, " ")
	var err error
	switch verb {
	case "add":
		var requests []Request
		for text := range strings.FieldsSeq(name) {
			r, err := ParseRequest(text)
			if err != nil {
				return err
			}
			requests = append(requests, r)
		}
		_, err = in.Add(ctx, requests, DependencyOptions{})
	case "remove":
		_, err = in.Remove(ctx, strings.Fields(name), InstallOptions{})
	case "rollback":
		_, err = in.Rollback(ctx, 0)
	case "update":
		_, err = in.Update(ctx, nil, "", InstallOptions{})
	case "clean":
		err = in.clean(ctx)
	case "create":
		err = in.Project.CreateEnvironment(ctx, Environment{Name: name}, in.Report)
	case "create-outside":
		err = in.Project.CreateEnvironment(ctx, Environment{Name: name, Prefix: in.Project.Root + "-prefix"}, in.Report)
	case "drop":
		err = in.Project.RemoveEnvironment(ctx, name, in.Report)
	case "use":
		err = in.Project.UseEnvironment(ctx, name, in.Report)
	case "install-in":
		one := *in
		if one.Project, err = in.Project.In(name); err == nil {
			_, err = one.Install(ctx, InstallOptions{})
		}
	default:
		_, err = in.Install(ctx, InstallOptions{})
	}
	return err
}

// command is a process that does a command and kills itself at a step; 0 is
// never.
func (w installWorld) command(project, command string, kill int) *exec.Cmd {
	cmd := exec.CommandContext(w.t.Context(), os.Args[0], "-test.run=^TestProcess$")
	cmd.Env = append(os.Environ(), processVariable+"="+command, worldVariable+"="+w.dir,
		projectVariable+"="+project, killVariable+"="+strconv.Itoa(kill))
	return cmd
}

// TestProcess is the main function of the processes of this file.
func TestProcess(t *testing.T) {
	command := os.Getenv(processVariable)
	if command == "" {
		return // this is no such process
	}
	in := installWorld{t, os.Getenv(worldVariable)}.installer(os.Getenv(projectVariable))
	kill, _ := strconv.Atoi(os.Getenv(killVariable))
	var mu sync.Mutex
	steps := 0
	in.Project.step = func(name string) {
		mu.Lock()
		defer mu.Unlock()
		if name == "forget the journal" {
			noteOrder(t, command)
		}
		if steps++; steps == kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	err := in.do(t.Context(), command)
	for _, note := range in.Report.(*recorder).told() {
		fmt.Fprintln(os.Stderr, note)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// noteOrder writes down which commands were carried out, in their order: this
// process is the only one that changes the project.
func noteOrder(t *testing.T, command string) {
	f, err := os.OpenFile(filepath.Join(os.Getenv(worldVariable), orderName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(f, command); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

const orderName = "order"

// TestTwentyProcessesAreSomeSerialOrder lets twenty processes do different things
// to one project at once. What comes of it is what comes of doing the same one
// after the other, in the order in which they got their turn.
func TestTwentyProcessesAreSomeSerialOrder(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	start := "add fmt"
	w.release("fmt", "9.1.0")
	var commands []string
	for i := range 8 {
		w.release(fmt.Sprintf("package%d", i), "1.0.0", "fmt")
		commands = append(commands, fmt.Sprintf("add package%d", i))
	}
	for i := range 4 {
		w.release(fmt.Sprintf("extra%d", i), "1.0.0", "fmt")
		commands = append(commands, fmt.Sprintf("remove extra%d", i))
		start += fmt.Sprintf(" extra%d", i)
	}
	commands = append(commands, "update", "update", "install", "install", "rollback", "rollback", "rollback", "update")
	projects := []*Installer{w.installer("project"), w.installer("serial")}
	for _, in := range projects {
		must(t, os.Mkdir(in.Project.Root, 0o755))
		must(t, in.do(t.Context(), start))
	}
	w.release("fmt", "9.2.0")
	var waits atomic.Int64
	var wg sync.WaitGroup
	for _, command := range commands {
		wg.Go(func() {
			out, err := w.command("project", command, 0).CombinedOutput()
			if err != nil && (command != "rollback" || !strings.Contains(string(out), "there is no")) {
				t.Errorf("%s: %v\n%s", command, err, out)
			}
			if strings.Contains(string(out), "waiting for another clyde that is changing") {
				waits.Add(1)
			}
		})
	}
	wg.Wait()
	if waits.Load() == 0 {
		t.Error("nobody said that they wait")
	}
	order, err := os.ReadFile(filepath.Join(w.dir, orderName))
	must(t, err)
	for command := range strings.Lines(string(order)) {
		must(t, projects[1].do(t.Context(), strings.TrimSpace(command)))
	}
	together, serial := stateOf(t, projects[0].Project), stateOf(t, projects[1].Project)
	if together != serial {
		t.Errorf("in the order\n%s\ntogether %+v\none after the other %+v", order, together, serial)
	}
	for i := range 4 {
		if strings.Contains(together.manifest, fmt.Sprintf("extra%d", i)) {
			t.Errorf("extra%d was not removed: %s", i, together.manifest)
		}
	}
	must(t, projects[0].do(t.Context(), "install"))
	if report, err := projects[0].VerifyTree(t.Context()); err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// wasKilled runs a process to its end and reports whether it killed itself.
func wasKilled(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	t.Fatalf("%v\n%s", err, out)
	return false
}

// state is what a person sees of a project.
type state struct {
	manifest, lock string
	active         int
	packages       string // each with the content of a header
}

func stateOf(t *testing.T, p *Project) state {
	t.Helper()
	read := func(name string) string {
		data, err := readOptional(name, maxLock)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	s := state{manifest: read(p.Manifest()), lock: read(p.Lock())}
	var err error
	if s.active, err = p.Generations.Active(); err != nil {
		t.Fatal(err)
	}
	if s.active == 0 {
		return s
	}
	ledger, err := p.Generations.Ledger(s.active)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range ledger.Packages {
		header, err := os.ReadFile(filepath.Join(p.Generations.Packages(), l.Name, "include", l.Name, "4.h"))
		if err != nil {
			t.Fatalf("the active generation cannot be used: %v", err)
		}
		s.packages += string(header)
	}
	return s
}

// assertWhole fails unless each part of the project is as it was before or as
// it will be afterwards, and the tree is the one of before until it is the one
// of afterwards.
func assertWhole(t *testing.T, now, before, after state) {
	t.Helper()
	if now.manifest != before.manifest && now.manifest != after.manifest {
		t.Errorf("half a manifest: %q", now.manifest)
	}
	if now.lock != before.lock && now.lock != after.lock {
		t.Errorf("half a lock: %q", now.lock)
	}
	if now.active == after.active && now != after {
		t.Errorf("the new tree is active without its lock: %+v", now)
	}
	if now.active == before.active && now.packages != before.packages {
		t.Errorf("the tree of before has %q", now.packages)
	}
	if _, err := manifest.Parse("package.yaml", []byte(now.manifest)); err != nil {
		t.Error(err)
	}
	if now.lock != "" {
		if _, err := lockfile.Parse("lock.jsonl", []byte(now.lock)); err != nil {
			t.Error(err)
		}
	}
}

// assertNoLitter fails when an interrupted run left something behind.
func assertNoLitter(t *testing.T, w installWorld, p *Project, generations ...int) {
	t.Helper()
	for path := range picture(t, p.Root) {
		if base := filepath.Base(path); strings.HasPrefix(base, tempPrefix) || base == recoveryName || base == nextName {
			t.Errorf("left behind: %s", path)
		}
	}
	if got, err := p.Generations.List(); err != nil || !slices.Equal(got, generations) {
		t.Errorf("generations %v, want %v (%v)", got, generations, err)
	}
	assertNoTemporaries(t, OpenStore(filepath.Join(w.dir, "store")))
}

// TestKilledAtEveryStep kills a process at each step of a command that changes
// manifest, lock and tree, and the process that repairs it as well.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"nothing installed", "something installed"} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			for kill := 1; ; kill++ {
				w := newInstallWorld(t)
				w.release("fmt", "9.1.0")
				w.release("spdlog", "1.10.0", "fmt")
				in := w.installer("project")
				generations := []int{1}
				if start == "something installed" {
					must(t, in.do(t.Context(), "add fmt"))
					generations = []int{1, 2}
				} else {
					must(t, os.Mkdir(in.Project.Root, 0o755))
				}
				before := stateOf(t, in.Project)
				killed := wasKilled(t, w.command("project", "add spdlog", kill))
				now := stateOf(t, in.Project)
				repairKilled := killed && wasKilled(t, w.command("project", "add spdlog", 1+kill%4))
				between := stateOf(t, in.Project)
				must(t, in.do(t.Context(), "add spdlog"))
				after := stateOf(t, in.Project)
				assertWhole(t, now, before, after)
				assertWhole(t, between, before, after)
				if !strings.Contains(after.packages, "spdlog 1.10.0") || !strings.Contains(after.manifest, "spdlog") {
					t.Errorf("step %d: the next run did not succeed: %+v", kill, after)
				}
				assertNoLitter(t, w, in.Project, generations...)
				if t.Failed() {
					t.Fatalf("killed at step %d (repair killed: %v)", kill, repairKilled)
				}
				if !killed {
					if kill < 12 {
						t.Errorf("there were only %d steps", kill)
					}
					return
				}
			}
		})
	}
}

// TestKilledAtAnyTime kills processes from outside, wherever they are.
func TestKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	w.release("fmt", "9.1.0")
	in := w.installer("project")
	must(t, in.do(t.Context(), "add fmt"))
	for i := range 15 {
		name := fmt.Sprintf("package%d", i)
		w.release(name, "1.0.0", "fmt")
		before := stateOf(t, in.Project)
		cmd := w.command("project", "add "+name, 0)
		must(t, cmd.Start())
		time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		now := stateOf(t, in.Project)
		must(t, in.do(t.Context(), "add "+name))
		after := stateOf(t, in.Project)
		assertWhole(t, now, before, after)
		if !strings.Contains(after.packages, name+" 1.0.0") {
			t.Fatalf("the next run did not succeed: %+v", after)
		}
	}
	numbers, err := in.Project.Generations.List()
	must(t, err)
	assertNoLitter(t, w, in.Project, numbers...)
}

// TestTenProcessesOnOneProject lets ten processes add a package each.
func TestTenProcessesOnOneProject(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	w.release("fmt", "9.1.0")
	must(t, os.Mkdir(filepath.Join(w.dir, "project"), 0o755))
	for i := range 10 {
		w.release(fmt.Sprintf("package%d", i), "1.0.0", "fmt")
	}
	w.all(10, func(i int) *exec.Cmd { return w.command("project", fmt.Sprintf("add package%d", i), 0) })
	in := w.installer("project")
	s := stateOf(t, in.Project)
	for i := range 10 {
		name := fmt.Sprintf("package%d", i)
		if !strings.Contains(s.manifest, name+":") || !strings.Contains(s.packages, name+" 1.0.0") {
			t.Errorf("%s is lost: %+v", name, s)
		}
	}
	assertNoLitter(t, w, in.Project, 5, 6, 7, 8, 9, 10)
	if outcome, err := in.Install(t.Context(), InstallOptions{Locked: true}); err != nil || !outcome.UpToDate {
		t.Errorf("manifest, lock and tree do not agree: %+v, %v", outcome, err)
	}
}

// TestTenProjectsOnOneStore lets ten processes fill one store with the same.
func TestTenProjectsOnOneStore(t *testing.T) {
	t.Parallel()
	w := newInstallWorld(t)
	for i := range 5 {
		w.release(fmt.Sprintf("package%d", i), "1.0.0")
	}
	w.release("all", "1.0.0", "package0", "package1", "package2", "package3", "package4")
	for i := range 10 {
		must(t, os.Mkdir(filepath.Join(w.dir, fmt.Sprint(i)), 0o755))
	}
	w.all(10, func(i int) *exec.Cmd { return w.command(fmt.Sprint(i), "add all", 0) })
	for i := range 10 {
		in := w.installer(fmt.Sprint(i))
		if s := stateOf(t, in.Project); strings.Count(s.packages, "1.0.0") != 6 {
			t.Errorf("project %d has %q", i, s.packages)
		}
		assertNoLitter(t, w, in.Project, 1)
	}
}

// all runs processes at once and expects all to succeed.
func (w installWorld) all(n int, command func(i int) *exec.Cmd) {
	w.t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if out, err := command(i).CombinedOutput(); err != nil {
				w.t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
}
