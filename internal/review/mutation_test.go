package review

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

// mutations is how many are made of each kind of change: all of them where
// nothing may be left out, and a few otherwise.
func mutations() int {
	if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
		return 10_000
	}
	return 400
}

// A change that was made from a valid one at random passes only if a judge who
// shares no code with this package calls it a valid change, too. It is written
// from the documents alone: see oracle.
func TestMutations(t *testing.T) {
	for i, valid := range validChanges(t) {
		t.Run(valid.about, func(t *testing.T) {
			t.Parallel()
			mutateChange(t, valid, rand.New(rand.NewPCG(2026, uint64(i))))
		})
	}
}

func mutateChange(t *testing.T, valid validChange, rnd *rand.Rand) {
	oracle := newOracle(t, valid)
	if r := mustJudge(t, valid.base, valid.head); r.Verdict != Pass || r.Change.Kind != valid.kind {
		t.Fatalf("%s is %s %q: %s", valid.about, r.Verdict, r.Change.Kind, noticed(r))
	}
	if err := oracle.check(valid.head, false); err != nil {
		t.Fatalf("the oracle refuses the valid %s: %v", valid.about, err)
	}
	made, passed, escaped := 0, 0, 0
	for made < mutations() {
		m := &mutator{rnd: rnd, valid: valid, head: maps.Clone(valid.head)}
		m.mutate()
		if sameTree(m.head, valid.head) {
			continue
		}
		made++
		r := mustJudge(t, valid.base, m.head)
		if r.Verdict != Pass {
			continue
		}
		passed++
		if err := oracle.check(m.head, r.Approval == Automatic); err != nil {
			escaped++
			t.Errorf("%s: passes, and the oracle says: %v\n%s", m.what, err, m.show())
		}
	}
	t.Logf("%s: %d mutations, %d refused, %d valid changes of their own, %d escaped", valid.about, made, made-passed, passed-escaped, escaped)
	if passed > made/2 {
		t.Error("most mutations are valid changes")
	}
}

func sameTree(a, b fstest.MapFS) bool {
	return maps.EqualFunc(a, b, func(x, y *fstest.MapFile) bool { return x.Mode == y.Mode && bytes.Equal(x.Data, y.Data) })
}

// validChange is a change that passes.
type validChange struct {
	about, kind string
	base, head  fstest.MapFS
}

const (
	mutatedOwners = "# who may publish\npublishers:\n  - repository: https://github.com/example/hello\n    repository-id: 7\n    owner-id: 9\n"
	otherOwners   = "publishers:\n  - repository: https://github.com/other/hello\n    repository-id: 8\n    owner-id: 10\n"
	mutatedPolicy = "names: {similar: []}\napproval: {owners: automatic, new-package: automatic}\n"
	override      = "package: hello\nversion: 1.2.0\nrule: license/changed\nreason: all authors agreed\nby: ann\nexpires: \"2026-03-01T00:00:00Z\"\n"
)

// rich is an entry with every member that a line can have.
func rich(vers string, edit ...func(*index.Entry)) *index.Entry {
	e := entry("hello", vers, edit...)
	e.Deps = []index.Dependency{
		{Name: "other", Req: "^1.0", Kind: index.KindNormal},
		{Name: "tool", Package: "team/tool", Req: "~1.0", Optional: true, DefaultFeatures: true, Kind: index.KindBuild, Target: "cfg(unix)"},
	}
	e.Features = map[string][]string{"default": {"more"}, "more": {"tool"}}
	e.Description, e.Keywords, e.Authors = "Says hello.", []string{"greeting", "hello"}, []string{"Ann"}
	e.Homepage, e.Repository = "https://example.org/hello", "https://example.org/hello.git"
	e.Source = &index.Source{Repository: "https://github.com/example/hello", RepositoryID: 7, OwnerID: 9, Ref: "refs/tags/v" + vers, Commit: strings.Repeat("ab", 20)}
	return e
}

