package staticindex

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

const tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// chain makes a log of n commits, the newest first, the last without a parent.
func chain(t testing.TB, n int) *Changes {
	t.Helper()
	c := &Changes{}
	parent := ""
	for i := range n {
		object := "tree " + tree + "\n"
		files := map[string]*Blob(nil)
		if parent != "" {
			object += "parent " + parent + "\n"
			files = map[string]*Blob{"1/a": {RegularMode, tree}, "run": {"100755", tree}, "1/b": nil}
		}
		object += fmt.Sprintf("author A <a@example.org> %d +0000\ncommitter A <a@example.org> %d +0000\n\nchange\n", i, i)
		parent = ObjectID("commit", []byte(object))
		c.Commits = append([]Commit{{ID: parent, Object: []byte(object), Files: files}}, c.Commits...)
	}
	var err error
	c.Envelope, err = Seal(t.Context(), Head{Registry: "test", Commit: parent, Time: time.Unix(1700000000, 0).UTC()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func formatted(t testing.TB, c *Changes) []byte {
	t.Helper()
	data, err := c.Format()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestChangesAreReadAsWritten(t *testing.T) {
	data := formatted(t, chain(t, 4))
	c, head, err := ParseChanges(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Commits) != 4 || head.Commit != c.Commits[0].ID || head.Registry != "test" {
		t.Errorf("%d commits, head %+v", len(c.Commits), head)
	}
	newest := c.Commits[0]
	if newest.Tree() != tree || len(newest.Parents()) != 1 || newest.Parents()[0] != c.Commits[1].ID || newest.When().Unix() != 3 {
		t.Errorf("newest: %s, %v, %v", newest.Tree(), newest.Parents(), newest.When())
	}
	if b := newest.Files["run"]; b == nil || b.Mode != "100755" || newest.Files["1/b"] != nil {
		t.Errorf("files %v", newest.Files)
	}
	if c.Commits[3].Files != nil {
		t.Error("the first commit tells of files")
	}
	if again := formatted(t, c); !bytes.Equal(again, data) {
		t.Errorf("written again:\n%s\nwas\n%s", again, data)
	}
}

func TestChangesThatAreNoChain(t *testing.T) {
	for name, spoil := range map[string]func(c *Changes){
		"a commit left out":  func(c *Changes) { c.Commits = append(c.Commits[:1], c.Commits[2:]...) },
		"no head":            func(c *Changes) { c.Commits = c.Commits[1:] },
		"nothing":            func(c *Changes) { c.Commits = nil },
		"more than the root": func(c *Changes) { c.Commits = append(c.Commits, c.Commits[0]) },
		"another object":     func(c *Changes) { c.Commits[1].Object = append([]byte("x"), c.Commits[1].Object...) },
		"another content":    func(c *Changes) { c.Commits[0].Blobs = map[string][]byte{tree: []byte("x")} },
		"no object ID":       func(c *Changes) { c.Commits[0].Files["1/a"].ID = strings.ToUpper(tree) },
		"no mode":            func(c *Changes) { c.Commits[0].Files["run"].Mode = "040000" },
		"a newer format": func(c *Changes) {
			c.Envelope.Payload = strings.Replace(c.Envelope.Payload, `"format":1`, `"format":9`, 1)
		},
		"another path": func(c *Changes) {
			c.Envelope.Payload = strings.Replace(c.Envelope.Payload, `}`, `,"packed":[{"path":"../x"}]}`, 1)
		},
	} {
		c := chain(t, 4)
		spoil(c)
		if _, _, err := ParseChanges(formatted(t, c)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := ParseChanges(make([]byte, MaxChanges+1)); err == nil {
		t.Error("a file without end: no error")
	}
}

func FuzzParseChanges(f *testing.F) {
	f.Add(formatted(f, chain(f, 3)))
	f.Add([]byte("{}\n{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, head, err := ParseChanges(data)
		if err != nil {
			return
		}
		again, sameHead, err := ParseChanges(formatted(t, c))
		if err != nil || sameHead.Commit != head.Commit || len(again.Commits) != len(c.Commits) {
			t.Fatalf("%v: %d commits, then %d", err, len(c.Commits), len(again.Commits))
		}
		for i := range c.Commits[1:] {
			if c.Commits[i].Parents()[0] != c.Commits[i+1].ID {
				t.Fatalf("line %d is no parent of the one before", i+3)
			}
		}
	})
}
