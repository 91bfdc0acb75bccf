// Package markdowntest renders Markdown as a host does and finds what in it
// does more than to be read.
//
// [HTML] is GitHub's dialect, with raw HTML left in. [Active] then looks for
// every element, attribute and link that the test did not expect, and, in text
// outside of code, for what hosts turn into links of their own after rendering:
// mentions, references to issues, hashes of commits, addresses, pictures.
package markdowntest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	parser "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTML renders Markdown.
func HTML(markdown string) (string, error) {
	var out bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithRendererOptions(html.WithUnsafe()))
	err := md.Convert([]byte(markdown), &out)
	return out.String(), err
}

// Expected is what a page may have.
type Expected struct {
	Elements []string // names, beside those of plain Markdown text
	Links    []string // that the page's own author wrote, in full
}

// Active renders Markdown and returns all that is active in it and not expected.
func Active(markdown string, expected Expected) ([]string, error) {
	rendered, err := HTML(markdown)
	if err != nil {
		return nil, err
	}
	body := &parser.Node{Type: parser.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := parser.ParseFragment(strings.NewReader(rendered), body)
	if err != nil {
		return nil, err
	}
	w := walker{expected: expected}
	for _, n := range nodes {
		w.walk(n, false)
	}
	return w.found, nil
}

type walker struct {
	expected Expected
	found    []string
}

func (w *walker) addf(format string, args ...any) {
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

func (w *walker) walk(n *parser.Node, code bool) {
	switch n.Type {
	case parser.TextNode:
		if !code {
			w.text(n.Data)
		}
	case parser.ElementNode:
		w.element(n)
		code = code || n.Data == "code" || n.Data == "pre"
	case parser.CommentNode, parser.DoctypeNode:
		w.addf("a comment <!--%s-->", n.Data)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.walk(c, code)
	}
}

func (w *walker) element(n *parser.Node) {
	usual := []string{"p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}
	if !slices.Contains(usual, n.Data) && !slices.Contains(w.expected.Elements, n.Data) {
		w.addf("an element <%s>", n.Data)
	}
	for _, a := range n.Attr {
		switch {
		case n.Data == "a" && a.Key == "href" && slices.Contains(w.expected.Links, a.Val):
		case n.Data == "code" && a.Key == "class" && slices.Contains([]string{"language-sh", "language-json", "language-text"}, a.Val):
		case (n.Data == "td" || n.Data == "th") && (a.Key == "style" || a.Key == "align"):
		default:
			w.addf("an attribute %s=%q of <%s>", a.Key, a.Val, n.Data)
		}
	}
}

// text looks for what hosts do with text.
func (w *walker) text(s string) {
	for _, trigger := range []struct{ name, pattern string }{
		{"a mention", `@`},
		{"a reference", `#|(?i)\bgh-[0-9]|![0-9]`},
		{"a commit", `(?i)\b[0-9a-f]{7,64}\b`},
		{"an address", `(?i)://|\bwww\.\S|mailto:|[a-z0-9]\.[a-z]{2}`},
		{"a picture", `:[a-z0-9_+-]+:`},
		{"mathematics", `\$`},
		{"HTML", `[<>&]`},
		{"a character nobody sees", `[\x00-\x08\x0b-\x1f\x7f-\x9f\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}\x{e0000}-\x{e007f}]`},
	} {
		if found := regexp.MustCompile(trigger.pattern).FindString(s); found != "" {
			w.addf("%s, %q in the text %q", trigger.name, found, s)
		}
	}
}

// Text is what a reader sees of rendered Markdown, code included.
func Text(markdown string) (string, error) {
	rendered, err := HTML(markdown)
	if err != nil {
		return "", err
	}
	root, err := parser.Parse(strings.NewReader(rendered))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == parser.TextNode {
			b.WriteString(n.Data)
		}
	}
	return b.String(), nil
}
