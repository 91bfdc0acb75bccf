package index

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
)

// mutant is a change made from a valid one that must not pass.
type mutant struct {
	about   string
	changes []FileChange
}

// validChange is a change that passes, and where in its bytes a mutation may
// make another valid one: the new lines, and the reason of a retirement.
type validChange struct {
	name          string
	before, after []byte
}

func (c validChange) changes(after []byte) []FileChange {
	change := FileChange{Path: "he/ll/hello", After: &Blob{0o644, after}}
	if len(c.before) > 0 {
		change.Before = &Blob{0o644, c.before}
	}
	return []FileChange{change}
}

func mutationEntry(version string) *Entry {
	return &Entry{
		Name: "hello", Vers: version, Cksum: strings.Repeat("0f", 32),
		Deps: []Dependency{
			{Name: "fmt", Req: "^10.1", Features: []string{"std"}, Kind: KindNormal},
			{Name: "tls", Req: "~3", Optional: true, DefaultFeatures: true, Kind: KindNormal, Target: "cfg(unix)"},
		},
		Features: map[string][]string{"default": {"secure"}, "secure": {"tls"}},
		Pubtime:  "2026-01-02T03:04:05Z", DL: "https://example.org/hello.tar.gz", Size: 123,
		Description: "Says hello.", Keywords: []string{"greeting"},
		Hooks:  []Hook{{Phase: "pre-install", Run: []string{"./tools/setup"}, Timeout: 5, Platforms: []string{"linux-x86_64"}}},
		Source: &Source{Repository: "https://example.org/hello", RepositoryID: 7, Commit: strings.Repeat("ab", 20)},
	}
}

func mutationLines(entries ...*Entry) []byte {
	var text []byte
	for _, e := range entries {
		text = append(e.AppendLine(text), '\n')
	}
	return text
}

func validChanges() []validChange {
	a, b, c := mutationEntry("1.0.0"), mutationEntry("1.1.0"), mutationEntry("1.2.0")
	yanked := b.Clone()
	yanked.Yanked = true
	retired := b.Clone()
	retired.Retired = &Retired{Reason: "deprecated"}
	return []validChange{
		{"first", nil, mutationLines(a)},
		{"publish", mutationLines(a, b), mutationLines(a, b, c)},
		{"yank", mutationLines(a, b, c), mutationLines(a, yanked, c)},
		{"unyank", mutationLines(a, yanked, c), mutationLines(a, b, c)},
		{"retire", mutationLines(a, b), mutationLines(a, retired)},
		{"unretire", mutationLines(a, retired), mutationLines(a, b)},
	}
}

// TestMutations makes tens of thousands of changes out of valid ones, none of which may
// pass, and prints how many each operator made.
func TestMutations(t *testing.T) {
	operators := map[string]func(validChange) []mutant{
		"byte of a published line":   mutateBytes,
		"form of the file":           mutateForm,
		"order and number of lines":  mutateLines,
		"path":                       mutatePath,
		"mode":                       mutateMode,
		"company":                    mutateCompany,
		"member of a new line":       mutateMembers,
		"bytes of a new line":        mutateNewLine,
		"version of a new line":      mutateVersion,
		"canonical form of a change": mutateCanonical,
	}
	total := 0
	for _, operator := range slices.Sorted(maps.Keys(operators)) {
		count, escaped := 0, 0
		for _, valid := range validChanges() {
			if _, violations := Classify(valid.changes(valid.after)); len(violations) > 0 {
				t.Fatalf("%s is not valid: %v", valid.name, violations)
			}
			for _, m := range operators[operator](valid) {
				count++
				if delta, violations := Classify(m.changes); len(violations) == 0 {
					escaped++
					t.Errorf("%s: %s passes as %s:\n%s", valid.name, m.about, delta.Kind, m.changes[0].After.Data)
				}
			}
		}
		if count == 0 {
			t.Errorf("no mutations of the %s", operator)
		}
		t.Logf("%-28s %6d mutations, %d escaped", operator, count, escaped)
		total += count
	}
	t.Logf("%-28s %6d mutations", "all", total)
	if total < 10_000 {
		t.Errorf("only %d mutations", total)
	}
}

