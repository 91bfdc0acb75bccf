package manifest

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// written returns a dependency as one line of YAML, without indent and newline.
func written(d Dependency) string {
	return quoted(d.Name, 0) + ": " + writtenValue(d, yaml.DoubleQuotedStyle)
}

// writtenValue returns a requirement alone, or all that is said of a
// dependency in flow style.
func writtenValue(d Dependency, style yaml.Style) string {
	fields := []string{"version: " + quoted(d.Req, style)}
	add := func(key, value string) { fields = append(fields, key+": "+value) }
	if d.Package != "" {
		add("package", quoted(d.Package, 0))
	}
	if d.Registry != "" {
		add("registry", quoted(d.Registry, 0))
	}
	if d.Optional {
		add("optional", "true")
	}
	if len(d.Features) > 0 {
		add("features", list(d.Features))
	}
	if d.NoDefaultFeatures {
		add("default-features", "false")
	}
	if len(d.Platforms) > 0 {
		var names []string
		for _, p := range d.Platforms {
			names = append(names, p.String())
		}
		add("platforms", list(names))
	}
	if len(fields) == 1 {
		return quoted(d.Req, style)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func list(items []string) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = quoted(item, 0)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// quoted returns text as a scalar in the style, or in double quotes where that
// style would not give the text again.
func quoted(text string, style yaml.Style) string {
	switch {
	case style&yaml.SingleQuotedStyle != 0 && !strings.ContainsAny(text, "'\r\n"):
		return "'" + text + "'"
	case style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && isPlain(text):
		return text
	default:
		return strconv.Quote(text)
	}
}

// isPlain reports whether text without quotes is text to every YAML parser,
// also one of YAML 1.1, where "no" is a boolean.
func isPlain(text string) bool {
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off":
		return false
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte("["+text+"]"), &document); err != nil || len(document.Content) != 1 {
		return false
	}
	list := document.Content[0]
	return len(list.Content) == 1 && list.Content[0].Kind == yaml.ScalarNode &&
		list.Content[0].Tag == "!!str" && list.Content[0].Style == 0 && list.Content[0].Value == text
}
