package external

import (
	"regexp"
	"strings"
	"sync"

	"github.com/clydepm/clyde/internal/process"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Forms of the texts in a driver, and of what managers answer.
var (
	programName  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(/[^{}]*)?[A-Za-z0-9_][A-Za-z0-9_.+-]*$`) })
	belowPrefix  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\{prefix\}(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+$`) })
	variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })
	passPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\*?$`) })
	answeredName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9@._/+:~-]*$`) })
	answeredVers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+:~_!-]*$`) })
)

// textsOf reads a list of texts of one form.
func textsOf(v strictyaml.Value, form *regexp.Regexp) []string {
	var all []string
	for _, item := range v.List() {
		all = append(all, textOf(item, form))
	}
	return all
}

// passOf reads the patterns of variables that a driver gets. A pattern for secrets
// would do nothing.
func passOf(v strictyaml.Value) []string {
	var all []string
	for _, item := range v.List() {
		pattern := textOf(item, passPattern())
		if process.Secret(strings.TrimSuffix(pattern, "*")) {
			item.Report("leave it out", "%q is a secret of clyde's, which no driver gets", pattern)
		}
		all = append(all, pattern)
	}
	return all
}

func textOf(v strictyaml.Value, form *regexp.Regexp) string {
	text := v.Text()
	if text != "" && !form.MatchString(text) {
		v.Report("", "%q does not match %s", text, form)
	}
	return text
}