func validChanges(t *testing.T) []validChange {
	t.Helper()
	others := []*index.Entry{entry("other", "1.0.0"), entry("team/tool", "1.0.0")}
	public, squash := signedSquash(t)
	lay := func(lines []*index.Entry, files ...string) fstest.MapFS {
		m := tree(t, append(slices.Clone(others), lines...), append([]string{
			"policy.yaml", mutatedPolicy, "README.md", "# Index\n", "owners/ot/he/other.yaml", "reviewers: [ann]\n", "trust/index/main.pem", public,
		}, files...)...)
		m["config.json"] = &fstest.MapFile{Data: []byte(`{"dl":"https://example.org/dl","clyde":{"format":1,"name":"acme"}}` + "\n"), Mode: 0o644}
		return m
	}
	own := []string{"owners/he/ll/hello.yaml", mutatedOwners}
	owned := func(lines ...*index.Entry) fstest.MapFS { return lay(lines, own...) }
	a, b, c := rich("1.0.0"), rich("1.1.0"), rich("1.2.0")
	yank := rich("1.1.0", yanked)
	retired := rich("1.1.0", func(e *index.Entry) {
		e.Retired = &index.Retired{Reason: "deprecated", Message: "use other", Since: "2026-01-01T00:00:00Z"}
	})
	with := func(m fstest.MapFS, name, data string) fstest.MapFS {
		n := maps.Clone(m)
		n[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
		return n
	}
	full := owned(a, b)
	return []validChange{
		{"publish", "publish", full, owned(a, b, c)},
		{"first publish", "publish", lay(nil), owned(a)},
		{"yank", "yank", owned(a, b, c), owned(a, yank, c)},
		{"unyank", "unyank", owned(a, yank, c), owned(a, b, c)},
		{"retire", "retire", owned(a, b, c), owned(a, retired, c)},
		{"unretire", "unretire", owned(a, retired, c), owned(a, b, c)},
		{"owners", "owners", full, with(full, own[0], mutatedOwners+"reviewers: [ann, bob]\n")},
		{"transfer", "transfer", full, with(full, own[0], otherOwners)},
		{"register", "register", lay(nil), with(lay(nil), "sources/he/ll/hello.yaml", mutatedOwners)},
		{"policy", "policy", full, with(full, "policy.yaml", mutatedPolicy+"rules: {license/changed: fail}\nwait: {new-package: 72h}\n")},
		{"override", "policy", full, with(full, "overrides/hello.yaml", override)},
		{"squash", "squash", full, with(full, "config.json", squash)},
	}
}

// signedSquash makes a key and the config.json of a squash that it signs.
func signedSquash(t *testing.T) (public, config string) {
	t.Helper()
	private, pub, err := attest.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := attest.WithKey(private, nil, attest.Services{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	record := &index.Squash{Head: strings.Repeat("1", 40), Snapshot: "snapshot-2026-01-01-1", Date: "2026-01-01T00:00:00Z", Reason: "grown too long"}
	if record.Key, err = key.KeyID(); err != nil {
		t.Fatal(err)
	}
	if record.Signature, err = key.SignPayload(t.Context(), index.SquashPayloadType, record.Payload("acme")); err != nil {
		t.Fatal(err)
	}
	c := index.Config{DL: "https://example.org/dl", Clyde: index.ClydeConfig{Format: 1, Name: "acme", Squash: record}}
	return string(pub), string(c.Format())
}

// mutator changes one thing in the head of a change, on one of four levels: of
// bytes, of lines, of what JSON and YAML say, and of the tree.
type mutator struct {
	rnd   *rand.Rand
	valid validChange
	head  fstest.MapFS
	what  string
}

func (m *mutator) say(format string, args ...any) { m.what = fmt.Sprintf(format, args...) }

func (m *mutator) show() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.head)) {
		if old := m.valid.base[name]; old == nil || old.Mode != m.head[name].Mode || !bytes.Equal(old.Data, m.head[name].Data) {
			fmt.Fprintf(&b, "%s %v %q\n", name, m.head[name].Mode, m.head[name].Data[:min(2000, len(m.head[name].Data))])
		}
	}
	return b.String()
}

