//go:build unix

package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCommandsRun runs the commands of each document in the order in which
// they stand there, in one fresh home with clyde on the path, and compares
// what they print with what the document says they print.
func TestCommandsRun(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/clyde")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/clyde: %v\n%s", err, out)
	}
	for _, name := range documents(t) {
		all := blocks(t, name)
		if !slices.ContainsFunc(all, func(b block) bool { return b.Language == "sh" }) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runDocument(t, bin, all)
		})
	}
}

func runDocument(t *testing.T, bin string, all []block) {
	home := t.TempDir()
	place := filepath.Join(home, "work")
	if err := os.Mkdir(place, 0o755); err != nil {
		t.Fatal(err)
	}
	printed := ""
	for _, b := range all {
		switch {
		case b.Language == "sh" && b.Mark == "run":
			printed = shell(t, b, bin, home, place, "-euc")
		case b.Language == "sh":
			shell(t, b, bin, home, place, "-nc")
		case b.Mark == "output":
			if !matches(b.Text, printed) {
				t.Errorf("%s:%d: the commands print\n%s", b.File, b.Line, printed)
			}
		}
	}
}

// shell runs a block and returns what it printed. A block that leaves the
// folder it is in leaves it for the next one too.
func shell(t *testing.T, b block, bin, home, place, flags string) string {
	t.Helper()
	script := b.Text
	where := filepath.Join(home, ".where")
	if flags == "-euc" {
		script = "cd \"$(cat '" + where + "' 2>/dev/null || pwd)\"\n" + script + "\npwd >'" + where + "'\n"
	}
	cmd := exec.CommandContext(t.Context(), "sh", flags, script)
	cmd.Dir = place
	cmd.Env = []string{
		"HOME=" + home,
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "TZ=UTC",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s:%d: %v\n%s", b.File, b.Line, err, out)
	}
	return string(out)
}

// matches reports whether the program printed what the document says.
func matches(want, got string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for line := range strings.Lines(strings.TrimRight(want, "\n") + "\n") {
		line = strings.TrimRight(line, "\n")
		if strings.TrimSpace(line) == "..." {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		parts := strings.Split(line, "...")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		pattern.WriteString(strings.Join(parts, ".*") + `\n`)
	}
	pattern.WriteString(`\z`)
	return regexp.MustCompile(pattern.String()).MatchString(got)
}
