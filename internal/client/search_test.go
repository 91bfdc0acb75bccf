package client

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
		found, err := Query{Text: query, Yanked: true}.search(t.Context(), "r", namesOf(all))
		must(t, err)
		for _, m := range found {
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

// TestSearchFollowsTheCommit compares what is found after an update with what a
// new copy finds.
func TestSearchFollowsTheCommit(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "alpha 1.0.0", "beta 1.0.0", "Gamma 1.0.0 first")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path}).(*gitRegistry)
	search := func() []Match {
		t.Helper()
		found, err := r.Search(t.Context(), Query{Text: "a"})
		must(t, err)
		return found
	}
	search()
	u.publish("delta 0.1.0", "Gamma 2.0.0 second")
	u.commit(map[string]string{"be/ta/beta": "", "al/ph/alpha": "not a line\n"})
	if _, err := r.Update(t.Context(), UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	updated := search()
	must(t, r.Close())
	must(t, os.RemoveAll(r.copy.folder()))
	if diff := cmp.Diff(search(), updated, cmp.AllowUnexported(Match{})); diff != "" {
		t.Errorf("-from nothing +updated\n%s", diff)
	}
	var found []string
	for _, m := range updated {
		found = append(found, m.Name+" "+m.Description)
	}
	if got := strings.Join(found, ", "); got != "Gamma second, delta " {
		t.Errorf("found %s", got)
	}
}

// TestYankedIsFoundWhenAskedFor sees that packages of which nothing can be used
// do not stand in the way.
func TestYankedIsFoundWhenAskedFor(t *testing.T) {
	all := namesOf([]Summary{{Name: "json"}, {Name: "jsonnet", Yanked: true}})
	for query, want := range map[Query]string{
		{Text: "json"}:               "json",
		{Text: "json", Yanked: true}: "json jsonnet",
		{Text: "jsonnet"}:            "jsonnet",
	} {
		found, err := query.search(t.Context(), "r", all)
		must(t, err)
		var names []string
		for _, m := range found {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%+v: %q, want %q", query, got, want)
		}
	}
}
