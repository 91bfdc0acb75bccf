//go:build unix

package client

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func environmentNames(t *testing.T, p *Project) []string {
	t.Helper()
	all, err := p.Environments()
	must(t, err)
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	return names
}

// environmentWorld is a project with fmt installed in its default environment.
func environmentWorld(t *testing.T) (installWorld, *Installer) {
	w := newInstallWorld(t)
	w.release("fmt", "9.1.0")
	w.release("spdlog", "1.10.0", "fmt")
	in := w.installer("project")
	must(t, in.do(t.Context(), "add fmt"))
	return w, in
}

func TestEnvironmentsStandBesideEachOther(t *testing.T) {
	t.Parallel()
	w, in := environmentWorld(t)
	p := in.Project
	prefix := p.Root + "-prefix"
	must(t, in.do(t.Context(), "create inner"))
	must(t, in.do(t.Context(), "create-outside outer"))
	if got := environmentNames(t, p); !slices.Equal(got, []string{DefaultEnvironment, "inner", "outer"}) {
		t.Fatalf("environments %q", got)
	}
	for _, name := range []string{"inner", "outer"} {
		must(t, in.do(t.Context(), "install-in "+name))
		q, err := p.In(name)
		must(t, err)
		if s := stateOf(t, q); s.packages != "// fmt 9.1.0\n" || s.active != 1 {
			t.Errorf("%s has %+v", name, s)
		}
	}
	if _, err := os.Stat(filepath.Join(prefix, activeName, "fmt", "include")); err != nil {
		t.Error(err)
	}

	// What one run adds to the lock, the other environments do not have yet.
	must(t, in.do(t.Context(), "add spdlog"))
	states, err := p.States()
	must(t, err)
	for _, s := range states {
		want, packages := StandingBehind, 1
		if s.Name == DefaultEnvironment {
			want, packages = StandingLocked, 2
		}
		if s.Standing != want || s.Packages != packages || s.Current != (s.Name == DefaultEnvironment) {
			t.Errorf("%+v", s)
		}
	}
	diff, err := p.DiffEnvironments("outer", DefaultEnvironment)
	if err != nil || len(diff.Changes) != 1 || diff.Changes[0].Name != "spdlog" || diff.Changes[0].After != "1.10.0" {
		t.Errorf("%+v, %v", diff, err)
	}

	// The store keeps what any of them leads to, also without the project.
	store := OpenStore(filepath.Join(w.dir, "store"))
	must(t, os.RemoveAll(p.Root))
	cleaned, err := store.Clean(t.Context(), false, &recorder{})
	if err != nil || len(cleaned.Entries) != 1 || !slices.Equal(cleaned.Projects, []string{prefix}) || !slices.Equal(cleaned.Gone, []string{p.Root}) {
		t.Errorf("%+v, %v", cleaned, err)
	}
	if _, err := os.ReadFile(filepath.Join(prefix, activeName, "fmt", "include", "fmt", "0.h")); err != nil {
		t.Error(err)
	}
}

func TestARemovedEnvironmentReleasesTheStore(t *testing.T) {
	t.Parallel()
	w, in := environmentWorld(t)
	p := in.Project
	before := picture(t, p.Root)
	for _, create := range []string{"create-outside other", "create other"} {
		must(t, in.do(t.Context(), create))
		must(t, in.do(t.Context(), "install-in other"))
		must(t, in.do(t.Context(), "drop other"))
		if after := picture(t, p.Root); !maps.Equal(before, after) {
			t.Errorf("%s left behind:\n%v\n%v", create, slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
		}
		if _, err := os.Lstat(p.Root + "-prefix"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the prefix is there: %v", err)
		}
	}
	must(t, os.RemoveAll(p.Root))
	cleaned, err := OpenStore(filepath.Join(w.dir, "store")).Clean(t.Context(), false, &recorder{})
	if err != nil || len(cleaned.Entries) != 1 || len(cleaned.Projects) != 0 {
		t.Errorf("%+v, %v", cleaned, err)
	}
}

func TestRefusedEnvironments(t *testing.T) {
	t.Parallel()
	_, in := environmentWorld(t)
	p := in.Project
	full := filepath.Join(t.TempDir(), "full")
	writeTestFile(t, filepath.Join(full, "mine.txt"), "mine")
	must(t, in.do(t.Context(), "create used"))
	must(t, in.do(t.Context(), "use used"))
	create := func(e Environment) func() error {
		return func() error { return p.CreateEnvironment(t.Context(), e, in.Report) }
	}
	remove := func(name string) func() error {
		return func() error { return p.RemoveEnvironment(t.Context(), name, in.Report) }
	}
	before := picture(t, p.Root)
	for name, test := range map[string]struct {
		do    func() error
		class error
		words string
	}{
		"foreign files":      {create(Environment{Name: "a", Prefix: full}), ErrRefused, `is not empty: it has "mine.txt"`},
		"a file":             {create(Environment{Name: "a", Prefix: filepath.Join(full, "mine.txt")}), ErrRefused, "the prefix cannot be used"},
		"no parent":          {create(Environment{Name: "a", Prefix: filepath.Join(full, "x", "y")}), ErrNotFound, "there is no folder"},
		"in .clyde":          {create(Environment{Name: "a", Prefix: filepath.Join(p.home(), "x")}), ErrRefused, "is in the .clyde folder"},
		"twice":              {create(Environment{Name: "used"}), ErrConflict, `there is an environment "used" already`},
		"default":            {create(Environment{Name: DefaultEnvironment}), ErrConflict, "already"},
		"a path":             {create(Environment{Name: "../a"}), ErrUsage, "cannot be the name"},
		"a device":           {create(Environment{Name: "nul"}), ErrUsage, "cannot be the name"},
		"remove the current": {remove("used"), ErrRefused, "is the current environment"},
		"remove the default": {remove(DefaultEnvironment), ErrRefused, "every project has"},
		"remove no such":     {remove("usde"), ErrNotFound, `there is no environment "usde"`},
	} {
		if err := test.do(); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: %v", name, err)
		}
		if after := picture(t, p.Root); !maps.Equal(before, after) {
			t.Errorf("%s changed the project", name)
		}
	}
	if current, err := p.Current(); err != nil || current != "used" {
		t.Errorf("current is %q, %v", current, err)
	}
	must(t, in.do(t.Context(), "use default"))
	if current, err := p.Current(); err != nil || current != DefaultEnvironment {
		t.Errorf("current is %q, %v", current, err)
	}
}

