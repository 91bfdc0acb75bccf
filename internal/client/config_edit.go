package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// addEntry appends r to the list of registries in the configuration file of the
// scope, which it creates where needed. Comments, order and blank lines of the
// file stay. The error is [ErrConflict] when the file has that name already, and
// [strictyaml.Problems] when the file is not valid.
func (c *Config) addEntry(ctx context.Context, scope Scope, r RegistryConfig) error {
	return c.editFile(ctx, scope, func(file string, data []byte) ([]byte, error) {
		have, err := c.parseFile(scope, file, data)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(have.registries, func(h RegistryConfig) bool { return h.Name == r.Name }); i >= 0 {
			return nil, &Error{
				Class: ErrConflict, Message: fmt.Sprintf("a registry named %q is already in %s: %s", r.Name, file, have.registries[i].URL),
				Remedy: "give this one a name of its own with --name",
			}
		}
		return appendRegistry(data, r)
	})
}

// removeEntry takes the registry called name out of the configuration file of
// the scope. The error is [ErrNotFound] when the file has no such entry.
func (c *Config) removeEntry(ctx context.Context, scope Scope, name string) error {
	return c.editFile(ctx, scope, func(file string, data []byte) ([]byte, error) {
		have, err := c.parseFile(scope, file, data)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(have.registries, func(h RegistryConfig) bool { return h.Name == name })
		if i < 0 {
			return nil, &Error{Class: ErrNotFound, Message: fmt.Sprintf("no registry named %q in %s", name, file)}
		}
		return deleteRegistry(data, i)
	})
}

// fileOf is the configuration file that an edit in the scope goes to.
func (c *Config) fileOf(scope Scope) (string, error) {
	switch {
	case scope == ScopeUser:
		return c.Places.UserConfig, nil
	case scope == ScopeProject && c.Project != "":
		return filepath.Join(c.Project, ".clyde", "config.yaml"), nil
	case scope == ScopeProject:
		return "", &Error{Class: ErrNotFound, Message: "not in a project: no .clyde/package.yaml here or above", Remedy: "start one with 'clyde init'"}
	}
	return "", &Error{Class: ErrRefused, Message: "the " + string(scope) + " configuration is not edited by this program"}
}

