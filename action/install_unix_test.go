//go:build unix

package action_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// installation runs install.sh as the action does.
type installation struct {
	t      *testing.T
	dir    string
	env    map[string]string
	output string // what it wrote to the log
	asked  string // the last file that it asked for
}

// newInstallation serves files of a release and writes checksums for them. What
// is served may be something else.
func newInstallation(t *testing.T, promised, served string) *installation {
	t.Helper()
	i := &installation{t: t, dir: t.TempDir()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked = r.URL.Path
		if !strings.HasPrefix(r.URL.Path, "/v1.2.3/clyde_") || served == "" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(served)) // the client may have gone
	}))
	t.Cleanup(server.Close)
	sum := sha256.Sum256([]byte(promised))
	i.env = map[string]string{
		"PATH": os.Getenv("PATH"), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_TEMP": filepath.Join(i.dir, "runner temp"),
		"GITHUB_OUTPUT": filepath.Join(i.dir, "output"), "CLYDE_MIRROR": server.URL,
	}
	script, err := os.ReadFile("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	i.write("install.sh", string(script))
	checksums := "# clyde v1.2.3, built with go1.26.8 by action/build.sh\n"
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64.exe", "windows_arm64.exe"} {
		checksums += fmt.Sprintf("%s  clyde_%s\n", hex.EncodeToString(sum[:]), platform)
	}
	i.write("checksums.txt", checksums)
	return i
}

func (i *installation) write(name, text string) string {
	i.t.Helper()
	file := filepath.Join(i.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return file
}

// run runs the script and returns the path that it gives, "" when it fails.
func (i *installation) run() string {
	i.t.Helper()
	cmd := exec.CommandContext(i.t.Context(), "bash", filepath.Join(i.dir, "install.sh"))
	for name, value := range i.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	i.output = string(out)
	written, readErr := os.ReadFile(i.env["GITHUB_OUTPUT"])
	if err != nil {
		if readErr == nil {
			i.t.Errorf("it fails and gives %q all the same", written)
		}
		return ""
	}
	path, ok := strings.CutPrefix(strings.TrimSuffix(string(written), "\n"), "path=")
	if !ok {
		i.t.Fatalf("the outputs are %q\n%s", written, out)
	}
	return path
}

// withoutGo leaves a path with what the script needs and no Go.
func (i *installation) withoutGo() {
	i.t.Helper()
	bin := filepath.Join(i.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		i.t.Fatal(err)
	}
	for _, name := range []string{"bash", "curl", "sha256sum", "shasum", "sed", "awk", "cut", "mkdir", "mv", "cp", "rm", "chmod", "dirname", "uname"} {
		if where, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(where, filepath.Join(bin, name)); err != nil {
				i.t.Fatal(err)
			}
		}
	}
	i.env["PATH"] = bin
}

const program = "#!/bin/sh\necho this is clyde\n"

func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err == nil {
		return
	}
	if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
		t.Fatal("CLYDE_TEST_REQUIRE=1, but there is no curl")
	}
	t.Skip("there is no curl here")
}

func TestInstallVerifiesWhatItDownloads(t *testing.T) {
	needCurl(t)
	i := newInstallation(t, program, program)
	out, err := exec.CommandContext(t.Context(), i.run()).Output()
	if err != nil || string(out) != "this is clyde\n" {
		t.Errorf("%q, %v\n%s", out, err, i.output)
	}
}

// TestInstallKnowsRunners asks on each kind of runner for the file of that kind.
// On macOS there is no sha256sum.
func TestInstallKnowsRunners(t *testing.T) {
	needCurl(t)
	for _, c := range []struct{ system, machine, file, name string }{
		{"Linux", "X64", "clyde_linux_amd64", "clyde"},
		{"Linux", "ARM64", "clyde_linux_arm64", "clyde"},
		{"macOS", "X64", "clyde_darwin_amd64", "clyde"},
		{"macOS", "ARM64", "clyde_darwin_arm64", "clyde"},
		{"Windows", "X64", "clyde_windows_amd64.exe", "clyde.exe"},
		{"Windows", "ARM64", "clyde_windows_arm64.exe", "clyde.exe"},
	} {
		i := newInstallation(t, program, program)
		i.env["RUNNER_OS"], i.env["RUNNER_ARCH"] = c.system, c.machine
		if c.system == "macOS" {
			i.withoutGo()
			if err := os.Remove(filepath.Join(i.env["PATH"], "sha256sum")); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if _, err := os.Lstat(filepath.Join(i.env["PATH"], "shasum")); err != nil {
				continue // nothing here computes a digest as macOS does
			}
		}
		path := i.run()
		if filepath.Base(path) != c.name || !strings.HasSuffix(i.asked, "/"+c.file) {
			t.Errorf("%s on %s: %q, after asking for %q\n%s", c.system, c.machine, path, i.asked, i.output)
		}
		if data, err := os.ReadFile(path); string(data) != program {
			t.Errorf("%s on %s: %v", c.system, c.machine, err)
		}
	}
}

// TestInstallNeverRunsOtherBytes: neither are they run, nor is another clyde
// taken in their place.
func TestInstallNeverRunsOtherBytes(t *testing.T) {
	needCurl(t)
	i := newInstallation(t, program, "#!/bin/sh\necho hostile\n")
	if path := i.run(); path != "" || !strings.Contains(i.output, "::error title=clyde::") || !strings.Contains(i.output, "It was not run") {
		t.Errorf("%q\n%s", path, i.output)
	}
	if left, err := filepath.Glob(filepath.Join(i.env["RUNNER_TEMP"], "clyde-action", "*")); len(left) > 0 || err != nil {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

func TestInstallTakesABinary(t *testing.T) {
	i := newInstallation(t, program, "")
	i.env["INPUT_BINARY"] = i.write("my clyde", program)
	out, err := exec.CommandContext(t.Context(), i.run()).Output()
	if err != nil || string(out) != "this is clyde\n" {
		t.Errorf("%q, %v\n%s", out, err, i.output)
	}
}

func TestInstallSaysWhatIsMissing(t *testing.T) {
	needCurl(t)
	for name, change := range map[string]func(*installation){
		"input binary":     func(i *installation) { i.env["INPUT_BINARY"] = "/nowhere/x\n::add-mask::y" },
		"actions/setup-go": func(i *installation) { i.withoutGo() },
		"is not built for": func(i *installation) { i.env["RUNNER_ARCH"] = "S390X" },
		"no Go to build":   func(i *installation) { i.withoutGo(); i.write("checksums.txt", "# No release yet.\n") },
	} {
		i := newInstallation(t, program, "")
		change(i)
		if path := i.run(); path != "" || !strings.Contains(i.output, name) || strings.Contains(i.output, "\n::add-mask") {
			t.Errorf("%s: %q\n%s", name, path, i.output)
		}
	}
}
