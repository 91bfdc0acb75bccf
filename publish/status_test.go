package publish_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/publish"
)

const cksum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"

// published is an index with a package of three versions, and a line that only
// a newer program can read.
func published(t *testing.T) string {
	t.Helper()
	var lines strings.Builder
	for _, version := range []string{"1.0.0", "1.1.0-rc.1", "1.1.0+build.9"} {
		fmt.Fprintf(&lines, `{"name":"hello","vers":%q,"deps":[],"cksum":%q,"features":{},"yanked":false,"zeta":{"b":1,"a":2}}`+"\n", version, cksum)
	}
	lines.WriteString(`{"name":"hello","vers":"2.0.0","v":99,"anything":true}` + "\n")
	return newIndex(t, map[string]string{"he/ll/hello": lines.String()})
}

// changedLines returns the lines that two texts differ in.
func changedLines(before, after string) (changed []string) {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(old) != len(now) {
		return []string{"the number of lines differs"}
	}
	for i := range old {
		if old[i] != now[i] {
			changed = append(changed, now[i])
		}
	}
	return changed
}

func TestYankAndBack(t *testing.T) {
	dir := published(t)
	local := openIndex(t, dir)
	original := readIndex(t, dir, "hello")
	apply := func(opts publish.YankOptions) *publish.Plan {
		t.Helper()
		opts.Target, opts.Name = target(local), "hello"
		plan, err := publish.NewYankPlan(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		return plan
	}

	apply(publish.YankOptions{Version: "1.1.0"}) // build metadata makes no other version
	changed := changedLines(original, readIndex(t, dir, "hello"))
	if len(changed) != 1 || !strings.Contains(changed[0], `"vers":"1.1.0+build.9"`) || !strings.Contains(changed[0], `"yanked":true`) || !strings.Contains(changed[0], `"zeta":{"b":1,"a":2}`) {
		t.Errorf("changed lines %q", changed)
	}
	if plan := apply(publish.YankOptions{Version: "1.1.0"}); !plan.Done || plan.DoneText() != "hello 1.1.0+build.9 is already yanked" {
		t.Errorf("yanked again: %v, %s", plan.Done, plan.DoneText())
	}
	apply(publish.YankOptions{Version: "1.1.0", Undo: true})
	if after := readIndex(t, dir, "hello"); after != original {
		t.Errorf("taken back, the file is\n%s", after)
	}
	if plan := apply(publish.YankOptions{Version: "1.1.0", Undo: true}); !plan.Done {
		t.Error("taking back twice changes something")
	}
	if n := commits(t, dir); n != "3" {
		t.Errorf("%s commits, want 3", n)
	}
	fsck(t, dir)
}

func TestRetire(t *testing.T) {
	dir := published(t)
	local := openIndex(t, dir)
	original := readIndex(t, dir, "hello")
	now := clock()
	apply := func(opts publish.RetireOptions) *publish.Plan {
		t.Helper()
		opts.Target, opts.Name = target(local), "hello"
		opts.Now = func() time.Time { now = now.Add(time.Hour); return now }
		plan, err := publish.NewRetirePlan(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		return plan
	}
	retired := func(version string) *index.Retired {
		for _, e := range index.ParseFile([]byte(readIndex(t, dir, "hello"))).Entries {
			if e.Vers == version {
				return e.Retired
			}
		}
		return nil
	}

	one := publish.RetireOptions{Version: "1.0.0", Reason: "security", Message: "use 1.1.0"}
	apply(one)
	if r := retired("1.0.0"); r == nil || r.Reason != "security" || r.Message != "use 1.1.0" || r.Since == "" {
		t.Fatalf("retired %+v", r)
	}
	since := retired("1.0.0").Since
	if plan := apply(one); !plan.Done || retired("1.0.0").Since != since {
		t.Error("retiring again changes something")
	}
	one.Message = "use 1.1.1"
	if apply(one); retired("1.0.0").Message != "use 1.1.1" || retired("1.0.0").Since == since {
		t.Errorf("retired for another reason: %+v", retired("1.0.0"))
	}
	apply(publish.RetireOptions{Version: "1.0.0", Undo: true})
	if after := readIndex(t, dir, "hello"); after != original {
		t.Errorf("taken back, the file is\n%s", after)
	}
	if plan := apply(publish.RetireOptions{Version: "1.0.0", Undo: true}); !plan.Done {
		t.Error("taking back twice changes something")
	}
	fsck(t, dir)
}

// TestStatusOfALineThatCannotBeRead: nobody shall believe that a line was
// changed which only a newer program can change.
func TestStatusOfALineThatCannotBeRead(t *testing.T) {
	dir := published(t)
	local := openIndex(t, dir)
	var newer *index.NewerVersionError
	if _, err := publish.NewYankPlan(t.Context(), publish.YankOptions{Target: target(local), Name: "hello", Version: "2.0.0"}); !errors.As(err, &newer) {
		t.Errorf("yank: %v", err)
	}
	if _, err := publish.NewRetirePlan(t.Context(), publish.RetireOptions{Target: target(local), Name: "hello", Reason: "other"}); !errors.As(err, &newer) {
		t.Errorf("retire all: %v", err)
	}
}

func TestStatusErrors(t *testing.T) {
	local := openIndex(t, published(t))
	yank := func(name, version string) error {
		_, err := publish.NewYankPlan(t.Context(), publish.YankOptions{Target: target(local), Name: name, Version: version})
		return err
	}
	retire := func(reason string) error {
		_, err := publish.NewRetirePlan(t.Context(), publish.RetireOptions{Target: target(local), Name: "hello", Reason: reason})
		return err
	}
	tests := []struct {
		got, want error
		hint      string
	}{
		{yank("hullo", "1.0.0"), publish.ErrNotFound, ""},
		{yank("hello", "3.0.0"), publish.ErrNotFound, "1.0.0, 1.1.0-rc.1, 1.1.0+build.9"},
		{yank("hello", "1.0"), publish.ErrUsage, "NAME@VERSION"},
		{yank("hello", ""), publish.ErrUsage, "NAME@VERSION"},
		{yank("../x", "1.0.0"), publish.ErrUsage, ""},
		{retire("boring"), publish.ErrUsage, "renamed"},
		{retire(""), publish.ErrUsage, "deprecated"},
	}
	for i, tt := range tests {
		if !errors.Is(tt.got, tt.want) {
			t.Errorf("%d: %v, want %v", i, tt.got, tt.want)
		}
		var hinted interface{ Hint() string }
		if tt.hint != "" && (!errors.As(tt.got, &hinted) || !strings.Contains(hinted.Hint(), tt.hint)) {
			t.Errorf("%d: %v lacks the hint %q", i, tt.got, tt.hint)
		}
	}
}
