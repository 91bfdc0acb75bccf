package client

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/index"
)

func TestRanking(t *testing.T) {
	all := []Summary{
		{Name: "json-c"},
		{Name: "rapidjson"},
		{Name: "my-json"},
		{Name: "Json"},
		{Name: "jsonnet", Yanked: true},
		{Name: "jsonschema"},
		{Name: "bson", Description: "Binary json"},
		{Name: "yaml", Description: "Not xjson"},
		{Name: "cereal", Keywords: []string{"JSON"}},
		{Name: "jsom"},
		{Name: "fmt"},
	}
	names := func(query string) string {
		var names []string
		for _, m := range (Query{Text: query}).rank("r", all) {
			names = append(names, m.Name)
		}
		return strings.Join(names, " ")
	}
	for query, want := range map[string]string{
		"json":      "Json json-c jsonschema jsonnet my-json rapidjson cereal bson yaml jsom",
		"JSON C":    "json-c jsonschema cereal",
		"json_c":    "json-c",
		"schmea":    "",
		"rapidjsno": "rapidjson",
		"json xyz":  "",
		"":          "",
		"binary":    "bson",
	} {
		if got := names(query); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

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

// TestSearchFileFollowsTheCommit compares the file that is brought up to date
// with one made from nothing.
func TestSearchFileFollowsTheCommit(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "alpha 1.0.0", "beta 1.0.0", "Gamma 1.0.0 first")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path}).(*gitRegistry)
	search := func() string {
		t.Helper()
		if _, err := r.Search(t.Context(), Query{Text: "a"}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(r.copy.searchFile())
		must(t, err)
		return string(data)
	}
	search()
	u.publish("delta 0.1.0", "Gamma 2.0.0 second")
	u.commit(map[string]string{"be/ta/beta": "", "al/ph/alpha": "not a line\n"})
	if _, err := r.Update(t.Context(), UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	updated := search()
	must(t, os.Remove(r.copy.searchFile()))
	must(t, r.Close())
	if diff := cmp.Diff(search(), updated); diff != "" {
		t.Errorf("-from nothing +updated\n%s", diff)
	}
	if !strings.Contains(updated, "second") || strings.Contains(updated, "beta") || strings.Contains(updated, "alpha") {
		t.Errorf("content:\n%s", updated)
	}
	// A file that is torn or of another format is made again.
	for _, bad := range []string{"", "{", `{"format":99,"commit":"x","count":1}`, updated[:len(updated)/2], `{"format":1,"commit":"` + u.head + `","count":99999999}`} {
		must(t, os.WriteFile(r.copy.searchFile(), []byte(bad), 0o644))
		must(t, r.Close())
		if diff := cmp.Diff(updated, search()); diff != "" {
			t.Errorf("after %q:\n%s", bad, diff)
		}
	}
}
