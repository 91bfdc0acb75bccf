package listing

import (
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/fstest"
)

func TestReadDir(t *testing.T) {
	all, err := fs.ReadDir(fstest.MapFS{"a": {}, "b": {}, "c": {}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	left := Entries(all)
	var names string
	for {
		next, err := left.ReadDir(2)
		if errors.Is(err, io.EOF) && len(next) == 0 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range next {
			names += e.Name()
		}
		names += ";"
		_ = append(next, all[0]) // what a caller appends must not change what comes next
	}
	if names != "ab;c;" {
		t.Errorf("read %q in portions", names)
	}
	left = all
	for _, want := range []int{3, 0} {
		if next, err := left.ReadDir(-1); err != nil || len(next) != want {
			t.Errorf("all that is left: %d entries (%v), expected %d", len(next), err, want)
		}
	}
}
