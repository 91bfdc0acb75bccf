package review

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/clydepm/clyde/index"
)

// Reports as a machine gets them.
func TestGoldenReports(t *testing.T) {
	base := []*index.Entry{entry("hello", "1.0.0"), entry("gone", "1.0.0", yanked)}
	plus := func(more ...*index.Entry) []*index.Entry { return append(slices.Clone(base), more...) }
	for name, head := range map[string]fstest.MapFS{
		"pass": tree(t, plus(entry("hello", "1.0.1"))),
		"warn": tree(t, plus(entry("hello", "1.2.0", licensed("Apache-2.0"), depends("gone", "^1")))),
		"new":  tree(t, plus(entry("he1lo", "0.1.0"))),
		"fail": tree(t, plus(entry("hello", "1.0.1", depends("nope", "^1"), func(e *index.Entry) {
			e.Pubtime = "2031-01-01T00:00:00Z"
		}))),
		"refused": tree(t, []*index.Entry{entry("hello", "1.0.0", licensed("ISC\x1b]0;title\x07"))}, "notes \u202etxt", "x"),
		"policy":  tree(t, base, "policy.yaml", "names: {reserved: [std]}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			r := mustJudge(t, tree(t, base), head)
			golden(t, "testdata/reports/"+name+".json", r.JSON())
		})
	}
}
