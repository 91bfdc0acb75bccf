package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxSize bounds the bytes of a lock.
const MaxSize = 64 << 20

// maxProblems bounds what is reported about one lock.
const maxProblems = 100

// Parse reads a lock. The file name is for messages only. The error is
// [Problems], all that is wrong at once, or a [*NewerVersionError].
func Parse(file string, data []byte) (*Lock, error) {
	p := &parser{file: file, lock: &Lock{}}
	if len(data) > MaxSize {
		p.problem(1, 1, "", fmt.Sprintf("the lock has more than %d MiB", MaxSize>>20), "")
		return nil, p.problems
	}
	if p.findMarker(data) {
		return nil, p.problems
	}
	if err := p.lines(data); err != nil {
		return nil, err
	}
	if len(p.problems) == 0 {
		p.check()
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return p.lock.canonical(), nil
}

type parser struct {
	file     string
	lock     *Lock
	places   []int // line of each package
	problems Problems
}

func (p *parser) problem(line, column int, field, detail, hint string) {
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, Problem{p.file, line, column, field, detail, hint})
	}
}

// findMarker reports the first conflict marker that git left behind.
func (p *parser) findMarker(data []byte) bool {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		for _, marker := range []string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"} {
			if bytes.HasPrefix(line, []byte(marker)) {
				p.problem(number, 1, "", fmt.Sprintf("%q is a conflict marker: a merge was not finished here", marker), hintConflict)
				return true
			}
		}
	}
	return false
}

// lines reads the header and the packages. Only a newer version is an error of
// its own.
func (p *parser) lines(data []byte) error {
	number, headed := 0, false
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(bytes.TrimSpace(line)) == 0:
		case !headed:
			headed = true
			if err := p.header(number, line); err != nil {
				return err
			}
		default:
			var pkg Package
			if p.decode(number, line, &pkg) {
				p.lock.Packages = append(p.lock.Packages, pkg)
				p.places = append(p.places, number)
			}
		}
	}
	if !headed {
		p.problem(1, 1, "", "the lock is empty: its header is missing", hintRestore)
	}
	return nil
}

// header reads the first line. Its version is looked at before anything else,
// since a newer header may hold what is unknown here.
func (p *parser) header(number int, line []byte) error {
	var version struct {
		Lock *jsontext.Value `json:"lock"`
	}
	if err := json.Unmarshal(line, &version); err != nil {
		p.syntax(number, line, err)
		return nil
	}
	if version.Lock == nil {
		p.problem(number, 1, "lock", "the first line is not the header of a lock", hintRestore)
		return nil
	}
	switch n := formatVersion(*version.Lock); {
	case n < MinVersion:
		p.problem(number, 1, "lock", fmt.Sprintf("%s is not a format version", *version.Lock), hintRestore)
		return nil
	case n > MaxVersion:
		return &NewerVersionError{p.file, n}
	}
	var h header
	if p.decode(number, line, &h) {
		p.lock.Registries, p.lock.Requirements, p.lock.Features = h.Registries, h.Dependencies, h.Features
	}
	return nil
}

// formatVersion returns the number in the header, 0 if there is none.
func formatVersion(value jsontext.Value) int {
	n, err := strconv.Atoi(string(value))
	if err != nil {
		return 0
	}
	return n
}

func (p *parser) decode(number int, line []byte, v any) bool {
	if err := json.Unmarshal(line, v, json.RejectUnknownMembers(true)); err != nil {
		p.syntax(number, line, err)
		return false
	}
	return true
}

// syntax reports what the JSON decoder found, at its place in the line.
func (p *parser) syntax(number int, line []byte, err error) {
	offset, field, detail := int64(0), "", err.Error()
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntactic):
		offset, field = syntactic.ByteOffset, fieldOf(syntactic.JSONPointer)
		detail = "not JSON: " + syntactic.Err.Error()
		if errors.Is(err, jsontext.ErrDuplicateName) {
			detail = "the member is there twice"
		}
	case errors.As(err, &semantic):
		offset, field = semantic.ByteOffset, fieldOf(semantic.JSONPointer)
		detail = describe(semantic)
	}
	offset = min(max(offset, 0), int64(len(line)))
	p.problem(number, utf8.RuneCount(line[:offset])+1, field, detail, hintRestore)
}

func describe(err *json.SemanticError) string {
	if errors.Is(err, json.ErrUnknownName) {
		return "a lock of this version has no such member"
	}
	if err.GoType == nil || err.JSONKind == 0 {
		return "unexpected value"
	}
	return fmt.Sprintf("unexpected %s; %s belongs here", kindName(err.JSONKind), typeName(err.GoType.Kind().String()))
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '{':
		return "object"
	case '[':
		return "list"
	case '"':
		return "string"
	case '0':
		return "number"
	}
	return k.String()
}

func typeName(kind string) string {
	switch kind {
	case "struct", "map":
		return "an object"
	case "slice":
		return "a list"
	case "bool":
		return "true or false"
	case "int", "int64":
		return "an integer"
	}
	return "a string"
}

// fieldOf writes a JSON pointer as a person would: "dependencies[2].req".
func fieldOf(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		if _, err := strconv.Atoi(token); err == nil && b.Len() > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}
