package lockfile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
)

func digest(c byte) string { return strings.Repeat(string(c), 64) }

func example() *lockfile.Lock {
	return &lockfile.Lock{
		Registries: []lockfile.Registry{
			{Name: "main", URL: "https://git.example.org/index.git", Kind: "git", Commit: strings.Repeat("c", 40)},
		},
		Requirements: []lockfile.Requirement{
			{Name: "spdlog", Req: "^1.12", Registry: "main", Kind: index.KindNormal},
			{Name: "json", Req: ">=3, <4", Registry: "main", Package: "nlohmann-json", Features: []string{"fast"}, NoDefaultFeatures: true, Optional: true, Kind: index.KindNormal},
			{Name: "catch", Req: "^3", Registry: "main", Kind: index.KindDev},
			{Name: "winapi", Req: "*", Registry: "main", Target: `cfg(target_os = "windows")`, Kind: index.KindNormal},
		},
		Packages: []lockfile.Package{{
			Name: "spdlog", Version: "1.14.1", Registry: "main", Cksum: digest('a'), DL: "https://dl.example.org/spdlog.tar.gz", Size: 120,
			Features: []string{"std"},
			Dependencies: []lockfile.Dependency{
				{Name: "fmt", Req: "^10.1", Kind: index.KindNormal},
				{Name: "winapi", Req: "^0.3", Target: `cfg(target_os = "windows")`, Kind: index.KindNormal, Optional: true},
				{Name: "cmake", Req: "*", Kind: index.KindBuild},
			},
			External: []string{"apt:libc6-dev"},
		}, {
			Name: "fmt", Version: "10.2.1", Registry: "main", Cksum: digest('b'),
			Builds: []lockfile.Build{{Platform: "linux-x86_64", DL: "file:///builds/fmt.tar.gz", Cksum: digest('d'), Size: 9}},
		}, {
			Name: "nlohmann-json", Version: "3.11.3", Registry: "main", Cksum: digest('e'),
		}, {
			Name: "winapi", Version: "0.3.9", Registry: "main", Cksum: digest('f'),
		}, {
			Name: "cmake", Version: "3.28.0", Registry: "main", Cksum: digest('1'),
		}, {
			Name: "catch", Version: "3.5.2", Registry: "main", Cksum: digest('2'), Dependencies: []lockfile.Dependency{{Name: "fmt", Req: "*", Kind: index.KindNormal}},
		}},
	}
}