// published returns the bytes of the change that were there before: a mutation
// of any of them must not pass. Of a line that changes its status, these are the
// bytes before the status.
func (c validChange) published() []int {
	before := bytes.SplitAfter(c.before, []byte("\n"))
	var places []int
	start := 0
	for i, line := range bytes.SplitAfter(c.after, []byte("\n")) {
		end := start + len(line)
		if i >= len(before)-1 {
			break
		}
		if !bytes.Equal(line, before[i]) {
			end = start + bytes.Index(line, []byte(`"yanked"`))
		}
		for place := start; place < end; place++ {
			places = append(places, place)
		}
		start += len(line)
	}
	return places
}

func mutateBytes(c validChange) (mutants []mutant) {
	for _, place := range c.published() {
		for _, b := range []byte{'\n', c.after[place] ^ 0x20} {
			if b == c.after[place] {
				continue
			}
			replaced := bytes.Clone(c.after)
			replaced[place] = b
			mutants = append(mutants, mutant{fmt.Sprintf("byte %d replaced by %q", place, b), c.changes(replaced)})
		}
		mutants = append(mutants,
			mutant{fmt.Sprintf("byte %d deleted", place), c.changes(slices.Delete(bytes.Clone(c.after), place, place+1))},
			mutant{fmt.Sprintf("space before byte %d", place), c.changes(slices.Insert(bytes.Clone(c.after), place, ' '))},
		)
	}
	return mutants
}

func mutateForm(c validChange) (mutants []mutant) {
	for about, after := range map[string][]byte{
		"no newline at the end":    bytes.TrimSuffix(c.after, []byte("\n")),
		"empty line at the end":    append(bytes.Clone(c.after), '\n'),
		"spaces at the end":        append(bytes.Clone(c.after), "  "...),
		"a line of spaces":         append(bytes.Clone(c.after), "  \n"...),
		"empty line at the start":  append([]byte("\n"), c.after...),
		"byte order mark":          append([]byte("\ufeff"), c.after...),
		"CR LF":                    bytes.ReplaceAll(c.after, []byte("\n"), []byte("\r\n")),
		"CR":                       bytes.ReplaceAll(c.after, []byte("\n"), []byte("\r")),
		"CR LF at the end":         append(bytes.TrimSuffix(c.after, []byte("\n")), "\r\n"...),
		"NUL at the end":           append(bytes.Clone(c.after), 0),
		"something after it":       append(bytes.Clone(c.after), "x\n"...),
		"nothing left":             {},
		"only a newline":           []byte("\n"),
		"an array":                 append(append([]byte("["), c.after...), "]\n"...),
		"UTF-16":                   bytes.ReplaceAll(c.after, []byte("h"), []byte("h\x00")),
		"a merge conflict":         append([]byte("<<<<<<< HEAD\n"), c.after...),
		"a comment":                append(bytes.Clone(c.after), "# comment\n"...),
		"an empty object":          append(bytes.Clone(c.after), "{}\n"...),
		"an oversize line":         append(bytes.Clone(c.after), append(bytes.Repeat([]byte(" "), MaxLineSize+1), '\n')...),
		"an oversize line of text": append(bytes.Clone(c.after), fmt.Appendf(nil, "{\"name\":\"hello\",\"vers\":\"9.0.0\",\"description\":\"%s\"}\n", strings.Repeat("a", MaxLineSize))...),
	} {
		mutants = append(mutants, mutant{about, c.changes(after)})
	}
	return mutants
}

func mutateLines(c validChange) (mutants []mutant) {
	lines := bytes.SplitAfter(bytes.TrimSuffix(c.after, []byte("\n")), []byte("\n"))
	lines[len(lines)-1] = append(bytes.Clone(lines[len(lines)-1]), '\n')
	old := bytes.Count(c.before, []byte("\n"))
	add := func(about string, lines [][]byte) {
		if after := bytes.Join(lines, nil); !bytes.Equal(after, c.before) && !bytes.Equal(after, c.after) {
			mutants = append(mutants, mutant{about, c.changes(after)})
		}
	}
	for i := range lines {
		for j := range lines {
			if i != j && min(i, j) < old { // the order of new lines is free
				swapped := slices.Clone(lines)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				add(fmt.Sprintf("lines %d and %d swapped", i+1, j+1), swapped)
			}
			add(fmt.Sprintf("line %d again before line %d", i+1, j+1), slices.Insert(slices.Clone(lines), j, lines[i]))
		}
		if i < old {
			add(fmt.Sprintf("line %d deleted", i+1), slices.Delete(slices.Clone(lines), i, i+1))
		}
		fresh := mutationLines(mutationEntry("9.0.0"))
		if i < old {
			add(fmt.Sprintf("a new line before line %d", i+1), slices.Insert(slices.Clone(lines), i, fresh))
		}
		if i > 0 {
			joined := slices.Clone(lines)
			joined[i-1] = bytes.TrimSuffix(joined[i-1], []byte("\n"))
			add(fmt.Sprintf("lines %d and %d joined", i, i+1), joined)
		}
		add(fmt.Sprintf("line %d followed by an empty one", i+1), slices.Insert(slices.Clone(lines), i+1, []byte("\n")))
	}
	return mutants
}

