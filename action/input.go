package action

import (
	"fmt"
	"slices"
	"strings"
)

// maxInput bounds an input, in bytes.
const maxInput = 64 << 10

// Input returns an input without the space around it, "" when it was not given.
func (r *Runner) Input(name string) (string, error) {
	variable := "INPUT_" + strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(name))
	value := strings.TrimSpace(r.Getenv(variable))
	if len(value) > maxInput {
		return "", fmt.Errorf("the input %s has more than %d bytes", name, maxInput)
	}
	if i := strings.IndexFunc(value, isControl); i >= 0 {
		return "", fmt.Errorf("the input %s has the control character %q", name, value[i])
	}
	return value, nil
}

// isControl reports what no input has: control characters but for line ends and
// tabs.
func isControl(c rune) bool {
	return (c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f
}

// LineInput returns an input that is on one line.
func (r *Runner) LineInput(name string) (string, error) {
	value, err := r.Input(name)
	if err == nil && strings.ContainsAny(value, "\r\n") {
		err = fmt.Errorf("the input %s has several lines; write it on one", name)
	}
	return value, err
}

// BoolInput returns an input that is true or false, as YAML 1.2 writes them.
// An input that was not given is false.
func (r *Runner) BoolInput(name string) (bool, error) {
	value, err := r.LineInput(name)
	if err != nil {
		return false, err
	}
	switch value {
	case "true", "True", "TRUE":
		return true, nil
	case "", "false", "False", "FALSE":
		return false, nil
	}
	return false, &Error{Detail: fmt.Sprintf("the input %s is %q", name, value), Remedy: "write true or false"}
}

// ChoiceInput returns an input that is one of a few words. The first is that of
// an input that was not given.
func (r *Runner) ChoiceInput(name string, choices ...string) (string, error) {
	value, err := r.LineInput(name)
	switch {
	case err != nil:
		return "", err
	case value == "":
		return choices[0], nil
	case !slices.Contains(choices, value):
		return "", &Error{Detail: fmt.Sprintf("the input %s is %q", name, value), Remedy: "write " + strings.Join(choices, " or ")}
	}
	return value, nil
}