// TestFixtureOfEveryVersion reads the lock that each released format version
// left behind. These files never change.
func TestFixtureOfEveryVersion(t *testing.T) {
	data, err := os.ReadFile("testdata/v1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Parse("v1.jsonl", data)
	if err != nil {
		t.Fatal(err)
	}
	if got := lock.Bytes(); !bytes.Equal(got, data) {
		t.Errorf("version 1 is written differently now:\n%s\nwas\n%s", got, data)
	}
	if got := example().Bytes(); !bytes.Equal(got, data) {
		t.Errorf("the example is written\n%s\nnot\n%s", got, data)
	}
}

func TestBytesDoNotDependOnOrder(t *testing.T) {
	want := example().Bytes()
	shuffled := example()
	slices.Reverse(shuffled.Packages)
	slices.Reverse(shuffled.Requirements)
	slices.Reverse(shuffled.Packages[5].Dependencies)
	if got := shuffled.Bytes(); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseLinesInAnyOrderAndLineEnding(t *testing.T) {
	want := example().Bytes()
	lines := bytes.Split(bytes.TrimSpace(want), []byte("\n"))
	slices.Reverse(lines[1:])
	lock, err := lockfile.Parse("lock", bytes.Join(lines, []byte("\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if got := lock.Bytes(); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(example().Bytes())
	change := func(old, with string) string {
		changed := strings.Replace(good, old, with, 1)
		if changed == good {
			t.Fatalf("%q is not in the lock", old)
		}
		return changed
	}
	without := func(prefix string) string {
		var kept []string
		for line := range strings.Lines(good) {
			if !strings.HasPrefix(line, prefix) {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	fmtLine := good[strings.Index(good, `{"name":"fmt","version"`):]
	fmtLine = fmtLine[:strings.Index(fmtLine, "\n")+1]
	for _, tt := range []struct{ name, lock, want string }{
		{"empty", "", "lock:1:1: the lock is empty: its header is missing"},
		{"no header", without(`{"lock"`), "lock:1:1: lock: the first line is not the header of a lock"},
		{"version zero", change(`"lock":1`, `"lock":0`), "lock:1:1: lock: 0 is not a format version"},
		{"version as text", change(`"lock":1`, `"lock":"1"`), `lock:1:1: lock: "1" is not a format version`},
		{"cut short", good[:len(good)-9], "lock:7:"},
		{"unknown member", change(`"size":120`, `"sighs":120`), "lock:6:174: sighs: a lock of this version has no such member"},
		{"member twice", change(`"size":120`, `"size":120,"size":121`), "lock:6:185: size: the member is there twice"},
		{"wrong type", change(`"size":120`, `"size":"120"`), "lock:6:181: size: unexpected string; an integer belongs here"},
		{"wrong type inside", change(`"name":"fmt","req":"^10.1"`, `"name":"fmt","req":{}`), "lock:6:"},
		{"locked twice", good + fmtLine, "lock:8:1: name: fmt is locked twice, first in line 4"},
		{"missing package", without(`{"name":"fmt"`), "lock:2:1: dependencies[0].name: fmt is needed here but not locked"},
		{"missing requirement", without(`{"name":"nlohmann-json"`), "lock:1:1: dependencies[1].name: nlohmann-json is needed here but not locked"},
		{"does not fit", change(`"fmt","version":"10.2.1"`, `"fmt","version":"9.1.0"`), "lock:6:1: dependencies[1].req: fmt ^10.1 is needed here but locked at 9.1.0"},
		{"bad digest", change(digest('a'), strings.Repeat("A", 64)), "lock:6:1: cksum: "},
		{"short digest", change(digest('a'), "aa"), "lock:6:1: cksum: "},
		{"bad build digest", change(digest('d'), ""), "lock:4:1: builds[0].cksum: "},
		{"bad platform", change("linux-x86_64", "amiga"), "lock:4:1: builds[0].platform: "},
		{"bad version", change("10.2.1", "10.2"), "lock:4:1: version: "},
		{"bad name", change(`"name":"cmake","version"`, `"name":"../x","version"`), "lock:3:1: name: "},
		{"bad requirement", change(`"req":"^10.1"`, `"req":"ten"`), "lock:6:1: dependencies[1].req: "},
		{"bad target", change(`"req":"^0.3","target":"cfg(target_os`, `"req":"^0.3","target":"cfg((target_os`), "lock:6:1: dependencies[2].target: "},
		{"bad kind", change(`"kind":"build"`, `"kind":"dev"`), "lock:6:1: dependencies[0].kind: "},
		{"bad kind of requirement", change(`"kind":"dev"`, `"kind":"deev"`), "lock:1:1: dependencies[0].kind: "},
		{"negative size", change(`"size":120`, `"size":-1`), "lock:6:1: size: -1 is not a size"},
		{"relative URL", change("https://dl.example.org/", ""), "lock:6:1: dl: "},
		{"credentials", change("https://dl.example.org/", "https://token@dl.example.org/"), "lock:6:1: dl: the URL holds credentials"},
		{"credentials of a registry", change("https://git.example.org/", "https://u:p@git.example.org/"), "lock:1:1: registries[0].url: the URL holds credentials"},
		{"bad commit", change(strings.Repeat("c", 40), "main"), "lock:1:1: registries[0].commit: "},
		{"unknown registry", change(`"version":"10.2.1","registry":"main"`, `"version":"10.2.1","registry":"corp"`), `lock:4:1: registry: registry "corp" is not in the header`},
		{"conflict markers", change(`{"name":"fmt","version"`, "<<<<<<< HEAD\n"+`{"name":"fmt","version"`), `lock:4:1: "<<<<<<<" is a conflict marker: a merge was not finished here`},
		{"end of a conflict", good + ">>>>>>> topic\n", `lock:8:1: ">>>>>>>" is a conflict marker: a merge was not finished here`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lock, err := lockfile.Parse("lock", []byte(tt.lock))
			var problems lockfile.Problems
			if !errors.As(err, &problems) || lock != nil {
				t.Fatalf("got %v, %v", lock, err)
			}
			if !strings.HasPrefix(problems.Error(), tt.want) {
				t.Errorf("got  %s\nwant %s", problems, tt.want)
			}
			if problems.Hint() == "" {
				t.Error("no hint")
			}
		})
	}
}

func TestParseReportsAllProblems(t *testing.T) {
	text := strings.NewReplacer(digest('a'), "x", digest('b'), "y", `"size":120`, `"size":-1`).Replace(string(example().Bytes()))
	_, err := lockfile.Parse("lock", []byte(text))
	var problems lockfile.Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("got %v", err)
	}
}

func TestParseNewerVersion(t *testing.T) {
	_, err := lockfile.Parse("lock", []byte(`{"lock":2,"shards":[]}`+"\n"+`{"unknown":1}`))
	var newer *lockfile.NewerVersionError
	if !errors.As(err, &newer) || newer.Version != 2 || newer.Hint() == "" {
		t.Fatalf("got %v", err)
	}
}

func TestSelect(t *testing.T) {
	linux := index.Platform{OS: "linux", Arch: "x86_64"}
	windows := index.Platform{OS: "windows", Arch: "x86_64"}
	for _, tt := range []struct {
		name      string
		selection lockfile.Selection
		want      string
	}{
		{"linux", lockfile.Selection{Platform: linux}, "cmake fmt spdlog"},
		{"windows", lockfile.Selection{Platform: windows}, "cmake fmt spdlog winapi"},
		{"development", lockfile.Selection{Platform: linux, Dev: true}, "catch cmake fmt spdlog"},
		{"optional", lockfile.Selection{Platform: linux, Optional: []string{"json"}}, "cmake fmt nlohmann-json spdlog"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lock, err := lockfile.Parse("lock", example().Bytes())
			if err != nil {
				t.Fatal(err)
			}
			packages, err := lock.Select(tt.selection)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(packages); got != tt.want {
				t.Errorf("got %s; want %s", got, tt.want)
			}
		})
	}
	broken := example()
	broken.Packages = broken.Packages[:1]
	if _, err := broken.Select(lockfile.Selection{}); err == nil {
		t.Error("a dependency that is not locked was not noticed")
	}
}

func names(packages []lockfile.Package) string {
	var names []string
	for _, p := range packages {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

func TestCompare(t *testing.T) {
	before, after := example(), example()
	after.Packages[0].Version = "1.15.0"
	after.Packages[1].DL = "https://mirror.example.org/fmt.tar.gz"
	after.Packages[2] = lockfile.Package{Name: "yyjson", Version: "0.9.0", Registry: "main", Cksum: digest('9')}
	c := lockfile.Compare(before, after)
	if names(c.Added) != "yyjson" || names(c.Removed) != "nlohmann-json" || c.Unchanged != 3 || len(c.Changed) != 2 {
		t.Fatalf("got %+v", c)
	}
	if fmtChange, spdlog := c.Changed[0], c.Changed[1]; fmtChange.Moved() || !spdlog.Moved() || spdlog.Before.Version != "1.14.1" {
		t.Errorf("got %+v", c.Changed)
	}
	if c := lockfile.Compare(before, example()); !c.Same() || c.Unchanged != 6 {
		t.Errorf("equal locks differ: %+v", c)
	}
	if c := lockfile.Compare(nil, before); len(c.Added) != 6 || c.Same() {
		t.Errorf("against nothing: %+v", c)
	}
}

func TestDrift(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*lockfile.Lock)
		want   []string
	}{
		{"none", func(*lockfile.Lock) {}, nil},
		{"another spelling", func(l *lockfile.Lock) { l.Requirements[0].Req = "1.12"; l.Requirements[1].Req = ">= 3,<4" }, nil},
		{"requirement", func(l *lockfile.Lock) { l.Requirements[0].Req = "^2" }, []string{"spdlog: the lock was made for ^1.12, the manifest has ^2"}},
		{"registry", func(l *lockfile.Lock) { l.Requirements[0].Registry = "corp" }, []string{"spdlog: the lock has it from registry main, the manifest from corp"}},
		{"features", func(l *lockfile.Lock) { l.Requirements[1].Features = nil }, []string{"json: its features, target or options have changed"}},
		{"added", func(l *lockfile.Lock) {
			l.Requirements = append(l.Requirements, lockfile.Requirement{Name: "zlib", Req: "^1", Registry: "main"})
		}, []string{"zlib ^1 is not locked yet"}},
		{"removed", func(l *lockfile.Lock) { l.Requirements = l.Requirements[1:] }, []string{"spdlog is locked but no longer asked for"}},
		{"root features", func(l *lockfile.Lock) { l.Features = map[string][]string{"default": {"json"}} }, []string{"the features of the manifest have changed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := example()
			tt.change(want)
			var got []string
			for _, d := range example().Drift(want.Requirements, want.Features) {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSchemaAgrees holds the published schema against lines that this package
// writes and lines that it refuses for their shape.
func TestSchemaAgrees(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "schemas", "lock.v1.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(example().Bytes())
	validate := func(line string) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	for line := range strings.Lines(good) {
		if err := validate(line); err != nil {
			t.Errorf("schema refuses %s: %v", line, err)
		}
	}
	for _, line := range []string{
		`{"lock":2,"registries":[],"dependencies":[]}`,
		`{"lock":1,"registries":[{"name":"m","url":"u"}],"dependencies":[]}`,
		`{"name":"a","version":"1","registry":"m","cksum":"` + digest('a') + `"}`,
		`{"name":"a","version":"1.0.0","registry":"m","cksum":"A"}`,
		`{"name":"a","version":"1.0.0","registry":"m","cksum":"` + digest('a') + `","time":"now"}`,
		`{"name":"a","version":"1.0.0","registry":"m","cksum":"` + digest('a') + `","dependencies":[{"name":"b","req":"*","kind":"dev"}]}`,
	} {
		if validate(line) == nil {
			t.Errorf("schema accepts %s", line)
		}
	}
}

func FuzzParse(f *testing.F) {
	good := example().Bytes()
	f.Add(good)
	f.Add([]byte(`{"lock":1,"registries":[],"dependencies":[]}`))
	f.Add([]byte(`{"lock":1,"registries":[],"dependencies":[],"features":{"a":["b"]}}`))
	f.Add(bytes.Replace(good, []byte(`"optional":true`), []byte(`"optional":false`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := lockfile.Parse("lock", data)
		if err != nil {
			return
		}
		once := lock.Bytes()
		again, err := lockfile.Parse("lock", once)
		if err != nil {
			t.Fatalf("cannot read %q, written from %q: %v", once, data, err)
		}
		if twice := again.Bytes(); !bytes.Equal(once, twice) {
			t.Fatalf("not canonical: %q then %q", once, twice)
		}
		if c := lockfile.Compare(lock, again); !c.Same() {
			t.Fatalf("changed by writing: %+v", c)
		}
	})
}

// sideBySide is a lock with two versions of one package.
func sideBySide() *lockfile.Lock {
	return &lockfile.Lock{
		Registries: []lockfile.Registry{{Name: "main", URL: "https://git.example.org/index.git", Kind: "git", Versions: index.CargoVersions}},
		Requirements: []lockfile.Requirement{
			{Name: "new", Req: "^2", Registry: "main", Package: "rand"},
			{Name: "any", Req: ">=1", Registry: "main", Package: "rand", Version: "1.4.0"},
		},
		Packages: []lockfile.Package{
			{Name: "rand", Version: "1.4.0", Registry: "main", Cksum: digest('a')},
			{Name: "rand", Version: "2.0.1", Registry: "main", Cksum: digest('b')},
		},
	}
}

func TestVersionsSideBySide(t *testing.T) {
	lock, err := lockfile.Parse("lock", sideBySide().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	versions := lock.Versions()
	for _, tt := range []struct{ req, version, want string }{
		{"^2", "", "2.0.1"}, {"^1", "", "1.4.0"}, {">=1", "1.4.0", "1.4.0"}, {">=1", "", ""}, {"^3", "", ""}, {"^1", "2.0.1", ""},
	} {
		got := ""
		if p := versions.Meeting("Rand", tt.req, tt.version); p != nil {
			got = p.Version
		}
		if got != tt.want {
			t.Errorf("%s %q is met by %q; want %q", tt.req, tt.version, got, tt.want)
		}
	}
	for name, change := range map[string]func(l *lockfile.Lock){
		"is locked twice": func(l *lockfile.Lock) { l.Registries[0].Versions = "" },
		"rand is locked twice": func(l *lockfile.Lock) {
			l.Packages[1].Version, l.Requirements[0].Req = "1.5.0", "^1.5"
		},
		"one of them must be named":                 func(l *lockfile.Lock) { l.Requirements[1].Version = "" },
		"rand 2.0.0 is needed here but locked at":   func(l *lockfile.Lock) { l.Requirements[1].Version = "2.0.0" },
		"does not say which versions may be locked": func(l *lockfile.Lock) { l.Registries[0].Versions = "many" },
	} {
		l := sideBySide()
		change(l)
		if _, err := lockfile.Parse("lock", l.Bytes()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v; want %q", err, name)
		}
	}
}

func TestCompareVersionsSideBySide(t *testing.T) {
	after := sideBySide()
	after.Packages[0].Version, after.Packages[0].Cksum = "1.5.0", digest('c')
	c := lockfile.Compare(sideBySide(), after)
	if len(c.Changed) != 1 || c.Changed[0].Before.Version != "1.4.0" || c.Changed[0].After.Version != "1.5.0" || c.Unchanged != 1 || len(c.Added)+len(c.Removed) != 0 {
		t.Errorf("got %+v", c)
	}
	c = lockfile.Compare(sideBySide(), &lockfile.Lock{Packages: after.Packages[1:]})
	if len(c.Removed) != 1 || c.Removed[0].Version != "1.4.0" || len(c.Changed)+len(c.Added) != 0 {
		t.Errorf("got %+v", c)
	}
}

// TestHooks keeps what an index line tells of hooks as it is, and refuses what no
// line can tell.
func TestHooks(t *testing.T) {
	lock := example()
	lock.Packages[0].Hooks = []lockfile.Hook{
		{Phase: "pre-install", Run: []string{"sh", "-c", ""}, Timeout: 5},
		{Phase: "pre-remove", Run: []string{"true"}, Platforms: []string{"macos-aarch64", "linux-x86_64"}},
	}
	text := lock.Bytes()
	const line = `"hooks":[{"phase":"pre-install","run":["sh","-c",""],"timeout":5},{"phase":"pre-remove","run":["true"],"platforms":["macos-aarch64","linux-x86_64"]}]`
	if !strings.Contains(string(text), line) {
		t.Errorf("%s\nhas not\n%s", text, line)
	}
	read, err := lockfile.Parse("lock", text)
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Bytes(); !bytes.Equal(got, text) {
		t.Errorf("read and written:\n%s\nnot\n%s", got, text)
	}
	lock.Packages[0].Hooks[1].Phase = "pre-install"
	_, err = lockfile.Parse("lock", lock.Bytes())
	if err == nil || !strings.Contains(err.Error(), "hooks[1].phase") {
		t.Errorf("a phase twice: %v", err)
	}
}