// mutate changes a file that the change is about, mostly, or else any.
func (m *mutator) mutate() {
	var changed []string
	for name, f := range m.head {
		if old := m.valid.base[name]; old == nil || !bytes.Equal(old.Data, f.Data) {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	name := pick(m.rnd, changed)
	if m.rnd.IntN(4) == 0 {
		name = pick(m.rnd, slices.Sorted(maps.Keys(m.head)))
	}
	file := *m.head[name]
	file.Data = slices.Clone(file.Data)
	m.head[name] = &file
	switch m.rnd.IntN(5) {
	case 0:
		m.bytes(name, &file)
	case 1:
		m.lines(name, &file)
	case 2, 3:
		if strings.HasSuffix(name, ".yaml") {
			m.yaml(name, &file)
			return
		}
		m.json(name, &file)
	default:
		m.tree(name, &file)
	}
}

func pick[T any](rnd *rand.Rand, all []T) T { return all[rnd.IntN(len(all))] }

// bytes changes a few bytes.
func (m *mutator) bytes(name string, f *fstest.MapFile) {
	at := m.rnd.IntN(len(f.Data))
	end := min(len(f.Data), at+1+m.rnd.IntN(20))
	odd := [][]byte{{0}, {'\r'}, {'\n'}, {' '}, {'\t'}, {0xff}, {'"'}, {'\\'}, {','}, {'}'}, []byte("\u202e"), []byte("é"), []byte("\ufeff")}
	switch m.rnd.IntN(8) {
	case 0:
		f.Data[at] = byte(m.rnd.IntN(256))
		m.say("byte %d of %s replaced", at, name)
	case 1:
		f.Data[at] ^= 1 << m.rnd.IntN(8)
		m.say("bit of byte %d of %s flipped", at, name)
	case 2:
		f.Data = slices.Delete(f.Data, at, end)
		m.say("bytes %d to %d of %s deleted", at, end, name)
	case 3:
		f.Data = slices.Insert(f.Data, at, f.Data[at:end]...)
		m.say("bytes %d to %d of %s twice", at, end, name)
	case 4:
		f.Data = slices.Insert(f.Data, at, pick(m.rnd, odd)...)
		m.say("an odd character at %d of %s", at, name)
	case 5:
		f.Data = f.Data[:at]
		m.say("%s cut at %d", name, at)
	case 6:
		f.Data[at] = "0123456789abcdefXYZ-_./"[m.rnd.IntN(23)]
		m.say("letter %d of %s replaced", at, name)
	default:
		other := m.rnd.IntN(len(f.Data))
		f.Data[at], f.Data[other] = f.Data[other], f.Data[at]
		m.say("bytes %d and %d of %s swapped", at, other, name)
	}
}

// lines moves, repeats or drops whole lines, or changes how they end.
func (m *mutator) lines(name string, f *fstest.MapFile) {
	lines := bytes.SplitAfter(bytes.TrimSuffix(f.Data, []byte("\n")), []byte("\n"))
	lines[len(lines)-1] = append(slices.Clone(lines[len(lines)-1]), '\n')
	i, j := m.rnd.IntN(len(lines)), m.rnd.IntN(len(lines))
	switch m.rnd.IntN(9) {
	case 0:
		lines = slices.Delete(lines, i, i+1)
	case 1:
		lines[i], lines[j] = lines[j], lines[i]
	case 2:
		lines = slices.Insert(lines, i, lines[j])
	case 3:
		lines = slices.Insert(lines, i, pick(m.rnd, [][]byte{[]byte("\n"), []byte(" \n"), []byte("{}\n"), []byte("null\n"), []byte("# x\n"), []byte("<<<<<<< HEAD\n"), []byte("---\n")}))
	case 4:
		lines[i] = bytes.TrimSuffix(lines[i], []byte("\n"))
	case 5:
		lines[i] = append(bytes.TrimSuffix(slices.Clone(lines[i]), []byte("\n")), "\r\n"...)
	case 6:
		lines = slices.Insert(lines, i, append(rich("1.0.0+build").AppendLine(nil), '\n'))
	case 7:
		lines = slices.Insert(lines, i, append(rich("2.0."+strconv.Itoa(m.rnd.IntN(9)), func(e *index.Entry) {
			if m.rnd.IntN(2) == 0 {
				e.Name = pick(m.rnd, []string{"Hello", "hellO", "he-llo", "other", "hello2"})
			}
		}).AppendLine(nil), '\n'))
	default:
		if m.rnd.IntN(50) == 0 { // slow, so not often
			lines = slices.Insert(lines, i, append(bytes.Repeat([]byte("x"), index.MaxLineSize+1), '\n'))
		} else {
			lines = lines[:i]
		}
	}
	f.Data = bytes.Join(lines, nil)
	m.say("lines %d and %d of %s", i, j, name)
}

// member is one member of an object in a line, as it is written.
var member = regexp.MustCompile(`"([a-z_0-9]+)":("(?:[^"\\]|\\.)*"|[0-9]+|true|false|null|\[[^][{}]*\])`)

// json changes one member.
func (m *mutator) json(name string, f *fstest.MapFile) {
	all := member.FindAllSubmatchIndex(f.Data, -1)
	if len(all) == 0 {
		m.bytes(name, f)
		return
	}
	at := pick(m.rnd, all)
	whole, key, value := string(f.Data[at[0]:at[1]]), string(f.Data[at[2]:at[3]]), string(f.Data[at[4]:at[5]])
	values := []string{
		"null", "true", "false", "0", "-1", "1.5", "1e3", "9999999999999999999", `""`, `"x"`, `" x"`, `"\u202e"`, `"\u001b[0m"`, `"a\nb"`, "[]", `["x"]`, `["x","x"]`, "{}", `{"x":1}`, "[[[]]]",
		`"../x"`, `"javascript:x"`, `"http://example.org"`, `"*"`, `"^99"`, `"1.0.0"`, `"con"`, `"` + strings.Repeat("0", 64) + `"`, `"` + strings.Repeat("A", 64) + `"`, value + "0",
	}
	mutated := ""
	switch m.rnd.IntN(9) {
	case 0:
	case 1:
		mutated = whole + "," + whole
	case 2:
		mutated = fmt.Sprintf("%q:%s,%s", key, pick(m.rnd, values), whole)
	case 3, 4, 5:
		mutated = fmt.Sprintf("%q:%s", key, pick(m.rnd, values))
	case 6:
		mutated = fmt.Sprintf("%q:%s", pick(m.rnd, []string{strings.ToUpper(key), key + " ", key + "2", "x", "é", "yanked", "v", "name"}), value)
	case 7:
		mutated = pick(m.rnd, []string{whole + " ", " " + whole, fmt.Sprintf("%q: %s", key, value), fmt.Sprintf("%q :%s", key, value), fmt.Sprintf("\"\\u%04x%s\":%s", key[0], key[1:], value)})
	default:
		mutated = whole + "," + pick(m.rnd, []string{`"v":1`, `"v":2`, `"v":3`, `"yanked":true`, `"retired":{"reason":"other"}`, `"links":"x"`, `"size":1`, `"x":{}`, `"features2":{}`, `"retired":{}`, `"retired":null`})
	}
	f.Data = slices.Concat(f.Data[:at[0]], []byte(mutated), f.Data[at[1]:])
	f.Data = bytes.ReplaceAll(bytes.ReplaceAll(bytes.ReplaceAll(f.Data, []byte(",,"), []byte(",")), []byte("{,"), []byte("{")), []byte(",}"), []byte("}"))
	m.say("%s of %s becomes %s", whole, name, mutated)
}

// yaml changes one key or value.
func (m *mutator) yaml(name string, f *fstest.MapFile) {
	lines := strings.SplitAfter(string(f.Data), "\n")
	i := m.rnd.IntN(len(lines) - 1)
	key, value, _ := strings.Cut(strings.TrimSuffix(lines[i], "\n"), ":")
	switch m.rnd.IntN(8) {
	case 0:
		lines[i] += lines[i]
	case 1:
		lines[i] = key + "s:" + value + "\n"
	case 2:
		lines[i] = key + ": " + pick(m.rnd, []string{"null", "true", "off", "0", "-1", "1.5", "[]", "{}", "x", "''", "&a x", "*a", "!!int 3", "|", "1e3", "0x10", "[a, a]", "{a: b}", "\"\\u202e\"", "http://example.org/x", "https://example.org/x", "\"2025-01-01T00:00:00Z\"", "delta/append-only", "automatic"}) + "\n"
	case 3:
		lines[i] = strings.Replace(lines[i], ":", pick(m.rnd, []string{":\t", " :", "::", "", ": &x", ": !!str"}), 1)
	case 4:
		lines[i] = pick(m.rnd, []string{" ", "  ", "\t", "- ", "? "}) + lines[i]
	case 5:
		lines[i] += pick(m.rnd, []string{"x: y\n", "<<: {a: b}\n", "reviewers: [eve]\n", "rules: {delta/mode: off}\n", "rules: {name/similar: off}\n", "version: 9.9.9\n", "...\n", "%YAML 1.2\n", "---\n{}\n"})
	case 6:
		lines[i] = strings.ToUpper(key) + ":" + value + "\n"
	default:
		lines[i] = strings.TrimLeft(lines[i], " ")
	}
	f.Data = []byte(strings.Join(lines, ""))
	m.say("line %d of %s is now %q", i+1, name, lines[i])
}

// tree changes what files there are.
func (m *mutator) tree(name string, f *fstest.MapFile) {
	somewhere := []string{
		"he/ll/hello2", "he/ll/he-llo", "he/l-/he-l", "HE/LL/HELLO", "he/ll/Hello", "he/hello", "hello", "x.json", "acme/x.json", "acme/x", "overrides/x.yaml", "overrides/X.yaml", "overrides/a/b.yaml", "overrides/x.yml",
		"owners/he/ll/hello.yaml", "owners/ne/wo/newone.yaml", "sources/ne/wo/newone.yaml", "sources/x", ".github/workflows/x.yml", ".github/x.json", "trust/root", "trust/x.json", "he/ll/hello.orig", "Makefile",
		".gitmodules", ".gitattributes", "config.json.bak", "policy.yml", "POLICY.YAML", "CODEOWNERS", "docs/CODEOWNERS", "con", "a b", "con/aux.json",
	}
	switch m.rnd.IntN(6) {
	case 0:
		f.Mode = pick(m.rnd, []fs.FileMode{0o755, 0o744, fs.ModeSymlink | 0o777, fs.ModeIrregular, fs.ModeNamedPipe, fs.ModeSymlink})
		m.say("%s has mode %v", name, f.Mode)
	case 1:
		delete(m.head, name)
		m.say("%s is gone", name)
	case 2:
		to := pick(m.rnd, somewhere)
		delete(m.head, name)
		m.head[to] = f
		m.say("%s is renamed to %s", name, to)
	case 3:
		to := pick(m.rnd, somewhere)
		m.head[to] = f
		m.say("%s is copied to %s", name, to)
	case 4:
		to := pick(m.rnd, slices.Sorted(maps.Keys(m.head)))
		m.head[to], m.head[name] = f, m.head[to]
		m.say("%s and %s swap places", name, to)
	default:
		to := pick(m.rnd, somewhere)
		m.head[to] = &fstest.MapFile{Data: []byte(pick(m.rnd, []string{"", "x", "{}\n", "reviewers: [eve]\n", override})), Mode: 0o644}
		m.say("%s is added", to)
	}
}