// TestEnvironmentsKilledAtEveryStep: an environment is there whole or not at all,
// whenever the process that makes or removes it is killed, and the next run puts
// right what it left.
func TestEnvironmentsKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		prepare []string
		command string
		steps   int
	}{
		{nil, "create other", 4},
		{nil, "create-outside other", 6},
		{[]string{"create other", "install-in other"}, "drop other", 2},
		{[]string{"create-outside other", "install-in other"}, "drop other", 5},
		{[]string{"create other"}, "use other", 1},
	} {
		t.Run(strings.Join(test.prepare, ", ")+" "+test.command, func(t *testing.T) {
			t.Parallel()
			world := func() (installWorld, *Installer) {
				w, in := environmentWorld(t)
				for _, command := range test.prepare {
					must(t, in.do(t.Context(), command))
				}
				return w, in
			}
			_, in := world()
			before := placesOf(t, in.Project)
			must(t, in.do(t.Context(), test.command))
			after := placesOf(t, in.Project)
			for kill := 1; ; kill++ {
				w, in := world()
				if !wasKilled(t, w.command("project", test.command, kill)) {
					if kill <= test.steps {
						t.Errorf("there were only %d steps", kill-1)
					}
					return
				}
				if kill%2 == 0 {
					wasKilled(t, w.command("project", "install", 1+kill%5))
				}
				must(t, in.do(t.Context(), "install"))
				if now := placesOf(t, in.Project); !slices.Equal(now, before) && !slices.Equal(now, after) {
					t.Fatalf("killed at step %d it is neither as before nor as afterwards:\n%q\n%q\n%q", kill, now, before, after)
				}
			}
		})
	}
}

// placesOf lists all files and folders of a project and of the prefix beside it.
func placesOf(t *testing.T, p *Project) []string {
	t.Helper()
	var all []string
	for _, root := range []string{p.Root, p.Root + "-prefix"} {
		if _, err := os.Lstat(root); err == nil {
			for name := range picture(t, root) {
				all = append(all, filepath.Join(filepath.Base(root), name))
			}
		}
	}
	slices.Sort(all)
	return all
}

// TestProcessesOnEnvironments lets processes work on the environments of one
// project at once: they wait for each other, say so, and none is lost.
func TestProcessesOnEnvironments(t *testing.T) {
	t.Parallel()
	w, in := environmentWorld(t)
	names := []string{"a1", "b2", "c3", "d4", "e5", "f6"}
	w.all(len(names), func(i int) *exec.Cmd { return w.command("project", "create "+names[i], 0) })
	if got := environmentNames(t, in.Project); !slices.Equal(got[1:], names) {
		t.Fatalf("environments %q", got)
	}
	w.release("more", "1.0.0")
	w.all(len(names)+1, func(i int) *exec.Cmd {
		if i == len(names) {
			return w.command("project", "add more", 0)
		}
		return w.command("project", "install-in "+names[i], 0)
	})
	must(t, in.do(t.Context(), "install"))
	for _, name := range names {
		must(t, in.do(t.Context(), "install-in "+name))
		q, err := in.Project.In(name)
		must(t, err)
		if s := stateOf(t, q); s.packages != "// fmt 9.1.0\n// more 1.0.0\n" {
			t.Errorf("%s has %q", name, s.packages)
		}
	}
}

func TestAnEnvironmentRemovedWhileOneWaits(t *testing.T) {
	t.Parallel()
	_, in := environmentWorld(t)
	must(t, in.do(t.Context(), "create other"))
	q, err := in.Project.In("other")
	must(t, err)
	must(t, in.do(t.Context(), "drop other"))
	late := *in
	late.Project = q
	if _, err := late.Install(t.Context(), InstallOptions{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("installing in it: %v", err)
	}
	if _, err := os.Lstat(q.Generations.home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it came back: %v", err)
	}
}
