package installer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/plugin"
)

// Protocol is the version of the protocol that is spoken.
const Protocol = 1

// Bounds of what a program may do.
const (
	maxAnswer    = 4 << 20
	maxVariables = 32
	maxFolders   = 256
	maxProblems  = 1000
	describeTime = 10 * time.Second
	checkTime    = time.Minute
	InstallTime  = 5 * time.Minute
)

// The verbs of requests.
const (
	verbDescribe = "describe"
	verbCheck    = "check"
	verbInstall  = "install"
)

// Program is an installer and what runs it.
type Program struct {
	plugin.Program
	Runner *hook.Runner
}

// Package is a package that is to be installed.
type Package struct {
	Name, Version, Platform string
	Tree                    string // folder with its files, absolute
}

// Description is what an installer says of itself.
type Description struct {
	Type        string `json:"type"`
	Description string `json:"description"`
}

// Problem is something in a package that an installer cannot install.
type Problem struct {
	Path   string `json:"path"` // "" for the package as a whole
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// Installed is what an installer made of a package.
type Installed struct {
	Files  []string            // with "/", sorted
	Search map[string][]string // folders by variable, with "/"
	Log    []byte              // the end of what it said; escape it before it is shown
}

// RefusedError is an installer's own refusal.
type RefusedError struct {
	Program, Detail, Remedy string
}

func (e *RefusedError) Error() string { return e.Program + ": " + e.Detail }

// Hint is the installer's.
func (e *RefusedError) Hint() string { return e.Remedy }

// ProtocolError is an answer that is not one of the protocol.
type ProtocolError struct{ Program, Detail string }

func (e *ProtocolError) Error() string {
	return e.Program + " does not speak the protocol: " + e.Detail
}

// Hint says how its author finds out.
func (e *ProtocolError) Hint() string { return "its author can try it with 'clyde plugin check'" }

type request struct {
	Protocol int    `json:"protocol"`
	Verb     string `json:"verb"`
	Type     string `json:"type,omitempty"`
	Package  string `json:"package,omitempty"`
	Version  string `json:"version,omitempty"`
	Platform string `json:"platform,omitempty"`
	Tree     string `json:"tree,omitempty"`
	Staging  string `json:"staging,omitempty"`
}

type answer struct {
	Protocol int `json:"protocol"`
	Error    *struct {
		Detail string `json:"detail"`
		Hint   string `json:"hint"`
	} `json:"error"`
	Description
	Problems []Problem           `json:"problems"`
	Files    []string            `json:"files"`
	Search   map[string][]string `json:"search"`
}

// Describe asks an installer what it is.
func (p Program) Describe(ctx context.Context) (Description, error) {
	dir, err := os.MkdirTemp("", "clyde-describe-")
	if err != nil {
		return Description{}, err
	}
	defer func() { _ = os.Remove(dir) }()
	a, _, err := p.ask(ctx, request{Verb: verbDescribe}, hook.Hook{Dir: dir, Timeout: describeTime})
	if err == nil && a.Type != p.Name {
		err = p.wrong("it says that it installs the type %q", a.Type)
	}
	return a.Description, err
}

// Check asks an installer whether it can install a package. The error is that it
// could not be asked. The log is the end of what it said.
func (p Program) Check(ctx context.Context, pkg Package) (problems []Problem, log []byte, err error) {
	a, result, err := p.ask(ctx, p.about(verbCheck, pkg), hook.Hook{Dir: pkg.Tree, Timeout: checkTime})
	if err == nil && len(a.Problems) > maxProblems {
		a.Problems = a.Problems[:maxProblems]
	}
	return a.Problems, result.Output, err
}

// Install lets an installer make the installed package in the folder staging, which
// is empty, and holds what it made against what it says and what may be there.
func (p Program) Install(ctx context.Context, pkg Package, staging string) (Installed, error) {
	r := p.about(verbInstall, pkg)
	r.Staging = staging
	a, result, err := p.ask(ctx, r, hook.Hook{Dir: pkg.Tree, Writable: []string{staging}, Timeout: InstallTime})
	if err != nil {
		return Installed{Log: result.Output}, err
	}
	made := Installed{Files: slices.Sorted(slices.Values(a.Files)), Search: a.Search, Log: result.Output}
	if err := p.compare(made.Files, staging); err != nil {
		return made, err
	}
	return made, p.checkSearch(a.Search, staging)
}

func (p Program) about(verb string, pkg Package) request {
	return request{Verb: verb, Type: p.Name, Package: pkg.Name, Version: pkg.Version, Platform: pkg.Platform, Tree: pkg.Tree}
}

// ask sends one request. What is in h beside the request is where and how long the
// program runs.
func (p Program) ask(ctx context.Context, r request, h hook.Hook) (answer, hook.Result, error) {
	r.Protocol = Protocol
	input, err := json.Marshal(r)
	if err != nil {
		return answer{}, hook.Result{}, err
	}
	var output bounded
	h.Package, h.Version, h.Name = r.Package, r.Version, r.Verb
	h.Run, h.Program, h.Input, h.Stdout = []string{p.Kind.ProgramName(p.Name)}, p.Path, append(input, '\n'), &output
	result, err := p.Runner.Run(ctx, h)
	if err != nil {
		return answer{}, result, err
	}
	a, err := p.read(&output)
	return a, result, err
}

func (p Program) read(output *bounded) (a answer, err error) {
	if output.over {
		return a, p.wrong("its answer has more than %d bytes", maxAnswer)
	}
	d := json.NewDecoder(&output.kept)
	if err := d.Decode(&a); err != nil {
		return a, p.wrong("its answer is not a JSON object: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return a, p.wrong("there is something behind its answer")
	}
	switch {
	case a.Protocol != Protocol:
		return a, p.wrong("its answer is of protocol %d, not %d", a.Protocol, Protocol)
	case a.Error != nil:
		return a, &RefusedError{Program: p.Kind.ProgramName(p.Name), Detail: a.Error.Detail, Remedy: a.Error.Hint}
	}
	return a, nil
}

func (p Program) wrong(format string, args ...any) error {
	return &ProtocolError{Program: p.Kind.ProgramName(p.Name), Detail: fmt.Sprintf(format, args...)}
}

// compare holds the files of the staging folder against the list of the installer,
// which is sorted.
func (p Program) compare(said []string, staging string) error {
	limits := archive.DefaultLimits()
	var have []string
	var size int64
	err := filepath.WalkDir(staging, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == staging {
			return err
		}
		rel, err := filepath.Rel(staging, name)
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		size += info.Size()
		have = append(have, rel)
		switch {
		case !d.Type().IsRegular():
			return p.wrong("it made %q, which is not a regular file", rel)
		case len(have) > limits.Files || size > limits.Size || len(rel) > limits.PathLength:
			return p.wrong("it made more than %d files or %d bytes, or a path of more than %d", limits.Files, limits.Size, limits.PathLength)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(have)
	for _, name := range said {
		if _, found := slices.BinarySearch(have, name); !found {
			return p.wrong("it names the file %q, which is not in the staging folder", name)
		}
	}
	for _, name := range have {
		if _, found := slices.BinarySearch(said, name); !found {
			return p.wrong("it made the file %q and does not name it", name)
		}
	}
	if len(have) != len(said) {
		return p.wrong("it names a file twice")
	}
	return nil
}

var searchName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,60}(PATH|PATHS|DIRS)$|^PATH$`) })

// checkSearch accepts folders of the staging folder, for variables that are search
// paths.
func (p Program) checkSearch(search map[string][]string, staging string) error {
	if len(search) > maxVariables {
		return p.wrong("it sets more than %d variables", maxVariables)
	}
	for name, folders := range search {
		if !searchName().MatchString(name) || strings.HasPrefix(name, "CLYDE") {
			return p.wrong("%q is not the name of a search path: it does not end in PATH, PATHS or DIRS", name)
		}
		if len(folders) > maxFolders {
			return p.wrong("%s has more than %d folders", name, maxFolders)
		}
		for _, folder := range folders {
			if !filepath.IsLocal(filepath.FromSlash(folder)) || path.Clean(folder) != folder || strings.ContainsAny(folder, `\:;`) {
				return p.wrong("%s names %q, which is not a folder within the staging folder", name, folder)
			}
			if info, err := os.Stat(filepath.Join(staging, filepath.FromSlash(folder))); err != nil || !info.IsDir() {
				return p.wrong("%s names the folder %q, which it did not make", name, folder)
			}
		}
	}
	return nil
}

// bounded keeps the answer of a program, up to a bound. The buffer is not embedded:
// its ReadFrom would be used in the place of Write.
type bounded struct {
	kept bytes.Buffer
	over bool
}

// Write never fails: a program that writes too much is told so when it has ended.
func (b *bounded) Write(data []byte) (int, error) {
	if b.kept.Len()+len(data) > maxAnswer {
		b.over = true
		return len(data), nil
	}
	return b.kept.Write(data)
}
