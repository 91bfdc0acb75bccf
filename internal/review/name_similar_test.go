package review

import (
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clydepm/clyde/index"
)

func TestResembles(t *testing.T) {
	policy := DefaultNamePolicy()
	policy.Popular = []string{"serde", "tokio-util"}
	for _, c := range []struct {
		name, other string
		want        bool
	}{
		// slips of the finger
		{"greeting", "greetinh", true},
		{"greeting", "greting", true},
		{"greeting", "greettings", false},
		{"hello", "hellp", false}, // five letters have too many neighbours
		{"serialization", "serialisation", true},
		{"serialization", "serialisatoin", false},
		{"deserialization", "deserialisatoin", true},
		{"deserialization", "deserialisatoins", false},
		// swapped neighbours
		{"hello", "hlelo", true},
		{"hell", "hlel", false},
		{"hello", "ehlol", false},
		// of a popular name
		{"serfe", "serde", true},
		{"serd", "serde", true},
		{"sefr", "serde", false},
		{"tokio-utilss", "tokio-util", true},
		// looks
		{"barn", "bam", true},
		{"vvin", "win", true},
		{"he1l0", "hello", true},
		{"libz", "lib2", true},
		{"clog", "dog", true},
		{"log", "1og", true},
		{"log", "iog", true},
		{"log", "dog", false},
		// separators and plurals
		{"httpclient", "http-client", true},
		{"a-b-c", "abc", true},
		{"tool", "tools", true},
		{"glass", "glas", false}, // no plural
		{"bus", "bu", false},
		// parts in another order
		{"client-http", "http_client", true},
		{"clients-http", "http.client", true},
		{"c-b-a", "a-b-c", true},
		{"client-http", "http-server", false},
		{"e-d-c-b-a", "a-b-c-d-e", false}, // too many orders
		// scopes
		{"acme-hello", "acme/hello", true},
		{"acme/hello", "acne/hello", true},
	} {
		if got := newResembler(c.name, &policy).resembles(foldScoped(c.other)); got != c.want {
			t.Errorf("%s and %s: %v", c.name, c.other, got)
		}
	}
	off := NamePolicy{}
	for _, other := range []string{"hellp", "he1lo", "hellos"} {
		if newResembler("hello", &off).resembles(other) {
			t.Errorf("hello and %s are similar with everything off", other)
		}
	}
}

// The folders that a search reads are enough: it finds what a comparison with
// every name does.
func TestFindSimilarReadsEnough(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 2))
	names := confusableNames(rnd, 1500)
	m := folders{}
	for i, name := range names {
		p, err := index.Path(name)
		if i%7 == 0 {
			p, err = index.SourcePath(name)
		}
		if err != nil {
			t.Fatal(err)
		}
		m.add(p)
	}
	policy := DefaultNamePolicy()
	policy.Similar = []Similarity{{3, 1}, {8, 2}}
	policy.Popular = names[:20]
	found := 0
	for _, name := range confusableNames(rnd, 150) {
		want := allSimilar(name, names, &policy)
		got, err := findSimilar(m, name, &policy)
		if err != nil {
			t.Fatal(err)
		}
		got = slices.DeleteFunc(got, func(n string) bool { return strings.HasSuffix(n, "/") })
		if len(want) > len(got) && len(got) < 5 || slices.ContainsFunc(got, func(n string) bool { return !slices.Contains(want, n) }) {
			t.Errorf("%s: found %v, want %v", name, got, want)
		}
		found += len(got)
	}
	if found < 50 {
		t.Errorf("only %d similar names found", found)
	}
}

// folders is a tree of empty files, which lists its folders fast.
type folders map[string][]fs.DirEntry

func (f folders) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (f folders) ReadDir(name string) ([]fs.DirEntry, error) { return f[name], nil }

func (f folders) add(name string) {
	one, err := fstest.MapFS{name: {Mode: 0o644}}.Stat(name)
	for ; err == nil && name != "."; name = path.Dir(name) {
		dir := path.Dir(name)
		if !slices.ContainsFunc(f[dir], func(e fs.DirEntry) bool { return e.Name() == path.Base(name) }) {
			f[dir] = append(f[dir], fs.FileInfoToDirEntry(one))
		}
		one, err = fstest.MapFS{dir: {Mode: fs.ModeDir | 0o755}}.Stat(dir)
	}
}

// allSimilar compares with every name.
func allSimilar(name string, names []string, policy *NamePolicy) []string {
	r := newResembler(name, policy)
	scope, _, scoped := strings.Cut(name, "/")
	var similar []string
	for _, other := range names {
		if other != name && !(scoped && strings.HasPrefix(other, scope+"/")) && r.resembles(foldScoped(other)) {
			similar = append(similar, other)
		}
	}
	slices.Sort(similar)
	return similar
}

// confusableNames makes valid names of few letters and parts, so that many are
// similar.
func confusableNames(rnd *rand.Rand, n int) []string {
	syllables := []string{"a", "rn", "m", "vv", "w", "lo", "1o", "i0", "ser", "de", "cl", "d", "s", "se5", "to", "ki", "-", "-", "_", "x"}
	names := map[string]bool{}
	for len(names) < n {
		var b strings.Builder
		for range 1 + rnd.IntN(6) {
			b.WriteString(syllables[rnd.IntN(len(syllables))])
		}
		name := b.String()
		if rnd.IntN(10) == 0 {
			name = []string{"acme/", "acne/", "other/"}[rnd.IntN(3)] + name
		}
		if index.CheckName(name) == nil {
			names[name] = true
		}
	}
	var all []string
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
