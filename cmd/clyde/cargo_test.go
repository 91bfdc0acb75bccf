package main

import (
	"errors"
	"fmt"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
)

// realCargo is the cargo that CLYDE_TEST_CARGO names.
func realCargo(t *testing.T) string {
	t.Helper()
	cargo := os.Getenv("CLYDE_TEST_CARGO")
	switch {
	case cargo != "":
	case os.Getenv("CLYDE_TEST_REQUIRE") == "1":
		t.Fatal("CLYDE_TEST_REQUIRE=1, but CLYDE_TEST_CARGO does not say where cargo is")
	default:
		t.Skip("CLYDE_TEST_CARGO does not say where cargo is")
	}
	return cargo
}

// TestCargo has the real cargo use an index that clyde publish filled: over git
// from a file and from a server, and over sparse HTTP from a static export that
// nginx serves. The index has what cargo does not know: members of lines, of
// dependencies and of config.json, scoped packages, other files and folders, and
// a line that is damaged.
//
// CLYDE_TEST_CARGO says where cargo, 1.70 or newer, is; nginx is needed as well.
func TestCargo(t *testing.T) {
	cargo := realCargo(t)
	w := newCargoWorld(t, cargo)
	for name, address := range map[string]string{
		"git":        "file://" + filepath.Join(w.dir, "index.git"),
		"smart HTTP": w.gitServer(),
		"sparse":     "sparse+" + w.server.url + "/index/",
	} {
		t.Run(name, func(t *testing.T) { w.use(t, name, address) })
	}
}

// cargoWorld is an index that was published, its archives, and where both are
// served.
type cargoWorld struct {
	*program
	cargo  string
	server *nginx
}

func newCargoWorld(t *testing.T, cargo string) *cargoWorld {
	w := &cargoWorld{program: newProgram(t, t.TempDir()), cargo: cargo}
	www := filepath.Join(w.dir, "www")
	if err := os.MkdirAll(www, 0o755); err != nil {
		t.Fatal(err)
	}
	w.server = startNginx(t, www)
	w.clyde("", "index", "init", "index.git", "--name", "crates", "--dl-base", w.server.url+"/archives")

	w.publish("base", "0.1.0", "pub fn number() -> u32 { 41 }\n", "")
	w.publish("tiny", "0.1.0", "pub fn answer() -> u32 { 1 }\n", "")
	w.publish("tiny", "0.1.1", "pub fn answer() -> u32 { 42 }\n", "")
	// What only clyde knows: platforms, a scoped package, a development dependency on it.
	w.publish("acme/tool", "1.0.0", "pub fn tool() {}\n", "")
	w.publish("wide", "0.2.0", "pub fn wide() {}\n", "platforms: [linux-x86_64]\ndependencies:\n  base: \"^0.1\"\ndev-dependencies:\n  acme/tool: \"^1\"\n")
	w.publish("wide", "0.3.0", "pub fn wide() {}\n", "dependencies:\n  acme/tool: \"^1\"\n")
	w.damage()
	w.clyde("", "index", "export", "static", "--index", "index.git", "www/index")
	return w
}

func (w *cargoWorld) publish(name, version, code, more string) {
	w.t.Helper()
	folder := strings.ReplaceAll(name, "/", "-") + "-" + version
	crate := name[strings.LastIndexByte(name, '/')+1:]
	w.write(folder+"/.clyde/package.yaml", fmt.Sprintf("name: %s\nversion: %s\nlicense: MIT\ndescription: a crate\n%s", name, version, more))
	w.write(folder+"/Cargo.toml", fmt.Sprintf("[package]\nname = %q\nversion = %q\nedition = \"2021\"\n", crate, version))
	w.write(folder+"/src/lib.rs", code)
	w.clyde(folder, "publish", "--via", "local", "--index", filepath.Join(w.dir, "index.git"),
		"--store", filepath.Join(w.dir, "www", "archives"), "--dl-base", w.server.url+"/archives")
}

