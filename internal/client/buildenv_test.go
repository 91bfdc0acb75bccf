package client

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clydepm/clyde/internal/external"
)

func TestRelocatedPkgConfig(t *testing.T) {
	tree := fstest.MapFS{
		"usr/include/fmt/core.h":                     {},
		"usr/lib/x86_64-linux-gnu/libfmt.so":         {},
		"usr/lib/x86_64-linux-gnu/pkgconfig/fmt.pc":  {},
		"usr/share/pkgconfig/json.pc":                {},
		"usr/local/lib/pkgconfig/local.pc":           {},
		"lib/pkgconfig/plain.pc":                     {},
		"include/plain.h":                            {},
		"usr/share/cmake/thing.cmake":                {},
		"usr/local/include/local.h":                  {},
		"usr/lib/x86_64-linux-gnu/pkgconfig/self.pc": {},
	}
	for _, test := range []struct{ name, text, want string }{
		{
			"usr/lib/x86_64-linux-gnu/pkgconfig/fmt.pc",
			"prefix=/usr\nlibdir=/usr/lib/x86_64-linux-gnu\nincludedir=${prefix}/include\nLibs: -L/usr/lib/x86_64-linux-gnu -lfmt\nCflags: -I/usr/include -I/usr/include/glib\n",
			"prefix=ROOT/usr\nlibdir=${prefix}/lib/x86_64-linux-gnu\nincludedir=${prefix}/include\nLibs: -L${prefix}/lib/x86_64-linux-gnu -lfmt\nCflags: -I${prefix}/include -I/usr/include/glib\n",
		},
		{
			"usr/share/pkgconfig/json.pc",
			"prefix = /usr\nexec_prefix=/usr\ndata=/usrlocal /opt/usr/include\n",
			"prefix = ROOT/usr\nexec_prefix=${prefix}\ndata=/usrlocal /opt/usr/include\n",
		},
		{"usr/local/lib/pkgconfig/local.pc", "prefix=/opt/here\nCflags: -I/opt/here/include\n", "prefix=ROOT/usr/local\nCflags: -I${prefix}/include\n"},
		{"lib/pkgconfig/plain.pc", "prefix=/usr\nCflags: -I/usr/include\n", "prefix=ROOT\nCflags: -I${prefix}/include\n"},
		{"lib/pkgconfig/plain.pc", "Name: plain\nCflags: -I/usr/include\n", "Name: plain\nCflags: -I/usr/include\n"},
		{
			"usr/lib/x86_64-linux-gnu/pkgconfig/self.pc",
			"prefix=${pcfiledir}/../../..\nCflags: -I${prefix}/include\n",
			"prefix=ROOT/usr/lib/x86_64-linux-gnu/pkgconfig/../../..\nCflags: -I${prefix}/include\n",
		},
	} {
		if got := relocated(test.text, tree, test.name, "ROOT"); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestBuildEnv(t *testing.T) {
	store, project := testStore(t), testProject(t)
	if _, err := project.Generations.BuildEnv(external.Builtin()); !errors.Is(err, ErrNotFound) {
		t.Errorf("with nothing installed: %v, want %v", err, ErrNotFound)
	}
	data, digest := packed(t, "fmt", "9.1.0", map[string]string{
		"usr/include/fmt/core.h":                       "",
		"usr/include/x86_64-linux-gnu/fmt.h":           "",
		"usr/lib/x86_64-linux-gnu/libfmt.so":           "",
		"usr/lib/aarch64-linux-gnu/libfmt.so":          "",
		"usr/lib/x86_64-linux-gnu/pkgconfig/fmt.pc":    "prefix=/usr\nName: fmt\n",
		"usr/lib/x86_64-linux-gnu/cmake/fmt/fmt.cmake": "",
		"bin/fmt": "#!/bin/sh\n",
	})
	addToStore(t, store, digest, data)
	ledger := &Ledger{Version: ledgerVersion, Platform: "linux-x86_64", Packages: []LedgerPackage{{Name: "fmt", Version: "9.1.0", Cksum: digest}}}
	if err := project.apply(t.Context(), change{ledger: ledger}, store, 5); err != nil {
		t.Fatal(err)
	}
	env, err := project.Generations.BuildEnv(external.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range env.Variables {
		got = append(got, v.Name+"="+strings.ReplaceAll(v.Value(), project.Generations.Packages(), "P"))
	}
	want := []string{
		"CPATH=P/fmt/usr/include:P/fmt/usr/include/x86_64-linux-gnu",
		"LIBRARY_PATH=P/fmt/usr/lib:P/fmt/usr/lib/x86_64-linux-gnu",
		"LD_LIBRARY_PATH=P/fmt/usr/lib:P/fmt/usr/lib/x86_64-linux-gnu",
		"PKG_CONFIG_PATH=P/.pkgconfig",
		"CMAKE_PREFIX_PATH=P/fmt:P/fmt/usr",
		"PATH=P/fmt/bin",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	pc, err := os.ReadFile(filepath.Join(project.Generations.Packages(), pkgConfigName, "fmt.pc"))
	if err != nil || string(pc) != "prefix=${pcfiledir}/../fmt/usr\nName: fmt\n" {
		t.Errorf("%q, %v", pc, err)
	}
}

func TestBuildEnvRefusesAPathWithASeparator(t *testing.T) {
	project := OpenProject(filepath.Join(t.TempDir(), "a"+string(filepath.ListSeparator)+"b"))
	store := testStore(t)
	if err := project.prepare(); err != nil {
		t.Skip("the system has no such folders")
	}
	if err := project.apply(t.Context(), change{ledger: installed(t, store, "hello 1.0.0")}, store, 5); err != nil {
		t.Fatal(err)
	}
	if _, err := project.Generations.BuildEnv(external.Builtin()); !errors.Is(err, ErrRefused) {
		t.Errorf("%v, want %v", err, ErrRefused)
	}
}

func TestScriptQuotes(t *testing.T) {
	hostile := `/a b/it's $(touch x) "q" \ ` + "`id`" + ` ;&|*?~!#%` + "\nnewline ’typo‘"
	env := &BuildEnv{Variables: []BuildVariable{{"CPATH", []string{hostile, "/second"}}}}
	script, err := env.Script(ShellPOSIX)
	if err != nil {
		t.Fatal(err)
	}
	for before, want := range map[string]string{"": hostile + ":/second", "/old": hostile + ":/second:/old"} {
		cmd := exec.Command("sh", "-c", script+`printf %s "$CPATH"`)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "CPATH=" + before}
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%q, %v\nwant %q", out, err, want)
		}
	}
	fish, err := env.Script(ShellFish)
	if want := `set -gx --path CPATH '` + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(hostile) + "' '/second' $CPATH\n"; err != nil || fish != want {
		t.Errorf("fish: %q, %v", fish, err)
	}
	power, err := env.Script(ShellPowerShell)
	if err != nil || !strings.Contains(power, "it''s") || !strings.Contains(power, "’’typo‘‘") {
		t.Errorf("powershell: %q, %v", power, err)
	}
	if _, err := env.Script("csh"); !errors.Is(err, ErrUnknownShell) {
		t.Errorf("csh: %v", err)
	}
}
