package strictyaml

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// searchWork bounds the text that is parsed again, in bytes, to find where a
// syntax error is.
const searchWork = 1 << 18

// reportSyntax reports why data is not YAML. yaml.v3 names at most a line, and
// not always the right one, so the place is found by parsing prefixes: going
// back from where the parser gave up, the error is at the end of the shortest
// prefix that has the same error.
func (d *Document) reportSyntax(data []byte) {
	message, read := syntaxError(data)
	end := read
	for work := searchWork - end; end > 1 && work > 0; work -= end {
		if shorter, _ := syntaxError(data[:end-1]); shorter != message {
			break
		}
		end--
	}
	line, column := position(data, end-1)
	d.report(line, column, "", syntaxHint(message), "this is not YAML: %s", message)
}

var linePrefix = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^yaml: (line \d+: )?`) })

// syntaxError returns the first error in data, without its place, and how many
// bytes were read before it was noticed. The message is empty when there is
// none.
func syntaxError(data []byte) (message string, read int) {
	source := &byteReader{data: data}
	decoder := yaml.NewDecoder(source)
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return "", source.read
		}
		if err != nil {
			return linePrefix().ReplaceAllString(err.Error(), ""), source.read
		}
	}
}

// syntaxHint explains the parser's commonest messages.
func syntaxHint(message string) string {
	switch {
	case strings.Contains(message, "cannot start any token"):
		return "indent with spaces, not tabs, and quote text that begins with @, ` or %"
	case strings.Contains(message, "mapping values are not allowed"):
		return `quote text that contains ": ", and check the indentation`
	case strings.Contains(message, "did not find expected key"),
		strings.Contains(message, "could not find expected ':'"),
		strings.Contains(message, "did not find expected '-' indicator"):
		return "check the indentation of this line and the one before it"
	case strings.Contains(message, "unexpected end of stream"):
		return "close the quotes that are open here"
	case strings.Contains(message, "unknown anchor"):
		return "quote text that begins with *"
	default:
		return ""
	}
}

// A byteReader gives one byte at a time, so that what has been read tells how
// far the parser has come.
type byteReader struct {
	data []byte
	read int
}

func (r *byteReader) Read(p []byte) (int, error) {
	if r.read == len(r.data) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = r.data[r.read]
	r.read++
	return 1, nil
}
