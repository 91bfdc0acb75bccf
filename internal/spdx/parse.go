package spdx

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// parse returns the licence identifiers of an expression, in order and without
// "+".
func parse(expr string) ([]string, error) {
	switch {
	case len(expr) > MaxLength:
		return nil, &Error{Detail: fmt.Sprintf("the licence expression has %d bytes; the limit is %d", len(expr), MaxLength)}
	case strings.TrimSpace(expr) == "":
		return nil, &Error{Detail: "the licence expression is empty", Remedy: `write an SPDX expression, such as "MIT"`}
	case expr == "NONE" || expr == "NOASSERTION":
		return nil, &Error{Detail: expr + " is not a licence", Remedy: "leave the licence out"}
	}
	p := parser{tokens: tokenize(expr), end: len(expr)}
	if err := p.disjunction(); err != nil {
		return nil, explain(err, expr)
	}
	if p.next < len(p.tokens) {
		return nil, explain(p.unexpected(`"AND", "OR" or the end`), expr)
	}
	return p.ids, nil
}

type token struct {
	text   string
	offset int
}

// tokenize splits an expression at blanks and parentheses.
func tokenize(expr string) []token {
	var tokens []token
	start := -1
	flush := func(end int) {
		if start >= 0 {
			tokens = append(tokens, token{expr[start:end], start})
			start = -1
		}
	}
	for i := range len(expr) {
		switch expr[i] {
		case ' ':
			flush(i)
		case '(', ')':
			flush(i)
			tokens = append(tokens, token{expr[i : i+1], i})
		default:
			if start < 0 {
				start = i
			}
		}
	}
	flush(len(expr))
	return tokens
}

// A parser reads the grammar by recursive descent. Its depth is bounded by
// MaxLength.
type parser struct {
	tokens []token
	next   int
	end    int
	ids    []string
}

func (p *parser) peek() string {
	if p.next == len(p.tokens) {
		return ""
	}
	return p.tokens[p.next].text
}

func (p *parser) disjunction() *Error {
	return p.operands("OR", p.conjunction)
}

func (p *parser) conjunction() *Error {
	return p.operands("AND", p.operand)
}

// operands reads one or more operands with the operator between them.
func (p *parser) operands(operator string, operand func() *Error) *Error {
	for {
		if err := operand(); err != nil {
			return err
		}
		if p.peek() != operator {
			return nil
		}
		p.next++
	}
}

// operand reads a parenthesised expression or a licence with its exception.
func (p *parser) operand() *Error {
	if p.peek() != "(" {
		return p.licence()
	}
	open := p.tokens[p.next].offset
	p.next++
	if err := p.disjunction(); err != nil {
		return err
	}
	switch p.peek() {
	case ")":
		p.next++
		return nil
	case "":
		return &Error{Offset: open, Detail: `"(" is never closed`, Remedy: `add ")"`}
	default:
		return p.unexpected(`"AND", "OR" or ")"`)
	}
}

// reference is a licence that is not in the list but described elsewhere.
var reference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+$`)
})

func (p *parser) licence() *Error {
	if isOperator(p.peek()) {
		return p.unexpected("a licence")
	}
	t := p.tokens[p.next]
	id := strings.TrimSuffix(t.text, "+")
	switch {
	case reference().MatchString(t.text):
	case slices.Contains(Licenses(), id) || slices.Contains(lines(deprecatedList), id):
		p.ids = append(p.ids, id)
	default:
		return unknown(t, "licence", Licenses())
	}
	p.next++
	if p.peek() != "WITH" {
		return nil
	}
	p.next++
	return p.exception()
}

func (p *parser) exception() *Error {
	if isOperator(p.peek()) {
		return p.unexpected("a licence exception after WITH")
	}
	t := p.tokens[p.next]
	if !slices.Contains(Exceptions(), t.text) {
		return unknown(t, "licence exception", Exceptions())
	}
	p.next++
	return nil
}

// isOperator reports whether text, a token or "" for the end, cannot be an
// identifier.
func isOperator(text string) bool {
	return slices.Contains([]string{"", "(", ")", "AND", "OR", "WITH"}, text)
}

func (p *parser) unexpected(want string) *Error {
	if p.next == len(p.tokens) {
		return &Error{Offset: p.end, Detail: "the licence expression ends where " + want + " should be"}
	}
	t := p.tokens[p.next]
	err := &Error{Offset: t.offset, Detail: fmt.Sprintf("%q stands where %s should be", t.text, want)}
	if upper := strings.ToUpper(t.text); upper != t.text && isOperator(upper) {
		err.Remedy = "write " + upper + " in upper case"
	}
	return err
}

func unknown(t token, what string, known []string) *Error {
	err := &Error{
		Offset: t.offset, Detail: fmt.Sprintf("%q is not an SPDX %s", t.text, what),
		Unknown: t.text, Known: known,
	}
	id := strings.TrimSuffix(t.text, "+")
	for _, candidate := range append(slices.Clip(known), lines(deprecatedList)...) {
		if strings.EqualFold(candidate, id) {
			err.Remedy = fmt.Sprintf("write %q", candidate+t.text[len(id):])
		}
	}
	return err
}
