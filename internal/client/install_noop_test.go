//go:build unix

package client

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// lockedPackages is how many packages the project of TestNothingToDoIsCheap has.
const lockedPackages = 250

// TestNothingToDoIsCheap bounds the processor time and the allocations of an
// install that has nothing to do.
func TestNothingToDoIsCheap(t *testing.T) {
	w := newInstallWorld(t)
	var names []string
	for i := range lockedPackages {
		name := fmt.Sprintf("package%d", i)
		w.releaseFiles(name, "1.0.0", nil, map[string]string{"include/" + name + ".h": name})
		names = append(names, name)
	}
	w.release("all", "1.0.0", names...)
	in := w.installer("project")
	must(t, os.Mkdir(in.Project.Root, 0o755))
	must(t, in.do(t.Context(), "add all"))
	install := func() {
		outcome, err := in.Install(t.Context(), InstallOptions{})
		if err != nil || !outcome.UpToDate {
			t.Errorf("%+v, %v", outcome, err)
		}
	}
	install()
	spent := time.Hour
	for range 20 {
		before := processorTime(t)
		install()
		spent = min(spent, processorTime(t)-before)
	}
	allocations := testing.AllocsPerRun(1, install) / lockedPackages
	t.Logf("%v of processor time, %.0f allocations a package", spent, allocations)
	if allocations > 60 {
		t.Error("that is too much")
	}
}

func processorTime(t *testing.T) time.Duration {
	var usage syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
