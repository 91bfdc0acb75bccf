package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/process"
)

// Helper is a program that knows credentials. It speaks the protocol of git's
// credential helpers: it is started with the argument "get", reads
//
//	protocol=https
//	host=registry.example.org
//
// and an empty line, and writes lines with "password=" and, where there is one,
// "username=". So git's own helpers can be named as they are. One that knows
// nothing writes nothing. No shell is started, and what it writes to its standard
// error is not shown, for nobody knows what it holds.
type Helper struct {
	Hosts []string // "registry.example.org", or "*.example.org"; none means all, see the package comment
	Run   []string // program and arguments
}

const (
	helperPatience = time.Minute
	maxHelperText  = 64 << 10
)

// For reports whether the helper is configured for a host by name.
func (h Helper) For(host Host) bool {
	for _, pattern := range h.Hosts {
		pattern = strings.ToLower(pattern)
		below, open := strings.CutPrefix(pattern, "*")
		if pattern == string(host) || open && strings.HasPrefix(below, ".") && strings.HasSuffix(string(host), below) {
			return true
		}
	}
	return false
}

// fromHelpers asks the helpers that are for the host by name, or, with all, those
// that are for all hosts.
func (f *Finder) fromHelpers(ctx context.Context, host Host, all bool) (Credential, bool, error) {
	for _, h := range f.opts.Helpers {
		if len(h.Run) == 0 || all != (len(h.Hosts) == 0) || !all && !h.For(host) {
			continue
		}
		c, ok, err := h.ask(ctx, host)
		if ok || err != nil {
			return c, ok, err
		}
	}
	return Credential{}, false, nil
}

func (h Helper) ask(ctx context.Context, host Host) (Credential, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, helperPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.Run[0], append(h.Run[1:len(h.Run):len(h.Run)], "get")...)
	cmd.Env = append(process.WithoutOwnSecrets(cmd.Environ()), "GIT_TERMINAL_PROMPT=0")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("protocol=https\nhost=%s\n\n", host))
	cmd.WaitDelay = 2 * time.Second
	answer := &bounded{limit: maxHelperText}
	cmd.Stdout = answer
	failed := func(err error) (Credential, bool, error) {
		return Credential{}, false, &Error{
			Message: fmt.Sprintf("the credential helper %q", h.Run[0]), Err: err,
			Remedy: fmt.Sprintf("run it by hand: it is given 'host=%s' on its standard input and the argument get", host),
		}
	}
	if err := cmd.Run(); err != nil {
		return failed(err)
	}
	words := map[string]string{}
	for line := range bytes.Lines(answer.data.Bytes()) {
		name, value, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), "=")
		words[name] = value
	}
	if words["password"] == "" {
		return Credential{}, false, nil
	}
	secret, err := NewSecret(words["password"])
	if err != nil {
		return failed(err)
	}
	return Credential{User: words["username"], Secret: secret, Source: Command, Place: h.Run[0]}, true, nil
}

// bounded keeps what is written to it and fails when that is too much.
type bounded struct {
	data  bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.data.Len()+len(p) > b.limit {
		return 0, errors.New("it says too much")
	}
	return b.data.Write(p)
}

// CheckPattern reports what is wrong with a host of a helper: it is a host, or
// "*." and the end of hosts.
func CheckPattern(text string) error {
	_, err := ParseHost(strings.TrimPrefix(text, "*."))
	return err
}
