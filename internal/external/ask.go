package external

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/process"
)

const (
	mostAnswer  = 16 << 20 // bytes of one answer that are read
	mostErrors  = 8 << 10  // bytes of what a manager complains that are kept
	longestLine = 64 << 10
	// grace is how long a manager may take to end when it is asked to; killing one
	// in the middle of its work can leave the system in need of repair.
	grace = 20 * time.Second
)

// CommandError reports a command of a package manager that failed.
type CommandError struct {
	Command []string
	How     string // "exit status 100", "was ended after 10m0s"
	Output  []byte // the end of what it wrote; escape it before it is shown

	cut bool // it did not come to its end, so that its failure is no answer
}

// mostSaid is how many lines of a manager's output an error has.
const mostSaid = 5

// Error has the last lines that the manager wrote, which say most.
func (e *CommandError) Error() string {
	text := strings.Join(e.Command, " ") + ": " + e.How
	var said []string
	for line := range strings.Lines(string(e.Output)) {
		if line = strings.TrimSpace(line); line != "" {
			said = append(said, line)
		}
	}
	if len(said) == 1 {
		return text + ": " + said[0]
	}
	for _, line := range said[max(0, len(said)-mostSaid):] {
		text += "\n    " + line
	}
	return text
}

// missingError reports a program that is not there.
type missingError struct{ program string }

func (e *missingError) Error() string { return "there is no program " + e.program + " on PATH" }

// environment is what the commands of a driver get: what every program needs
// that uses the network, and what the driver names. Nothing of clyde's own, and none
// of its secrets, whatever the driver names.
func (d *driver) environment() []string {
	all := map[string]string{}
	for _, entry := range process.WithoutSecrets(os.Environ()) { //nolint:forbidigo // programs are looked for in the PATH of this process, too
		name, value, _ := strings.Cut(entry, "=")
		if slices.ContainsFunc(append(passed(), d.pass...), func(pattern string) bool { return passes(pattern, name) }) {
			all[name] = value
		}
	}
	maps.Copy(all, d.variables)
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		environ = append(environ, name+"="+all[name])
	}
	return environ
}

// passed are the variables that every manager gets.
func passed() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR", "XDG_*",
		"http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
		"SSL_CERT_FILE", "SSL_CERT_DIR",
		"SystemRoot", "SystemDrive", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "ProgramFiles*", "ProgramData",
	}
}

func passes(pattern, name string) bool {
	if start, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, start)
	}
	return pattern == name
}

// run runs one command with the output that it is given.
func (d *driver) run(ctx context.Context, command []string, stdout, stderr io.Writer) (process.Result, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return process.Result{}, &missingError{command[0]}
	}
	c := process.Command{
		Path: path, Args: command[1:], Dir: string(filepath.Separator), Env: d.environment(),
		Stdout: stdout, Stderr: stderr, Timeout: d.timeout, Grace: grace,
	}
	if command[0] == sudo {
		c.Sudo = path
	}
	return process.Run(ctx, c)
}

// ask runs a command and returns its standard output. A command that fails is a
// [*CommandError].
func (d *driver) ask(ctx context.Context, command []string) ([]byte, error) {
	stdout, stderr := process.NewTail(mostAnswer), process.NewTail(mostErrors)
	result, err := d.run(ctx, command, stdout, stderr)
	how, cut := result.String(), true
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case isTimeout(err):
		how = err.Error()
	case err != nil:
		return nil, err
	case stdout.Truncated():
		how = fmt.Sprintf("answers more than %d bytes", mostAnswer)
	case result.Exit == 0:
		return stdout.Bytes(), nil
	default:
		cut = result.Exit < 0
	}
	said := stderr.Bytes()
	if len(bytes.TrimSpace(said)) == 0 {
		said = stdout.Bytes()
	}
	return stdout.Bytes(), &CommandError{command, how, said[max(0, len(said)-mostErrors):], cut}
}

func isTimeout(err error) bool {
	var late *process.TimeoutError
	return errors.As(err, &late)
}

// failed reports whether err says that a command ran to its end and that was no
// good one, rather than that it could not be run or was ended.
func failed(err error) bool {
	var command *CommandError
	return errors.As(err, &command) && !command.cut
}

// packages finds the packages in an answer.
func (p probe) packages(answer []byte) ([]Package, error) {
	if p.json != nil {
		return p.json.packages(answer)
	}
	return matches(p.lines, answer, "version")
}

// matches finds the packages that lines of an answer tell of, and takes their
// versions from a group. What the group name matches may be several names with
// blanks between them.
func matches(pattern *regexp.Regexp, answer []byte, group string) ([]Package, error) {
	if pattern == nil {
		return nil, nil
	}
	var all []Package
	scanner := bufio.NewScanner(bytes.NewReader(answer))
	scanner.Buffer(nil, longestLine)
	for scanner.Scan() {
		parts := pattern.FindStringSubmatch(scanner.Text())
		if parts == nil {
			continue
		}
		p := Package{}
		if at := pattern.SubexpIndex(group); at >= 0 {
			p.Version = parts[at]
		}
		names := []string{""}
		if at := pattern.SubexpIndex("name"); at >= 0 {
			names = strings.Fields(parts[at])
		}
		for _, p.Name = range names {
			if err := p.check(); err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, scanner.Err()
}

// check holds what a manager answers to a form, since it becomes arguments.
func (p Package) check() error {
	if p.Name != "" && !answeredName().MatchString(p.Name) || p.Version != "" && !answeredVers().MatchString(p.Version) {
		return fmt.Errorf("answers the package %q %q, which is none", p.Name, p.Version)
	}
	return nil
}

func (j jsonPath) packages(answer []byte) ([]Package, error) {
	var v any
	if err := json.Unmarshal(answer, &v); err != nil {
		return nil, fmt.Errorf("answers no JSON: %w", err)
	}
	var all []Package
	add := func(name string, element any) error {
		if len(j.name) > 0 {
			name, _ = at(element, j.name).(string)
		}
		version, _ := at(element, j.version).(string)
		p := Package{name, version}
		if version != "" {
			all = append(all, p)
		}
		return p.check()
	}
	var err error
	switch each := at(v, j.each).(type) {
	case []any:
		for _, element := range each {
			err = errors.Join(err, add("", element))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(each)) {
			err = errors.Join(err, add(name, each[name]))
		}
	}
	return all, err
}

// at is the value at a path of keys, nil when there is none.
func at(v any, keys []string) any {
	for _, key := range keys {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}