// editFile runs edit on the bytes of the scope's file under a lock that every process
// takes, checks that the outcome still reads, and replaces the file.
func (c *Config) editFile(ctx context.Context, scope Scope, edit func(file string, data []byte) ([]byte, error)) error {
	file, err := c.fileOf(scope)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(file))
	unlock, err := lockFile(ctx, filepath.Join(c.Places.Cache, "locks", hex.EncodeToString(digest[:8])+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	after, err := edit(file, before)
	if err != nil {
		return err
	}
	if _, err := c.parseFile(scope, file, after); err != nil {
		return &Error{Class: ErrRefused, Message: file + " is written in a way that cannot be edited in place", Remedy: "change its \"registries\" by hand", Err: err}
	}
	return writeFile(file, after)
}

// appendRegistry adds an entry at the end of "registries" in the text of a
// configuration file.
func appendRegistry(data []byte, r RegistryConfig) ([]byte, error) {
	t, err := readConfigText(data)
	if err != nil {
		return nil, err
	}
	entry, err := t.entry(r.written())
	if err != nil {
		return nil, err
	}
	switch {
	case t.key < 0:
		if len(t.lines) > 0 {
			t.lines = append(t.lines, t.newline)
		}
		t.lines = append(t.lines, "registries:"+t.newline)
		t.lines = append(t.lines, entry...)
	case !t.block:
		if err := t.rewriteAsBlock(entry); err != nil {
			return nil, err
		}
	default:
		t.lines = slices.Insert(t.lines, t.end, entry...)
	}
	return []byte(strings.Join(t.lines, "")), nil
}

// deleteRegistry takes the entry with the given position out of "registries",
// with the comment right above it.
func deleteRegistry(data []byte, position int) ([]byte, error) {
	t, err := readConfigText(data)
	if err != nil {
		return nil, err
	}
	if !t.block {
		t.list.Content = slices.Delete(t.list.Content, position, position+1)
		if err := t.rewriteAsBlock(nil); err != nil {
			return nil, err
		}
		return []byte(strings.Join(t.lines, "")), nil
	}
	from, to := t.starts[position], t.end
	if position+1 < len(t.starts) {
		to = t.starts[position+1]
	}
	t.lines = slices.Delete(t.lines, from, to)
	if len(t.starts) == 1 {
		t.lines[t.key] = "registries: []" + t.newline
	}
	return []byte(strings.Join(t.lines, "")), nil
}

// configText is the text of a configuration file with the place of its list
// of registries.
type configText struct {
	lines   []string // each with its newline
	newline string
	list    *yaml.Node // the value of "registries", nil when there is none
	key     int        // line of "registries:", -1 when there is none
	end     int        // line after the last entry
	block   bool       // one entry per "-" line
	starts  []int      // first line of each entry, with the comment above it
	indent  string     // before "-"
}

// writtenRegistry is an entry as it is written.
type writtenRegistry struct {
	Name   string `yaml:"name"`
	URL    string `yaml:"url"`
	Type   string `yaml:"type,omitempty"`
	Branch string `yaml:"branch,omitempty"`
	Verify string `yaml:"verify,omitempty"`

	Versions string   `yaml:"versions,omitempty"`
	Claims   []string `yaml:"claims,omitempty,flow"`

	TTL      string            `yaml:"ttl,omitempty"`
	Fallback []writtenFallback `yaml:"fallback,omitempty"`
}

type writtenFallback struct {
	URL  string `yaml:"url"`
	Type string `yaml:"type,omitempty"`
}

// written is an entry as it stands in a file.
func (r RegistryConfig) written() writtenRegistry {
	w := writtenRegistry{Name: r.Name, URL: r.URL, Type: string(r.Kind), Branch: r.Branch, Verify: string(r.Verify), Versions: r.Versions, Claims: r.Claims}
	if r.TTL != 0 {
		w.TTL = r.TTL.String()
	}
	for _, f := range r.Fallback {
		w.Fallback = append(w.Fallback, writtenFallback{f.URL, string(f.Kind)})
	}
	return w
}

// readConfigText finds the list in data, which was parsed before and is valid.
func readConfigText(data []byte) (*configText, error) {
	t := &configText{key: -1, newline: "\n", indent: "  "}
	if bytes.Contains(data, []byte("\r\n")) {
		t.newline = "\r\n"
	}
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(bytes.Clone(data), t.newline...)
	}
	t.lines = slices.Collect(strings.Lines(string(data)))
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return t, nil
	}
	keys := document.Content[0].Content
	for i := 0; i+1 < len(keys); i += 2 {
		if keys[i].Value != "registries" {
			continue
		}
		t.key, t.list, t.end = keys[i].Line-1, keys[i+1], len(t.lines)
		if i+2 < len(keys) {
			t.end = keys[i+2].Line - 1
		}
		t.findEntries()
	}
	return t, nil
}

func (t *configText) findEntries() {
	for t.end > t.key+1 && isBlankOrComment(t.lines[t.end-1]) {
		t.end--
	}
	t.block = t.list.Kind == yaml.SequenceNode && t.list.Style&yaml.FlowStyle == 0
	if !t.block {
		return
	}
	for _, item := range t.list.Content {
		start := item.Line - 1
		for start > t.key && !strings.HasPrefix(strings.TrimLeft(t.lines[start], " "), "-") {
			start--
		}
		t.indent = t.lines[start][:strings.Index(t.lines[start], "-")]
		for start-1 > t.key && strings.HasPrefix(strings.TrimLeft(t.lines[start-1], " "), "#") {
			start--
		}
		t.starts = append(t.starts, start)
	}
}

func isBlankOrComment(line string) bool {
	trimmed := strings.TrimSpace(line)
	return trimmed == "" || strings.HasPrefix(trimmed, "#")
}

// entry writes one entry in the list's own indentation.
func (t *configText) entry(r writtenRegistry) ([]string, error) {
	text, err := yaml.Marshal(r)
	if err != nil {
		return nil, err
	}
	var lines []string
	lead := t.indent + "- "
	for line := range strings.Lines(string(text)) {
		lines = append(lines, lead+strings.TrimSuffix(line, "\n")+t.newline)
		lead = t.indent + "  "
	}
	return lines, nil
}

// rewriteAsBlock writes a list that is empty or in one line ("[...]") with
// one entry per "-", and more after them.
func (t *configText) rewriteAsBlock(more []string) error {
	var block []string
	for _, item := range t.list.Content {
		var r writtenRegistry
		if err := item.Decode(&r); err != nil {
			return err
		}
		entry, err := t.entry(r)
		if err != nil {
			return err
		}
		block = append(block, entry...)
	}
	block = append(block, more...)
	head := "registries:"
	if len(block) == 0 {
		head = "registries: []"
	}
	t.lines = slices.Replace(t.lines, t.key, t.end, append([]string{head + t.newline}, block...)...)
	return nil
}
