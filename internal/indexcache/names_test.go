package indexcache

import (
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
)

func TestNewest(t *testing.T) {
	for list, want := range map[string]string{
		"1.0.0 1.10.0 1.9.0":       "1.10.0",
		"1.0.0 2.0.0-rc.1":         "1.0.0",
		"1.0.0! 2.0.0-rc.1":        "2.0.0-rc.1",
		"1.0.0! 2.0.0-rc.1! 0.1.0": "0.1.0",
		"1.0.0! 2.0.0-rc.1!":       "1.0.0",
		"":                         "",
	} {
		var entries []*index.Entry
		for _, v := range strings.Fields(list) {
			version, yanked := strings.CutSuffix(v, "!")
			entries = append(entries, &index.Entry{Vers: version, Yanked: yanked})
		}
		for range 3 {
			got := ""
			if e := Newest(entries); e != nil {
				got = e.Vers
			}
			if got != want {
				t.Errorf("%s: %q, want %q", list, got, want)
			}
			slices.Reverse(entries)
		}
	}
}
