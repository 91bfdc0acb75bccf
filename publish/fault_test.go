package publish_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/publish"
)

// faultyIndex fails at one point of a change, or lets somebody else be faster.
type faultyIndex struct {
	publish.Destination
	before, after map[string]func() error // by method; nil errors let it go on
}

func run(hooks map[string]func() error, method string) error {
	if hook := hooks[method]; hook != nil {
		return hook()
	}
	return nil
}

func (f faultyIndex) Write(ctx context.Context, base publish.State, change publish.Change, by publish.Author, when time.Time) (string, error) {
	if err := run(f.before, "Write"); err != nil {
		return "", err
	}
	id, err := f.Destination.Write(ctx, base, change, by, when)
	return id, errors.Join(err, run(f.after, "Write"))
}

func (f faultyIndex) Advance(ctx context.Context, base publish.State, id string) error {
	if err := run(f.before, "Advance"); err != nil {
		return err
	}
	err := f.Destination.Advance(ctx, base, id)
	return errors.Join(err, run(f.after, "Advance"))
}

func TestAFailureAtAnyStepLeavesAWholeIndex(t *testing.T) {
	broken := errors.New("broken")
	fail := func() error { return broken }
	for name, faulty := range map[string]faultyIndex{
		"before writing":  {before: map[string]func() error{"Write": fail}},
		"after writing":   {after: map[string]func() error{"Write": fail}},
		"before the move": {before: map[string]func() error{"Advance": fail}},
		"after the move":  {after: map[string]func() error{"Advance": fail}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newIndex(t, nil)
			faulty.Destination = openIndex(t, dir)
			opts := optionsFor(faulty, dir, newPackage(t, "hello", "1.0.0", ""))
			if _, err := publishPackage(t, opts); !errors.Is(err, broken) {
				t.Fatalf("error %v", err)
			}
			fsck(t, dir)
			moved := readIndex(t, dir, "hello") != ""
			if want := name == "after the move"; moved != want {
				t.Errorf("the index moved: %v", moved)
			}
			checkRunsAgain(t, dir, opts)
		})
	}
}

// checkRunsAgain publishes once more, after a failure, and checks that index and
// store then hold the version, whole and once.
func checkRunsAgain(t *testing.T, dir string, opts publish.Options) {
	t.Helper()
	opts.Destination = openIndex(t, dir)
	if _, err := publishPackage(t, opts); err != nil {
		t.Fatal(err)
	}
	file := index.ParseFile([]byte(readIndex(t, dir, "hello")))
	if len(file.Entries) != 1 || len(file.Skipped) != 0 {
		t.Fatalf("the index has %+v", file)
	}
	e := file.Entries[0]
	info, err := os.Stat(filepath.Join(folderOf(opts), e.Cksum, "hello-1.0.0.tar.gz"))
	if err != nil || info.Size() != e.Size {
		t.Errorf("the store: %v, %v", info, err)
	}
	if n := commits(t, dir); n != "2" {
		t.Errorf("%s commits, want 2", n)
	}
	fsck(t, dir)
}

