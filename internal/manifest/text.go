package manifest

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// line reads a text of one line of at most limit characters, without blanks
// around it and without characters that hide or reorder others.
func line(v strictyaml.Value, limit int) string {
	text := v.Text()
	bad := strings.IndexFunc(text, isInvisible)
	switch {
	case text == "":
		return ""
	case bad >= 0 && text[bad] == '\n':
		v.Report("write it on one line, or after >- on several that are joined", "has a line break")
	case bad >= 0:
		r, _ := utf8.DecodeRuneInString(text[bad:])
		v.Report("remove it", "has the control character %U", r)
	case text != strings.TrimSpace(text):
		v.Report("remove them", "has blanks around it")
	case utf8.RuneCountInString(text) > limit:
		v.Report("", "has %d characters; the limit is %d", utf8.RuneCountInString(text), limit)
	default:
		return text
	}
	return ""
}

// isInvisible reports whether r is a control character, breaks lines or changes
// the direction of the text around it.
func isInvisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == 0xfeff
}

func parseType(v strictyaml.Value) string {
	text := v.Text()
	if text != "" && !index.IsType(text) {
		v.Report(`write a word such as "library", "tool" or "files"`, "%q is not 1 to 32 of a-z, 0-9 and \"-\" after a letter", text)
	}
	return text
}

func parseDescription(v strictyaml.Value) string {
	return line(v, maxDescription)
}

// urlPattern is what is allowed of RFC 3986: a host name, no user, nothing that
// has to be escaped.
var urlPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z]+://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#]([!$&'()*+,./0-9:;=?@A-Z_a-z~#\[\]-]|%[0-9A-Fa-f]{2})*)?$`)
})

func parseURL(v strictyaml.Value, schemes ...string) string {
	text := line(v, maxURL)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "":
		v.Report(urlHint(text), "%q is not an address that begins with %s and a host", text, alternatives(schemes))
	case u.User != nil:
		v.Report("take USER@ out; credentials never belong in a manifest", "the URL holds a user name or password")
	case !urlPattern().MatchString(text):
		v.Report("write the host as a name and escape other characters as %XX", "%q has a part that may not stand in a URL", text)
	}
	return text
}

// alternatives lists schemes: "https://, http:// or git://".
func alternatives(schemes []string) string {
	text := schemes[0] + "://"
	for i, scheme := range schemes[1:] {
		separator := ", "
		if i == len(schemes)-2 {
			separator = " or "
		}
		text += separator + scheme + "://"
	}
	return text
}

var (
	sshAddress = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^ssh://(?:[^/@]+@)?([A-Za-z0-9.-]+)(?::[0-9]+)?/([^:]+)$`)
	})
	scpAddress = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):([^:]+)$`) })
	bareHost   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[!-~]*)?$`) })
)

func urlHint(text string) string {
	for _, address := range []*regexp.Regexp{sshAddress(), scpAddress()} {
		if m := address.FindStringSubmatch(text); m != nil {
			return `write "https://` + m[1] + "/" + strings.TrimSuffix(m[2], ".git") + `"`
		}
	}
	if bareHost().MatchString(text) {
		return `write "https://` + text + `"`
	}
	if rest, ok := strings.CutPrefix(text, "git+"); ok {
		return `write "` + rest + `"`
	}
	return `write one such as "https://example.org/project"`
}

// authorPattern is a name with or without an address. The address is what RFC
// 5322 calls a dot-atom on both sides, in ASCII.
var authorPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([^<>@"]*[^<>@" ])( <([^<>@ ]+@[^<>@ ]+)>)?$`) })

var mailPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*" +
		`@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
})

func parseAuthor(v strictyaml.Value) string {
	text := line(v, maxAuthor)
	if text == "" {
		return ""
	}
	parts := authorPattern().FindStringSubmatch(text)
	if parts == nil {
		v.Report(`write "Name <name@example.org>" or "Name"`, "%q is not a name with a mail address", text)
		return text
	}
	if address := parts[3]; address != "" {
		if _, err := mail.ParseAddress(address); err != nil || !mailPattern().MatchString(address) {
			v.Report("write the address as NAME@HOST", "%q is not a mail address", address)
		}
	}
	return text
}

var keywordPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9+_-]{0,29}$`) })

func parseKeyword(v strictyaml.Value) string {
	text := v.Text()
	if text == "" || keywordPattern().MatchString(text) {
		return text
	}
	hint := `write one lower-case word, such as "http-client"`
	if tidy := strings.ReplaceAll(strings.ToLower(text), " ", "-"); keywordPattern().MatchString(tidy) {
		hint = `write "` + tidy + `"`
	}
	v.Report(hint, `%q is not 1 to 30 of a-z, 0-9, "+", "-" and "_"`, text)
	return text
}

// parsePattern reads a path or glob below the root of the package.
func parsePattern(v strictyaml.Value) string {
	text := line(v, maxPattern)
	switch {
	case text == "":
	case strings.Contains(text, `\`):
		v.Report(`write "`+strings.ReplaceAll(text, `\`, "/")+`"`, `%q has a "\"; the separator is "/" on every system`, text)
	case strings.HasPrefix(text, "/"):
		v.Report("write it relative to the folder that holds .clyde", "%q is absolute", text)
	case slices.Contains(strings.Split(text, "/"), ".."):
		v.Report("write it relative to the folder that holds .clyde", `%q leaves the package with ".."`, text)
	case strings.Trim(text, "./") == "":
		v.Report(`write "**" for everything`, "%q names nothing", text)
	case !doublestar.ValidatePattern(text):
		v.Report(`close every "[" and "{", or write "[[]" for a "["`, "%q is not a pattern", text)
	}
	return text
}
