package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// clock moves on by a second each time it is asked.
func clock() func() time.Time {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func TestRecordsOfARun(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	run := Begin(clock())
	plan := run.Step("plan", "")
	plan.End(OK, "")
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("written before Keep")
	}
	if err := run.Keep(name); err != nil {
		t.Fatal(err)
	}
	a, b := run.Step("fetch", "a 1.0.0"), run.Step("fetch", "b 1.0.0")
	_ = b.Done(errors.New("broke"), "half")
	_ = a.Done(context.Canceled, "")
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(name)
	if err != nil || !slices.Equal(got, run.Records()) {
		t.Fatalf("%v\n%+v\n%+v", err, got, run.Records())
	}
	for i, want := range []struct {
		id      int
		pkg     string
		outcome Outcome
		detail  string
	}{{1, "", OK, ""}, {3, "b 1.0.0", Failed, "half\nbroke"}, {2, "a 1.0.0", Cancelled, "context canceled"}} {
		r := got[i]
		if r.ID != want.id || r.Package != want.pkg || r.Outcome != want.outcome || r.Detail != want.detail || r.Run != run.ID() || r.DurationMS < 1000 {
			t.Errorf("record %d is %+v", i, r)
		}
	}
	if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAHalfLineIsEndedAndPassedOver(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	for i := range 2 {
		run := Begin(clock())
		if err := run.Keep(name); err != nil {
			t.Fatal(err)
		}
		run.Step("plan", "").End(OK, "")
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(`{"id":2,"run":"x`); err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		if got, err := Read(name); err != nil || len(got) != i+1 {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestJournalIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	detail := strings.Repeat("é", MaxDetail)
	size := func(name string) int64 {
		info, err := os.Stat(name)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for range 4 {
		run := Begin(clock())
		if err := run.Keep(name); err != nil {
			t.Fatal(err)
		}
		for range 300 {
			run.Step("hook", "a 1.0.0").End(OK, detail)
		}
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if size(name) > 2*maxFile || size(name+".1") > 2*maxFile || size(name+".1") == 0 {
		t.Errorf("%d and %d bytes", size(name), size(name+".1"))
	}
	files, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
	got, err := Read(name)
	if err != nil || len(got) == 0 || len(got[0].Detail) > MaxDetail || !strings.HasSuffix(got[0].Detail, "é") {
		t.Errorf("%d records, %v", len(got), err)
	}
}