func TestAMoveIsAnsweredByDerivingAgain(t *testing.T) {
	dir := newIndex(t, nil)
	local := openIndex(t, dir)
	next := 0
	overtake := func() error {
		if next++; next > 3 {
			return nil
		}
		_, err := publishPackage(t, optionsFor(local, dir, newPackage(t, "hello", fmt.Sprintf("0.%d.0", next), "")))
		return err
	}
	opts := optionsFor(faultyIndex{Destination: local, before: map[string]func() error{"Advance": overtake}}, dir, newPackage(t, "hello", "1.0.0", ""))
	plan, err := publish.NewPackagePlan(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	applied, err := plan.Apply(t.Context())
	if err != nil || applied.Attempts != 4 {
		t.Fatalf("%+v, %v", applied, err)
	}
	var versions []string
	for _, e := range index.ParseFile([]byte(readIndex(t, dir, "hello"))).Entries {
		versions = append(versions, e.Vers)
	}
	if got := strings.Join(versions, " "); got != "0.1.0 0.2.0 0.3.0 1.0.0" {
		t.Errorf("versions %s", got)
	}
}

// TestAMoveCanMakeAConflict has somebody publish the same version first, with
// the same bytes or with others.
func TestAMoveCanMakeAConflict(t *testing.T) {
	for more, want := range map[string]error{"": nil, "description: other\n": publish.ErrConflict} {
		dir := newIndex(t, nil)
		local := openIndex(t, dir)
		done := false
		overtake := func() error {
			if done {
				return nil
			}
			done = true
			_, err := publishPackage(t, optionsFor(local, dir, newPackage(t, "hello", "1.0.0", more)))
			return err
		}
		opts := optionsFor(faultyIndex{Destination: local, before: map[string]func() error{"Advance": overtake}}, dir, newPackage(t, "hello", "1.0.0", ""))
		plan, err := publishPackage(t, opts)
		if !errors.Is(err, want) {
			t.Errorf("overtaken by %q: %v, want %v", more, err, want)
		}
		if want == nil && !plan.Done {
			t.Error("the plan does not know that there is nothing left to do")
		}
		if n := commits(t, dir); n != "2" {
			t.Errorf("%s commits, want 2", n)
		}
	}
}

func TestApplyStopsWhenCancelled(t *testing.T) {
	dir := newIndex(t, nil)
	local := openIndex(t, dir)
	moved := func() error { return publish.ErrMoved }
	opts := optionsFor(faultyIndex{Destination: local, before: map[string]func() error{"Advance": moved}}, dir, newPackage(t, "hello", "1.0.0", ""))
	ctx, cancel := context.WithCancel(t.Context())
	retries := 0
	opts.Observe = func(s publish.Step) {
		if s == publish.StepRetry {
			if retries++; retries == 3 {
				cancel()
			}
		}
	}
	plan, err := publish.NewPackagePlan(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if _, err := plan.Apply(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled Apply reports %v", err)
	}
}

func TestApplyGivesUp(t *testing.T) {
	dir := newIndex(t, nil)
	moved := func() error { return publish.ErrMoved }
	opts := optionsFor(faultyIndex{Destination: openIndex(t, dir), before: map[string]func() error{"Advance": moved}}, dir, newPackage(t, "hello", "1.0.0", ""))
	plan, err := publish.NewPackagePlan(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	plan.LimitAttempts(3)
	if _, err := plan.Apply(t.Context()); !errors.Is(err, publish.ErrConflict) || !strings.Contains(err.Error(), "3 attempts") {
		t.Errorf("Apply reports %v", err)
	}
}

const killVariable = "CLYDE_TEST_KILL"

// TestMain lets the test binary publish in a process of its own and die at the
// step that the variable names: "<step>|<index>|<package>".
func TestMain(m *testing.M) {
	if order := os.Getenv(killVariable); order != "" {
		parts := strings.Split(order, "|")
		if err := publishAndDie(publish.Step(parts[0]), parts[1], parts[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func publishAndDie(at publish.Step, indexDir, packageDir string) error {
	local, err := publish.OpenLocal(indexDir)
	if err != nil {
		return err
	}
	opts := optionsFor(local, indexDir, packageDir)
	opts.Observe = func(s publish.Step) {
		if s != at {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // the signal is on its way
	}
	plan, err := publish.NewPackagePlan(context.Background(), opts)
	if err != nil {
		return err
	}
	_, err = plan.Apply(context.Background())
	return err
}

// publishInProcess starts the test binary on an order of TestMain.
func publishInProcess(t *testing.T, order string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), killVariable+"="+order, "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	return cmd
}

func TestAKillBeforeAnyStepLeavesAWholeIndex(t *testing.T) {
	for _, step := range []publish.Step{publish.StepStore, publish.StepWrite, publish.StepAdvance, publish.StepDone} {
		t.Run(string(step), func(t *testing.T) {
			dir, pkg := newIndex(t, nil), newPackage(t, "hello", "1.0.0", "")
			err := publishInProcess(t, string(step)+"|"+dir+"|"+pkg).Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Success() {
				t.Fatalf("the process was not killed: %v", err)
			}
			checkRunsAgain(t, dir, optionsFor(nil, dir, pkg))
		})
	}
}

// TestAKillAtAnyMomentLeavesAWholeIndex kills at times that no step marks.
func TestAKillAtAnyMomentLeavesAWholeIndex(t *testing.T) {
	for delay := time.Duration(0); delay < 60*time.Millisecond; delay += 5 * time.Millisecond {
		dir, pkg := newIndex(t, nil), newPackage(t, "hello", "1.0.0", "")
		cmd := publishInProcess(t, "never|"+dir+"|"+pkg)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(delay)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, or done before
		removeStaleLock(t, dir)
		checkRunsAgain(t, dir, optionsFor(nil, dir, pkg))
	}
}

// removeStaleLock does what the hint of a locked reference says: a process that
// is killed while it holds git's lock leaves the lock behind.
func removeStaleLock(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "refs", "heads", "main.lock")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
