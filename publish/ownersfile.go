package publish

import (
	"bytes"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// settingNames are the members of a publisher, in the order in which they are
// written.
func settingNames() []string {
	return []string{"repository", "key", "repository-id", "owner-id", "issuer", "workflow", "tags", "triggers", "runner", "signer", "until"}
}

// settings are the members of a publisher as YAML, "" for one that it has not.
func settings(p review.Publisher) map[string]string {
	s := map[string]string{
		"repository": scalar(p.Repository), "key": scalar(p.Key), "issuer": scalar(p.Issuer), "workflow": scalar(p.Workflow),
		"tags": flow(p.Tags), "triggers": flow(p.Triggers), "runner": scalar(p.Runner),
	}
	for name, n := range map[string]int64{"repository-id": p.RepositoryID, "owner-id": p.OwnerID} {
		if n != 0 {
			s[name] = strconv.FormatInt(n, 10)
		}
	}
	if p.Signer != "" {
		s["signer"] = "{workflow: " + quoted(p.Signer) + ", refs: " + flow(p.SignerRefs) + "}"
	}
	if !p.Until.IsZero() {
		s["until"] = strconv.Quote(p.Until.UTC().Format(index.TimeLayout))
	}
	return s
}

// plainScalar is what YAML takes for a text without quotes.
var plainScalar = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z.][A-Za-z0-9._/@+-]*(:[A-Za-z0-9._/@+-]+)*$`)
})

// quoted writes a text: with quotes, unless it is a text without them.
func quoted(s string) string {
	var v any
	if plainScalar().MatchString(s) && yaml.Unmarshal([]byte(s), &v) == nil && v == s && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

func scalar(s string) string {
	if s == "" {
		return ""
	}
	return quoted(s)
}

func flow(list []string) string {
	if len(list) == 0 {
		return ""
	}
	var all []string
	for _, s := range list {
		all = append(all, quoted(s))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// itemLines writes a publisher as an item of a list.
func itemLines(p review.Publisher, indent string) []string {
	var lines []string
	s := settings(p)
	prefix := indent + "- "
	for _, name := range settingNames() {
		if s[name] != "" {
			lines = append(lines, prefix+name+": "+s[name])
			prefix = indent + "  "
		}
	}
	return lines
}

// formatOwners writes an owners file anew.
func formatOwners(o *review.Owners) []byte {
	var lines []string
	if len(o.Publishers) > 0 {
		lines = append(lines, "publishers:")
		for _, p := range o.Publishers {
			lines = append(lines, itemLines(p, "  ")...)
		}
	}
	if len(o.Reviewers) > 0 {
		lines = append(lines, "reviewers: "+flow(o.Reviewers))
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// editOwners writes the owners that are wanted into a file that has others. It
// touches the lines of what changes alone. A file that is written in a way that
// cannot be edited so is written anew. The error is strictyaml.Problems for
// owners that no file may have.
func editOwners(path string, data []byte, have, want *review.Owners) ([]byte, error) {
	if _, err := review.ParseOwners(path, formatOwners(want)); err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err == nil && len(root.Content) == 1 && root.Content[0].Style&yaml.FlowStyle == 0 {
		t := ownersText{lines: strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), root: root.Content[0]}
		// From below, so that the lines above stay where the nodes say.
		for _, edit := range t.edits(have, want) {
			edit()
		}
		edited := []byte(strings.Join(t.lines, "\n") + "\n")
		if got, err := review.ParseOwners(path, edited); err == nil && reflect.DeepEqual(got, want) {
			return edited, nil
		}
	}
	return formatOwners(want), nil
}

// ownersText is an owners file as lines, with the places of what it says.
type ownersText struct {
	lines []string
	root  *yaml.Node
}

// edits are the edits of both lists, the lower one first.
func (t *ownersText) edits(have, want *review.Owners) []func() {
	publishers := func() { t.editPublishers(have.Publishers, want.Publishers) }
	reviewers := func() { t.editReviewers(have.Reviewers, want.Reviewers) }
	p, r := t.member(t.root, "publishers"), t.member(t.root, "reviewers")
	if p.key != nil && (r.key == nil || p.key.Line > r.key.Line) {
		return []func(){publishers, reviewers}
	}
	return []func(){reviewers, publishers}
}

// member is a key of a mapping with its value; nil when there is none.
type member struct{ key, value *yaml.Node }

func (t *ownersText) member(mapping *yaml.Node, name string) member {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return member{mapping.Content[i], mapping.Content[i+1]}
		}
	}
	return member{}
}

// lastLine is the last line that a node is on.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, child := range n.Content {
		last = max(last, lastLine(child))
	}
	return last
}

// replace puts lines in the place of the lines from..to, which are counted from 1.
func (t *ownersText) replace(from, to int, with ...string) {
	t.lines = slices.Replace(t.lines, from-1, min(to, len(t.lines)), with...)
}

// editReviewers writes the list of reviewers.
func (t *ownersText) editReviewers(have, want []string) {
	m := t.member(t.root, "reviewers")
	switch {
	case slices.Equal(have, want):
	case m.key == nil:
		t.lines = append(t.lines, "reviewers: "+flow(want))
	case len(want) == 0:
		t.replace(m.key.Line, lastLine(m.value))
	case m.value.Style&yaml.FlowStyle != 0:
		line := t.lines[m.key.Line-1][:m.key.Column-1] + "reviewers: " + flow(want)
		if comment := m.value.LineComment; comment != "" {
			line += " " + comment
		}
		t.replace(m.key.Line, lastLine(m.value), line)
	default:
		items := m.value.Content
		indent := strings.Repeat(" ", m.value.Column-1)
		for _, r := range want {
			if !slices.Contains(have, r) {
				t.replace(lastLine(m.value)+1, lastLine(m.value), indent+"- "+quoted(r))
			}
		}
		for i := len(items) - 1; i >= 0; i-- {
			if !slices.Contains(want, items[i].Value) {
				t.replace(items[i].Line, lastLine(items[i]))
			}
		}
	}
}

// editPublishers writes the list of publishers.
func (t *ownersText) editPublishers(have, want []review.Publisher) {
	m := t.member(t.root, "publishers")
	switch {
	case reflect.DeepEqual(have, want):
		return
	case m.key == nil:
		t.replace(1, 0, strings.Split(strings.TrimSuffix(string(formatOwners(&review.Owners{Publishers: want})), "\n"), "\n")...)
		return
	case len(want) == 0:
		t.replace(m.key.Line, lastLine(m.value))
		return
	}
	indent := strings.Repeat(" ", m.value.Column-1)
	var added []string
	for _, p := range want {
		if indexOf(have, p) < 0 {
			added = append(added, itemLines(p, indent)...)
		}
	}
	end := lastLine(m.value)
	t.replace(end+1, end, added...)
	items := m.value.Content
	for i := len(items) - 1; i >= 0; i-- {
		j := indexOf(want, have[i])
		switch {
		case j < 0:
			t.replace(items[i].Line, lastLine(items[i]))
		case !reflect.DeepEqual(have[i], want[j]):
			t.editPublisher(items[i], have[i], want[j], indent)
		}
	}
}

// editPublisher changes the members of one publisher that differ, from below.
func (t *ownersText) editPublisher(item *yaml.Node, have, want review.Publisher, indent string) {
	before, after := settings(have), settings(want)
	names := slices.DeleteFunc(settingNames(), func(name string) bool { return before[name] == after[name] })
	first := t.member(item, "")
	if len(item.Content) > 0 {
		first.key = item.Content[0]
	}
	if item.Style&yaml.FlowStyle != 0 || first.key == nil || slices.Contains(names, first.key.Value) {
		t.replace(item.Line, lastLine(item), itemLines(want, indent)...)
		return
	}
	last := lastLine(item)
	var added []string
	for _, name := range names {
		if t.member(item, name).key == nil {
			added = append(added, fmt.Sprintf("%s  %s: %s", indent, name, after[name]))
		}
	}
	t.replace(last+1, last, added...)
	slices.SortFunc(names, func(a, b string) int { return lineOf(t.member(item, b)) - lineOf(t.member(item, a)) })
	for _, name := range names {
		m := t.member(item, name)
		switch {
		case m.key == nil:
		case after[name] == "":
			t.replace(m.key.Line, lastLine(m.value))
		default:
			line := fmt.Sprintf("%s  %s: %s", indent, name, after[name])
			if comment := m.value.LineComment; comment != "" {
				line += " " + comment
			}
			t.replace(m.key.Line, lastLine(m.value), line)
		}
	}
}

func lineOf(m member) int {
	if m.key == nil {
		return 0
	}
	return m.key.Line
}

// unified writes the difference without the names of the files.
func (p *Plan) unified() string {
	var b bytes.Buffer
	for line := range strings.Lines(p.Diff()) {
		if !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "+++ ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
