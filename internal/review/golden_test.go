package review

import (
	"bytes"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
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

// Whatever is done to a valid change outside the line that it adds, it does not
// pass any more.
func TestMutationsDoNotPass(t *testing.T) {
	base := tree(t, []*index.Entry{
		entry("hello", "1.0.0"), entry("hello", "1.1.0"), entry("other", "1.0.0"), entry("team/tool", "1.0.0"),
	}, "policy.yaml", "names: {}\n", "owners/ot/he/other.yaml", "reviewers: [ann]\n", "README.md", "# Index\n")
	head := maps.Clone(base)
	head["he/ll/hello"] = &fstest.MapFile{
		Data: append(slices.Clone(base["he/ll/hello"].Data), append(entry("hello", "1.2.0").AppendLine(nil), '\n')...), Mode: 0o644,
	}
	if r := mustJudge(t, base, head); r.Verdict != Pass {
		t.Fatalf("the change itself does not pass:\n%s", r.JSON())
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		mutant, what := mutate(rnd, head, len(base["he/ll/hello"].Data))
		if r := mustJudge(t, base, mutant); r.Verdict == Pass {
			t.Fatalf("mutation %d, %s, passes:\n%s", i, what, r.JSON())
		}
	}
}

// mutate changes one thing in a tree. Of the file he/ll/hello it changes only
// the first keep bytes, which are those of the base.
func mutate(rnd *rand.Rand, head fstest.MapFS, keep int) (fstest.MapFS, string) {
	m := maps.Clone(head)
	names := slices.Sorted(maps.Keys(m))
	name := names[rnd.IntN(len(names))]
	file := *m[name]
	file.Data = slices.Clone(file.Data)
	m[name] = &file
	limit := len(file.Data)
	if name == "he/ll/hello" {
		limit = keep
	}
	at := rnd.IntN(limit)
	switch rnd.IntN(10) {
	case 0:
		old := file.Data[at]
		for file.Data[at] == old {
			file.Data[at] = byte(rnd.IntN(256))
		}
		return m, "another byte in " + name
	case 1:
		file.Data = slices.Insert(file.Data, at, byte(rnd.IntN(256)))
		return m, "one byte more in " + name
	case 2:
		file.Data = slices.Delete(file.Data, at, at+1)
		return m, "one byte less in " + name
	case 3:
		file.Mode = []fs.FileMode{0o755, fs.ModeSymlink | 0o777, fs.ModeIrregular}[rnd.IntN(3)]
		return m, "another mode of " + name
	case 4:
		delete(m, name)
		return m, name + " deleted"
	case 5:
		delete(m, name)
		m[name+"x"] = &file
		return m, name + " renamed"
	case 6:
		file.Data = bytes.ReplaceAll(file.Data, []byte("\n"), []byte("\r\n"))
		return m, "CRLF in " + name
	case 7:
		file.Data = bytes.TrimSuffix(file.Data, []byte("\n"))
		return m, "no newline at the end of " + name
	case 8:
		lines := bytes.SplitAfter(file.Data[:limit], []byte("\n"))
		line := slices.Clone(lines[rnd.IntN(len(lines)-1)])
		file.Data = append(line, file.Data...)
		return m, "a line of " + name + " twice"
	default:
		extra := []string{"he/ll/hello2", "HE/LL/hello", "he/hello", "x.json", "owners/he/ll/hello.yaml", ".github/workflows/x.yml", "he/ll/hello.orig", "trust/root"}
		added := extra[rnd.IntN(len(extra))]
		m[added] = &fstest.MapFile{Data: []byte(strings.Repeat("x", 1+rnd.IntN(5))), Mode: 0o644}
		return m, added + " added"
	}
}
