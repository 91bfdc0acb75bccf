package arch

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTopOfTheRepository(t *testing.T) {
	allowed := []string{
		"cmd", "index", "publish", "action", ".github", "schemas", "go.mod", "action.yml", // the design
		"internal", "docs", "bench", "examples", // everything else
		"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "SECURITY.md",
		"go.sum", "tools.mod", "tools.sum", ".golangci.yml", ".gitignore", ".gitattributes", ".ci",
	}
	for _, name := range paths(t) {
		if top, _, _ := strings.Cut(name, "/"); !slices.Contains(allowed, top) {
			t.Errorf("%s: %s is not among the names at the top of the repository", name, top)
		}
	}
}

// documents are the Markdown files of the repository outside testdata.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range paths(t) {
		if path.Ext(name) == ".md" && !strings.Contains(name, "testdata/") {
			found = append(found, name)
		}
	}
	return found
}

func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)(?:\s+"[^"]*")?\)|<(?:img|a|source) [^>]*(?:src|href|srcset)="([^"]+)"`)
	files := paths(t)
	for _, name := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(prose(read(t, name)), -1) {
			target := match[1] + match[2]
			if problem := brokenLink(t, files, name, target); problem != "" {
				t.Errorf("%s: link %s: %s", name, target, problem)
			}
		}
	}
}

// brokenLink says why a link leads nowhere, or "". Links out of the repository
// are only parsed.
func brokenLink(t *testing.T, files []string, from, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" {
		if u.Scheme != "https" {
			return "links out of the repository are https"
		}
		return ""
	}
	to := from
	if u.Path != "" {
		to = path.Join(path.Dir(from), u.Path)
	}
	isDir := slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, to+"/") })
	if !slices.Contains(files, to) && !isDir {
		return "no such file"
	}
	if u.Fragment != "" && path.Ext(to) == ".md" && !slices.Contains(anchors(read(t, to)), u.Fragment) {
		return "no such heading"
	}
	return ""
}

// anchors are the fragments that a Markdown file's headings can be reached by,
// as the usual hosts make them.
func anchors(text string) []string {
	var found []string
	for line := range strings.Lines(prose(text)) {
		heading := strings.TrimLeft(line, "#")
		if len(heading) == len(line) || !strings.HasPrefix(heading, " ") {
			continue
		}
		var anchor strings.Builder
		for _, r := range strings.ToLower(strings.TrimSpace(heading)) {
			switch {
			case r == ' ':
				anchor.WriteByte('-')
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
				anchor.WriteRune(r)
			}
		}
		slug := anchor.String()
		for n := 1; slices.Contains(found, slug); n++ {
			slug = fmt.Sprintf("%s-%d", anchor.String(), n)
		}
		found = append(found, slug)
	}
	return found
}

// prose is the text without its fenced blocks and without code spans.
func prose(text string) string {
	var out strings.Builder
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case fence == "" && strings.HasPrefix(trimmed, "```"):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		case fence != "" && strings.HasPrefix(trimmed, fence):
			fence = ""
		case fence == "":
			out.WriteString(line)
		}
	}
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllStringFunc(out.String(), func(span string) string {
		return strings.Trim(span, "`[]()")
	})
}

func TestDecisionRecords(t *testing.T) {
	const dir = "docs/decisions/"
	list := read(t, dir+"index.md")
	number := 0
	for _, name := range paths(t) {
		record, found := strings.CutPrefix(name, dir)
		if !found || record == "index.md" {
			continue
		}
		number++
		text := read(t, name)
		title, _, _ := strings.Cut(text, "\n")
		if !strings.HasPrefix(record, fmt.Sprintf("%04d-", number)) {
			t.Errorf("%s: the next record is number %04d", name, number)
		}
		heading := fmt.Sprintf("# %d. ", number)
		if !strings.HasPrefix(title, heading) {
			t.Errorf("%s: the first line starts with %q", name, heading)
		}
		for _, section := range []string{"## Context", "## Decision", "## Consequences"} {
			if !strings.Contains(text, "\n"+section+"\n") {
				t.Errorf("%s: no section %q", name, section)
			}
		}
		entry := fmt.Sprintf("- [%s](%s)\n", strings.TrimPrefix(title, "# "), record)
		if strings.Count(list, entry) != 1 {
			t.Errorf("%sindex.md: needs the line %q", dir, entry)
		}
	}
	if got := strings.Count(list, "\n- ["); got != number {
		t.Errorf("%sindex.md: lists %d records of %d", dir, got, number)
	}
}