func mutatePath(c validChange) (mutants []mutant) {
	for _, path := range []string{
		"", ".", "hello", "he/hello", "HE/LL/HELLO", "he/ll/Hello", "he/ll/hellp", "he/lp/help", "3/h/hel", "he/ll/hello.json",
		"./he/ll/hello", "/he/ll/hello", "he/ll/../ll/hello", "he//ll/hello", "he/ll/hello/", "he\\ll\\hello", "hello/hello.json",
		"acme/hello.json", "owners/he/ll/hello", "owners/he/ll/hello.json", "trust/hello.json", ".github/hello.json",
		"hello.json", "config.json.json", "CONFIG.JSON", "policy.yml", ".gitmodules", ".git/config", "Makefile", "..",
	} {
		changes := c.changes(c.after)
		changes[0].Path = path
		mutants = append(mutants, mutant{fmt.Sprintf("path %q", path), changes})
		if len(c.before) > 0 {
			gone := FileChange{Path: "he/ll/hello", Before: changes[0].Before}
			come := FileChange{Path: path, After: changes[0].After}
			mutants = append(mutants, mutant{fmt.Sprintf("renamed to %q", path), []FileChange{come, gone}})
		}
	}
	gone := c.changes(c.after)
	gone[0].Before, gone[0].After = gone[0].After, nil
	return append(mutants, mutant{"deleted", []FileChange{{Path: "x/y", After: &Blob{0o644, c.after}}, gone[0]}})
}

func mutateMode(c validChange) (mutants []mutant) {
	for _, mode := range []fs.FileMode{0, 0o755, 0o600, 0o640, 0o664, 0o666, 0o777, fs.ModeSymlink, fs.ModeSymlink | 0o644, fs.ModeIrregular, fs.ModeDir | 0o755, fs.ModeSetuid | 0o644, fs.ModeNamedPipe, fs.ModeDevice} {
		changes := c.changes(c.after)
		changes[0].After.Mode = mode
		mutants = append(mutants, mutant{fmt.Sprintf("mode %v", mode), changes})
		if len(c.before) > 0 {
			changes := c.changes(c.after)
			changes[0].Before.Mode = mode
			mutants = append(mutants, mutant{fmt.Sprintf("mode was %v", mode), changes})
		}
	}
	return mutants
}

// mutateCompany adds a second change that is valid on its own, or is not.
func mutateCompany(c validChange) (mutants []mutant) {
	for _, path := range []string{
		"he/ll/hello2", "3/a/abc", "acme/hello.json", "owners/3/a/abc.yaml", "owners/he/ll/hello2.yaml", "config.json", "policy.yaml",
		"README.md", "LICENSE", "CODEOWNERS", ".gitattributes", "trust/root.pem", ".github/workflows/review.yml", ".gitea/workflows/review.yml", "Makefile", "he/ll/hello", "x.json",
	} {
		for _, text := range [][]byte{[]byte("{}\n"), c.after} {
			company := FileChange{Path: path, After: &Blob{0o644, text}}
			mutants = append(mutants, mutant{"together with a new " + path, append(c.changes(c.after), company)})
			company.Before = &Blob{0o644, []byte("old\n")}
			mutants = append(mutants, mutant{"together with a changed " + path, append(c.changes(c.after), company)})
			company.After = nil
			mutants = append(mutants, mutant{"together with a deleted " + path, append(c.changes(c.after), company)})
		}
	}
	return mutants
}
