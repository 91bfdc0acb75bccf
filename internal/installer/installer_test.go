//go:build unix

package installer

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/hook"
	"github.com/clydepm/clyde/internal/plugin"
)

// installerOf writes an installer for the type "test" that answers each verb with
// the lines of shell that are given for it.
func installerOf(t *testing.T, verbs map[string]string) Program {
	t.Helper()
	script := "#!/bin/sh\nread -r request\nstaging=$(printf %s \"$request\" | sed 's/.*\"staging\":\"\\([^\"]*\\)\".*/\\1/')\ncase \"$request\" in\n"
	for _, verb := range slices.Sorted(maps.Keys(verbs)) {
		script += "*'\"protocol\":1,\"verb\":\"" + verb + "\"'*)\n" + verbs[verb] + "\n;;\n"
	}
	script += `*) echo '{"protocol":1,"error":{"detail":"unknown request"}}' ;;` + "\nesac\n"
	path := filepath.Join(t.TempDir(), "clyde-installer-test")
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return Program{plugin.Program{Kind: plugin.Installer, Name: "test", Path: path}, &hook.Runner{Mode: hook.Off}}
}

func samplePackage(t *testing.T) Package {
	t.Helper()
	tree := t.TempDir()
	if err := os.WriteFile(filepath.Join(tree, "a.txt"), []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return Package{Name: "acme/sample", Version: "1.2.0", Platform: "linux-x86_64", Tree: tree}
}

func TestInstall(t *testing.T) {
	p := installerOf(t, map[string]string{
		"describe": `echo '{"protocol":1,"type":"test","description":"Tests.","later":1}'`,
		"check":    `test -e a.txt && echo '{"protocol":1,"problems":[]}'`,
		"install":  `echo "making it" >&2; mkdir -p "$staging/share/x"; cp a.txt "$staging/share/x/"; echo '{"protocol":1,"files":["share/x/a.txt"],"search":{"XDG_DATA_DIRS":["share"]}}'`,
	})
	pkg, staging := samplePackage(t), t.TempDir()
	if d, err := p.Describe(t.Context()); err != nil || d != (Description{"test", "Tests."}) {
		t.Errorf("%+v, %v", d, err)
	}
	if problems, _, err := p.Check(t.Context(), pkg); err != nil || len(problems) != 0 {
		t.Errorf("%+v, %v", problems, err)
	}
	made, err := p.Install(t.Context(), pkg, staging)
	if err != nil || !slices.Equal(made.Files, []string{"share/x/a.txt"}) || !slices.Equal(made.Search["XDG_DATA_DIRS"], []string{"share"}) || string(made.Log) != "making it\n" {
		t.Errorf("%+v, %v", made, err)
	}
	findings, err := p.Conform(t.Context(), pkg.Tree)
	if err != nil || len(findings) != 9 {
		t.Errorf("%+v, %v", findings, err)
	}
	for _, f := range findings {
		if f.Status != "pass" {
			t.Errorf("%+v", f)
		}
	}
}

func TestWrongAnswers(t *testing.T) {
	for name, test := range map[string]struct{ install, words string }{
		"no answer":           {`:`, "its answer is not a JSON object"},
		"text":                {`echo done`, "its answer is not a JSON object"},
		"two answers":         {`echo '{"protocol":1}'; echo '{}'`, "something behind its answer"},
		"another protocol":    {`echo '{"protocol":2}'`, "of protocol 2, not 1"},
		"too long":            {`head -c 5000000 /dev/zero | tr '\0' ' '`, "more than 4194304 bytes"},
		"a file unsaid":       {`: > "$staging/x"; echo '{"protocol":1}'`, `made the file "x" and does not name it`},
		"a file not made":     {`echo '{"protocol":1,"files":["x"]}'`, `names the file "x", which is not in`},
		"a file outside":      {`echo '{"protocol":1,"files":["../x"]}'`, `names the file "../x"`},
		"a file twice":        {`: > "$staging/x"; echo '{"protocol":1,"files":["x","x"]}'`, "names a file twice"},
		"a link":              {`ln -s /etc/passwd "$staging/x"; echo '{"protocol":1,"files":["x"]}'`, "not a regular file"},
		"a folder outside":    {`echo '{"protocol":1,"search":{"PATH":["../../bin"]}}'`, `"../../bin", which is not a folder within`},
		"a list of folders":   {`echo '{"protocol":1,"search":{"PATH":["a:b"]}}'`, `"a:b", which is not a folder within`},
		"a folder not made":   {`echo '{"protocol":1,"search":{"PATH":["bin"]}}'`, `names the folder "bin", which it did not make`},
		"no search path":      {`mkdir "$staging/x"; echo '{"protocol":1,"search":{"LD_PRELOAD":["x"]}}'`, "is not the name of a search path"},
		"one of clyde":        {`mkdir "$staging/x"; echo '{"protocol":1,"search":{"CLYDE_PATH":["x"]}}'`, "is not the name of a search path"},
		"its own refusal":     {`echo '{"protocol":1,"error":{"detail":"no fonts here","hint":"add some"}}'`, "clyde-installer-test: no fonts here"},
		"it fails":            {`echo broken >&2; exit 3`, "exit status 3"},
		"it changes the tree": {`echo '{"protocol":1,"files":[]}'; chmod -R u+w .; : > added`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := installerOf(t, map[string]string{"install": test.install})
			_, err := p.Install(t.Context(), samplePackage(t), t.TempDir())
			if test.words == "" {
				if err != nil {
					t.Error(err) // found by Conform, and kept from happening by the sandbox and the store's modes
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%v, want %q", err, test.words)
			}
		})
	}
}

func TestConformFindsFaults(t *testing.T) {
	for name, test := range map[string]struct {
		verbs map[string]string
		fail  []string
	}{
		"says nothing of itself": {map[string]string{"describe": `echo '{"protocol":1,"type":"test"}'`}, []string{"describe", "check", "install"}},
		"is of another type":     {map[string]string{"describe": `echo '{"protocol":1,"type":"tset","description":"x"}'`}, []string{"describe", "check", "install"}},
		"understands everything": {map[string]string{"no-such-verb": `echo '{"protocol":1}'`}, []string{"describe", "refuses an unknown verb", "check", "install"}},
		"writes another file each time": {map[string]string{
			"describe": `echo '{"protocol":1,"type":"test","description":"x"}'`, "check": `echo '{"protocol":1}'`,
			"install": `echo $$ > "$staging/x"; echo '{"protocol":1,"files":["x"]}'`,
		}, []string{"installs the same again"}},
		"changes the tree": {map[string]string{
			"describe": `echo '{"protocol":1,"type":"test","description":"x"}'`, "check": `echo '{"protocol":1}'`,
			"install": `: > added; echo '{"protocol":1,"files":[]}'`,
		}, []string{"leaves the tree alone"}},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := installerOf(t, test.verbs).Conform(t.Context(), samplePackage(t).Tree)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, f := range findings {
				if f.Status == "fail" {
					failed = append(failed, f.Check)
				}
			}
			if !slices.Equal(failed, test.fail) {
				t.Errorf("failed %q, want %q\n%+v", failed, test.fail, findings)
			}
		})
	}
}

func TestAnInstallerIsEnded(t *testing.T) {
	p := installerOf(t, map[string]string{"install": "sleep 60"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Install(ctx, samplePackage(t), t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
