package installer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clydepm/clyde/internal/hook"
)

// Finding is one thing that the conformance test looked at.
type Finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // pass, fail or skip
	Detail string `json:"detail,omitempty"`
}

// Conform tries out whether an installer keeps to the protocol: what it says of
// itself, what it does with requests that it must refuse, and, when sample is the
// folder of a package of its type, with that: it installs it twice, which has to
// make the same, and must leave the tree alone. An error is about the test itself.
func (p Program) Conform(ctx context.Context, sample string) (findings []Finding, err error) {
	add := func(check string, err error) {
		f := Finding{Check: check, Status: "pass"}
		if err != nil {
			f.Status, f.Detail = "fail", err.Error()
		}
		findings = append(findings, f)
	}
	description, err := p.Describe(ctx)
	if err == nil && description.Description == "" {
		err = errors.New("it does not say in \"description\" what it installs")
	}
	add("describe", err)
	temp, err := os.MkdirTemp("", "clyde-conform-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	add("refuses an unknown protocol", p.refuses(ctx, temp, `{"protocol":1000000,"verb":"describe"}`))
	add("refuses an unknown verb", p.refuses(ctx, temp, fmt.Sprintf(`{"protocol":%d,"verb":"no-such-verb"}`, Protocol)))
	add("refuses what is no request", p.refuses(ctx, temp, `[`))
	if sample == "" {
		for _, check := range []string{"check", "install", "installs the same again", "leaves the tree alone"} {
			findings = append(findings, Finding{Check: check, Status: "skip", Detail: "no sample package was given"})
		}
		return findings, nil
	}
	return append(findings, p.conformWith(ctx, temp, sample)...), nil
}

// refuses sends something that has to be answered with an error, or with a failure.
func (p Program) refuses(ctx context.Context, dir, input string) error {
	var output bounded
	_, err := p.Runner.Run(ctx, hook.Hook{
		Name: "refuse", Run: []string{p.Kind.ProgramName(p.Name)}, Program: p.Path, Dir: dir,
		Input: []byte(input + "\n"), Stdout: &output, Timeout: describeTime,
	})
	var failed *hook.FailedError
	if errors.As(err, &failed) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = p.read(&output)
	var refused *RefusedError
	if errors.As(err, &refused) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("it answered %s as if it understood", input)
	}
	return err
}

// conformWith tries an installer with a package.
func (p Program) conformWith(ctx context.Context, temp, sample string) (findings []Finding) {
	add := func(check string, err error) bool {
		f := Finding{Check: check, Status: "pass"}
		if err != nil {
			f.Status, f.Detail = "fail", err.Error()
		}
		findings = append(findings, f)
		return err == nil
	}
	pkg := Package{Name: "sample", Version: "1.0.0", Platform: "linux-x86_64", Tree: sample}
	before, err := treeOf(sample)
	if !add("the sample can be read", err) {
		return findings
	}
	problems, _, err := p.Check(ctx, pkg)
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("it does not like the sample: %s: %s", problems[0].Path, problems[0].Detail)
	}
	add("check", err)
	var trees []map[string]string
	for i, check := range []string{"install", "installs the same again"} {
		staging := filepath.Join(temp, fmt.Sprint("staging", i))
		if err := os.Mkdir(staging, 0o755); err != nil {
			add(check, err)
			return findings
		}
		_, err := p.Install(ctx, pkg, staging)
		var made map[string]string
		if err == nil {
			made, err = treeOf(staging)
		}
		trees = append(trees, made)
		if err == nil && i > 0 {
			err = sameTrees(trees[0], made)
		}
		if !add(check, err) {
			return findings
		}
	}
	after, err := treeOf(sample)
	if err == nil {
		err = sameTrees(before, after)
	}
	add("leaves the tree alone", err)
	return findings
}

// treeOf is the mode and content of each file of a folder.
func treeOf(dir string) (map[string]string, error) {
	files := map[string]string{}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := root.ReadFile(rel)
		files[filepath.ToSlash(rel)] = info.Mode().String() + " " + string(data)
		return err
	})
	return files, err
}

func sameTrees(a, b map[string]string) error {
	for name, content := range a {
		if b[name] != content {
			return fmt.Errorf("%s is not the same", name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			return fmt.Errorf("%s is new", name)
		}
	}
	return nil
}