// damage commits what hides a line only: bytes that are no JSON, a format to
// come, the same member twice; and members that nobody knows yet.
func (w *cargoWorld) damage() {
	w.t.Helper()
	git := func(args ...string) {
		w.t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@example.org"}, args...)...)
		cmd.Dir = w.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("clone", "-q", "index.git", "work")
	path := filepath.Join(w.dir, "work", "ti", "ny", "tiny")
	data, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.SplitAfter(string(data), "\n")
	newest := lines[1]
	other := func(version, from, to string) string {
		changed := strings.Replace(strings.ReplaceAll(newest, "0.1.1", version), from, to, 1)
		if !strings.Contains(changed, to) {
			w.t.Fatalf("no %s in %s", from, newest)
		}
		return changed
	}
	text := strings.Join([]string{
		lines[0],
		"nonsense\n",
		other("0.1.7", `{"name"`, `{"v":9,"name"`),
		other("0.1.8", `"yanked":`, `"yanked":false,"yanked":`),
		strings.Replace(newest, `{"name"`, `{"somebody":{"knows":"this"},"name"`, 1),
	}, "")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	w.write("work/"+index.ConfigPath+".note", "a file that nobody knows\n")
	git("-C", "work", "add", "-A")
	git("-C", "work", "commit", "-qm", "Damage")
	git("-C", "work", "push", "-q")
}

// gitServer serves the index over git's smart HTTP protocol.
func (w *cargoWorld) gitServer() string {
	w.t.Helper()
	folder, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(folder)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + w.dir, "GIT_HTTP_EXPORT_ALL=1"},
	})
	w.t.Cleanup(server.Close)
	return server.URL + "/index.git"
}

// use adds, locks, fetches and builds with a cargo that has nothing yet.
func (w *cargoWorld) use(t *testing.T, name, address string) {
	app := strings.ReplaceAll(name, " ", "-")
	home := filepath.Join(w.dir, app+"-home")
	cargo := func(args ...string) (string, error) {
		cmd := exec.Command(w.cargo, args...)
		cmd.Dir = filepath.Join(w.dir, app)
		cmd.Env = append(os.Environ(), "CARGO_HOME="+home, "CARGO_TARGET_DIR="+filepath.Join(cmd.Dir, "target"), "CARGO_TERM_COLOR=never")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := cargo(args...)
		if err != nil {
			t.Fatalf("cargo %v: %v\n%s", args, err, out)
		}
		return out
	}
	w.write(app+"/.cargo/config.toml", fmt.Sprintf("[registries.ours]\nindex = %q\n", address))
	w.write(app+"/Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n")
	w.write(app+"/src/main.rs", "fn main() { println!(\"{} {}\", tiny::answer(), base::number()); }\n")
	must("add", "tiny", "--registry", "ours")
	must("add", "base", "--registry", "ours")
	must("generate-lockfile")
	w.wantLocked(t, app, "tiny", "0.1.1")
	w.wantLocked(t, app, "base", "0.1.0")
	must("fetch", "--locked")
	must("build", "--locked", "--offline")
	out, err := exec.Command(filepath.Join(w.dir, app, "target", "debug", "app")).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "42 41" {
		t.Errorf("the program says %q, %v", out, err)
	}

	// A dependency comes with what needs it; a version that needs a scoped
	// package is none for cargo.
	must("add", "wide@>=0.2", "--registry", "ours")
	must("remove", "base")
	must("generate-lockfile")
	w.wantLocked(t, app, "wide", "0.2.0")
	w.wantLocked(t, app, "base", "0.1.0")

	w.wantRefused(t, home, "tiny-0.1.1", cargo)
}

// wantLocked holds the lock of cargo against the index.
func (w *cargoWorld) wantLocked(t *testing.T, app, name, version string) {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(w.dir, app, "Cargo.lock"))
	if err != nil {
		t.Fatal(err)
	}
	locked := regexp.MustCompile(`name = "` + name + `"\nversion = "([^"]*)"\nsource = "[^"]*"\nchecksum = "([^"]*)"`).FindStringSubmatch(string(lock))
	out := w.clyde("", "index", "inspect", "--index", "index.git", name+"@"+version)
	if locked == nil || locked[1] != version || !strings.Contains(out, locked[2]) {
		t.Errorf("cargo locked %q for %s %s; the index has\n%s\n%s", locked, name, version, out, lock)
	}
}

// wantRefused fetches once more, from archives that were exchanged.
func (w *cargoWorld) wantRefused(t *testing.T, home, archive string, cargo func(...string) (string, error)) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, "www", "archives", "*", archive+".tar.gz"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	data, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	replace := func(data []byte) error { return errors.Join(os.Remove(found[0]), os.WriteFile(found[0], data, 0o644)) }
	if err := errors.Join(replace([]byte("another archive")), os.RemoveAll(filepath.Join(home, "registry", "cache")), os.RemoveAll(filepath.Join(home, "registry", "src"))); err != nil {
		t.Fatal(err)
	}
	out, err := cargo("fetch")
	if err == nil || !strings.Contains(out, "checksum") {
		t.Errorf("another archive under the same name: %v\n%s", err, out)
	}
	if err := replace(data); err != nil {
		t.Fatal(err)
	}
}
