package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/clydepm/clyde/index"
)

// graph is commits by name, each with the names of its parents. A commit that is
// named only is not at hand, as behind the boundary of a shallow copy.
type graph struct {
	parents map[string]string
	trees   map[string]fstest.MapFS
}

func (g graph) Parents(id string) ([]string, bool, error) {
	text, here := g.parents[id]
	if text == "broken" {
		return nil, false, fs.ErrPermission
	}
	return strings.Fields(text), here, nil
}

func (g graph) Tree(id string) (fs.FS, error) {
	if g.trees[id] == nil {
		return fstest.MapFS{}, nil
	}
	return g.trees[id], nil
}

func TestFollow(t *testing.T) {
	// a-b-c-d, with a fork e of b, a merge m of d and e, another history x-y, and
	// a shallow copy q-r whose parent p is not at hand.
	g := graph{parents: map[string]string{
		"a": "", "b": "a", "c": "b", "d": "c", "e": "b", "m": "d e", "x": "", "y": "x", "q": "p", "r": "q",
		"o": "", "n": "o", "z": "broken",
	}}
	for _, c := range []struct {
		known, next string
		kind        Kind
		class       error
		common      string
	}{
		{"", "c", First, nil, ""},
		{"c", "c", Same, nil, ""},
		{"a", "d", Forward, nil, ""},
		{"d", "m", Forward, nil, ""},
		{"e", "m", Forward, nil, ""},
		{"d", "b", "", ErrRolledBack, ""},
		{"m", "e", "", ErrRolledBack, ""},
		{"r", "p", "", ErrRolledBack, ""}, // is named by what is at hand
		{"d", "e", "", ErrForked, "b"},
		{"e", "d", "", ErrForked, "b"},
		{"d", "y", "", ErrRewritten, ""},
		{"r", "n", "", ErrRewritten, ""},
		{"gone", "d", "", ErrRewritten, ""},
	} {
		step, err := Follow(t.Context(), c.known, c.next, g, Options{})
		if step.Kind != c.kind || !errors.Is(err, c.class) && c.class != nil || c.class == nil && err != nil {
			t.Errorf("%s to %s: %q %v, want %q %v", c.known, c.next, step.Kind, err, c.kind, c.class)
			continue
		}
		var problem *Error
		if errors.As(err, &problem) && (problem.Known != c.known || problem.Head != c.next || problem.Common != c.common || problem.Remedy == "" || problem.Detail == "") {
			t.Errorf("%s to %s: %+v", c.known, c.next, problem)
		}
	}
	if _, err := Follow(t.Context(), "a", "z", g, Options{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a commit that cannot be read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Follow(ctx, "a", "d", g, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Histories of which each looks like a squash of the next lead nowhere, and are
// not followed for ever.
func TestFollowEnds(t *testing.T) {
	g := graph{parents: map[string]string{"known": ""}, trees: map[string]fstest.MapFS{}}
	for i := range 200 {
		id := fmt.Sprintf("%040d", i)
		g.parents[id] = ""
		config := &index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "main", Squash: &index.Squash{
			Head: fmt.Sprintf("%040d", i+1), Snapshot: "snapshot-2026-01-02-1", Date: "2026-01-02T03:04:05Z", Reason: "x", Key: "K", Signature: "S",
		}}}
		g.trees[id] = fstest.MapFS{"config.json": {Data: config.Format(), Mode: 0o644}}
	}
	brought := 0
	_, err := Follow(t.Context(), "known", fmt.Sprintf("%040d", 0), g, Options{Bring: func(context.Context, string, string) (bool, error) {
		brought++
		return false, nil
	}})
	if !errors.Is(err, ErrRewritten) || !strings.Contains(err.Error(), "declares a squash that does not hold") || brought > 1 {
		t.Errorf("%v, %d brought", err, brought)
	}
}

func TestCheckFresh(t *testing.T) {
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		age, limit time.Duration
		says       string
	}{
		{1000 * time.Hour, 0, ""},
		{47 * time.Hour, 48 * time.Hour, ""},
		{49 * time.Hour, 48 * time.Hour, "is of 2026-01-28T23:00:00Z, 2 days ago, and its policy allows 2 days"},
		{3 * time.Hour, 2 * time.Hour, "3 hours ago, and its policy allows 2 hours"},
		{-time.Hour, time.Hour, ""},
		{-25 * time.Hour, time.Hour, "which is still to come"},
		{-25 * time.Hour, 0, ""},
	} {
		err := CheckFresh("0123456789abcdef", now.Add(-c.age), now, c.limit)
		if (err == nil) != (c.says == "") || err != nil && (!errors.Is(err, ErrFrozen) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%v old, %v allowed: %v", c.age, c.limit, err)
		}
	}
}

func TestChecksNameEveryClass(t *testing.T) {
	seen := map[string]bool{}
	for _, class := range []error{ErrRewritten, ErrRolledBack, ErrForked, ErrFrozen, ErrUnknown} {
		check := (&Error{Class: class}).Check()
		if check == "" || seen[check] {
			t.Errorf("%v: %q", class, check)
		}
		seen[check] = true
	}
	if len(Checks()) != len(seen) {
		t.Errorf("%v", Checks())
	}
}
