package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/registrytest"
)

// canary is the token of the private host. It is nowhere in the repository but
// here, so that what has it got it from a run.
const canary = "cly-canary-0123456789abcdef"

// privateHost is a host that wants a token for everything: an index as static
// files and as a git repository, archives, some of which another host has, and a
// database of reports.
type privateHost struct {
	*program
	*httptest.Server
	host  credential.Host
	other *httptest.Server

	mu      sync.Mutex
	heard   []string // Authorization of all requests to the other host
	letIn   int      // requests with the token
	refused int
}

// newPrivateHost makes the host. Its index has hello, and moved, whose archive is
// with the other host.
func newPrivateHost(t *testing.T) *privateHost {
	t.Helper()
	h := &privateHost{program: newProgram(t, t.TempDir())}
	www := filepath.Join(h.dir, "www")
	h.other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.heard = append(h.heard, r.Header.Get("Authorization"))
		h.mu.Unlock()
		http.FileServer(http.Dir(www)).ServeHTTP(w, r)
	}))
	t.Cleanup(h.other.Close)
	mux := http.NewServeMux()
	mux.Handle("/", h.guard(`Cargo login_url="https://login.example.org/"`, canary, http.FileServer(http.Dir(www))))
	mux.Handle("/moved/", h.guard("Bearer", "Bearer "+canary, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, h.other.URL+r.URL.Path, http.StatusFound)
	})))
	mux.Handle("/git/", h.guard(`Basic realm="git"`, "", gitBackend(t, h.dir)))
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	h.host, _ = credential.ParseHost(h.URL)

	h.clyde("", "index", "init", "index.git", "--name", "private", "--dl-base", h.URL+"/archives")
	h.release("hello", "", "archives")
	h.release("moved", "dependencies: {hello: \"^1\"}\n", "moved")
	h.releasePrograms()
	h.git("clone", "-q", "index.git", "work")
	config := h.read("work/config.json")
	h.write("work/config.json", strings.Replace(config, "{", `{"auth-required":true,`, 1))
	h.git("-C", "work", "commit", "-qam", "Want a login")
	h.git("-C", "work", "push", "-q")
	h.write("www/reports.json", "[]\n")
	h.clyde("", "index", "export", "static", "--index", "index.git", "www/index")
	return h
}

func (h *privateHost) release(name, more, archives string) {
	h.t.Helper()
	h.write(name+"/.clyde/package.yaml", fmt.Sprintf("name: %s\nversion: 1.0.0\nlicense: MIT\ndescription: a package\n%s", name, more))
	h.write(name+"/Cargo.toml", fmt.Sprintf("[package]\nname = %q\nversion = \"1.0.0\"\nedition = \"2021\"\n", name))
	h.write(name+"/src/lib.rs", "pub fn answer() -> u32 { 42 }\n")
	h.clyde(name, "publish", "--via", "local", "--index", filepath.Join(h.dir, "index.git"),
		"--store", filepath.Join(h.dir, "www", archives), "--dl-base", h.URL+"/"+archives)
}

func (h *privateHost) git(args ...string) {
	h.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Ann", "-c", "user.email=ann@example.org"}, args...)...)
	cmd.Dir = h.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (h *privateHost) read(name string) string {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

func gitBackend(t *testing.T, root string) http.Handler {
	t.Helper()
	folder, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	return http.StripPrefix("/git", &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(folder)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	})
}

// guard lets in who has the header, or, where that is "", the token as anybody's
// password.
func (h *privateHost) guard(challenge, header string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		in := password == canary || header != "" && r.Header.Get("Authorization") == header
		h.mu.Lock()
		if in {
			h.letIn++
		} else {
			h.refused++
		}
		h.mu.Unlock()
		if !in {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tenant is somebody who uses the private host, with a home of their own.
type tenant struct {
	*program
	host *privateHost
	http http.RoundTripper
	said bytes.Buffer // all that was printed
}

func newTenant(t *testing.T, h *privateHost) *tenant {
	u := &tenant{program: newProgram(t, t.TempDir()), host: h, http: http.DefaultTransport}
	u.write("project/.clyde/package.yaml", "")
	return u
}

// do runs a command in the project, talking much.
func (u *tenant) do(args ...string) (string, int) {
	u.t.Helper()
	var out bytes.Buffer
	code := run(u.t.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: filepath.Join(u.dir, "project"), HTTP: &http.Client{Transport: u.http},
		Getenv: func(name string) string { return u.env[name] }, Now: registrytest.Clock,
		Environ: func() []string { return nil },
	}, append([]string{"-v"}, args...))
	fmt.Fprintf(&u.said, "clyde %v: exit %d\n%s", args, code, out.String())
	return out.String(), code
}

func (u *tenant) must(args ...string) {
	u.t.Helper()
	if out, code := u.do(args...); code != exitOK {
		u.t.Errorf("clyde %v: exit %d\n%s", args, code, out)
	}
}

// sparse is the address of the index as static files.
func (u *tenant) sparse() string { return "sparse+" + u.host.URL + "/index/" }

// everyCommand does what there is to do with a registry.
func (u *tenant) everyCommand() {
	u.t.Helper()
	u.must("registry", "add", u.host.URL+"/git/index.git", "--name", "ours", "--type", "git")
	u.must("registry", "remove", "ours")
	u.must("registry", "add", u.sparse(), "--name", "ours")
	for _, args := range [][]string{
		{"registry", "list"},
		{"registry", "show", "ours"},
		{"registry", "update"},
		{"auth", "status"},
		{"auth", "status", "--json"},
		{"search", "hello"},
		{"info", "hello"},
		{"add", "moved"},
		{"install"},
		{"update"},
		{"outdated"},
		{"tree"},
		{"why", "hello"},
		{"list"},
		{"fetch"},
		{"verify"},
		{"sbom"},
		{"audit", "--db", u.host.URL + "/reports.json"},
		{"env"},
		{"clean", "--cache", "--store"},
		{"ci"},
		{"vendor"},
		{"rollback"},
		{"remove", "moved"},
	} {
		u.do(append(args, "--json")...)
		u.do(args...)
	}
	u.write("project/.clyde/package.yaml", "name: mine\nversion: 1.0.0\nlicense: MIT\ndescription: mine\n")
	u.do("check")
	u.do("pack")
	u.do("publish", "--dry-run", "--via", "local", "--index", filepath.Join(u.host.dir, "index.git"), "--store", filepath.Join(u.dir, "store"))
	u.do("add", "nothing-of-that-name")
	u.do("audit", "--db", u.host.URL+"/no-reports.json")
}

// leaks finds the token in whatever form in all files below the folder, but those
// it is kept in, and in their names.
func leaks(t *testing.T, root string, but ...string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		data := []byte(rel)
		if e.Type().IsRegular() {
			for _, kept := range but {
				if name == kept {
					return nil
				}
			}
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			data = append(data, content...)
		}
		if tells(string(data)) {
			found = append(found, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tells reports whether a text has the token: as it is, within a URL, or within
// the header of a user.
func tells(text string) bool {
	for _, user := range []string{"", ":", "x-access-token:", "kim:"} {
		// Three bytes are four characters, and what follows may begin within them.
		encoded := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(user+canary)), "=")
		if strings.Contains(text, encoded[:len(encoded)-2]) {
			return true
		}
	}
	return strings.Contains(text, canary) || strings.Contains(text, url.QueryEscape(canary))
}

// keep puts the token into a source, and says in which files it is there.
func (u *tenant) keep(source string) []string {
	u.t.Helper()
	private := func(name, text string, mode os.FileMode) string {
		u.write(name, text)
		file := filepath.Join(u.dir, name)
		if err := os.Chmod(file, mode); err != nil {
			u.t.Fatal(err)
		}
		return file
	}
	switch source {
	case "environment":
		u.env[credential.Variable(u.host.host)] = canary
		return nil
	case "file":
		return []string{private("xdg/config/clyde/credentials.json", fmt.Sprintf(`{"version":1,"hosts":{%q:{"token":%q}}}`, u.host.host, canary), 0o600)}
	case "netrc":
		u.env["NETRC"] = filepath.Join(u.dir, ".netrc")
		return []string{private(".netrc", "machine "+string(u.host.host)+" login kim password "+canary+"\n", 0o600)}
	case "helper":
		u.write("xdg/config/clyde/config.yaml", fmt.Sprintf("credential-helpers: [{run: [%q]}]\n", filepath.Join(u.dir, "helper")))
		return []string{private("helper", u.dumpHelper(), 0o700)}
	}
	return nil
}

// TestNoTokenIsTold runs all commands with a token from each source and searches
// for it in everything that was written, printed, handed to programs, or told to
// another host.
func TestNoTokenIsTold(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("needs a shell for the stand-ins of programs")
	}
	h := newPrivateHost(t)
	for _, source := range []string{"environment", "file", "netrc", "helper"} {
		t.Run(source, func(t *testing.T) {
			u := newTenant(t, h)
			u.recordPrograms()
			u.tokensEverywhere()
			kept := u.keep(source)
			h.letIn, h.heard = 0, nil
			u.everyCommand()
			u.runPrograms()
			if out, code := u.do("install"); code != exitOK || h.letIn < 10 {
				t.Fatalf("%d requests were let in; exit %d\n%s", h.letIn, code, out)
			}
			for _, header := range h.heard {
				if header != "" {
					t.Errorf("another host was told %q", header)
				}
			}
			if len(h.heard) == 0 {
				t.Error("the other host was never asked")
			}
			if found := leaks(t, u.dir, kept...); len(found) > 0 {
				t.Errorf("the token is in %v", found)
			}
			if tells(u.said.String()) {
				t.Errorf("the token was printed:\n%s", u.said.String())
			}
		})
	}
}

// recordPrograms puts a git in front of git that writes down its arguments.
func (u *tenant) recordPrograms() {
	u.t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		u.t.Fatal(err)
	}
	u.write("bin/git", fmt.Sprintf("#!/bin/sh\necho \"$0 $*\" >>%q\nexec %q \"$@\"\n", filepath.Join(u.dir, "programs"), git))
	if err := os.Chmod(filepath.Join(u.dir, "bin", "git"), 0o755); err != nil {
		u.t.Fatal(err)
	}
	u.t.Setenv("PATH", filepath.Join(u.dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// careless keeps a log of what it sends in the cache.
type careless struct{ log string }

func (c careless) RoundTrip(r *http.Request) (*http.Response, error) {
	f, err := os.OpenFile(c.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(f, r.URL, r.Header)
		err = f.Close()
	}
	if err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestALeakIsNoticed: what searches for the token finds one that was leaked, in
// every form in which it is sent.
func TestALeakIsNoticed(t *testing.T) {
	h := newPrivateHost(t)
	for source, address := range map[string]string{"environment": "sparse+" + h.URL + "/index/", "netrc": "sparse+" + h.URL + "/index/"} {
		u := newTenant(t, h)
		kept := u.keep(source)
		u.http = careless{filepath.Join(u.dir, "log")}
		u.must("registry", "add", address, "--name", "ours")
		if found := leaks(t, u.dir, kept...); len(found) != 1 || found[0] != "log" {
			t.Errorf("%s: leaks were found in %v", source, found)
		}
		if err := os.Rename(filepath.Join(u.dir, "log"), filepath.Join(u.dir, canary)); err != nil {
			t.Fatal(err)
		}
		u.write(canary, "")
		if found := leaks(t, u.dir, kept...); len(found) != 1 {
			t.Errorf("%s: a file's name was found in %v", source, found)
		}
	}
}

// TestPrivateHostWantsALogin: every way to it says how to log in, and what was
// wrong with a token that is not taken.
func TestPrivateHostWantsALogin(t *testing.T) {
	h := newPrivateHost(t)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	login := "hint: log in with 'clyde auth login " + string(h.host) + "'"
	u := newTenant(t, h)
	for _, args := range [][]string{
		{"registry", "add", u.sparse()},
		{"registry", "add", h.URL + "/git/index.git", "--type", "git"},
		{"audit", "--db", h.URL + "/reports.json"},
	} {
		if out, code := u.do(args...); code != exitRefused || !strings.Contains(out, login) {
			t.Errorf("clyde %v: exit %d\n%s", args, code, out)
		}
	}
	u.env[credential.Variable(h.host)] = canary
	u.must("registry", "add", u.sparse(), "--name", "ours")
	delete(u.env, credential.Variable(h.host))
	if out, code := u.do("add", "hello"); code != exitRefused || !strings.Contains(out, login) {
		t.Errorf("an archive without a token: exit %d\n%s", code, out)
	}
	u.env[credential.Variable(h.host)] = "old"
	if out, code := u.do("add", "hello"); code != exitRefused || !strings.Contains(out, "does not take the token it was given") || !strings.Contains(out, "'clyde auth login "+string(h.host)+"'") {
		t.Errorf("with a token that is not taken: exit %d\n%s", code, out)
	}
	u.env[credential.Variable(h.host)] = "bad\ntoken"
	if out, code := u.do("add", "hello"); code != exitRefused || !strings.Contains(out, "CLYDE_TOKEN_127_0_0_1___") {
		t.Errorf("with a token that cannot be sent: exit %d\n%s", code, out)
	}
	u.env[credential.Variable(h.host)] = canary
	u.must("add", "hello")
}

// TestCargoWithALogin has the real cargo use the private host with the same token
// as clyde.
func TestCargoWithALogin(t *testing.T) {
	cargo := realCargo(t)
	h := newPrivateHost(t)
	u := newTenant(t, h)
	u.write("app/.cargo/config.toml", fmt.Sprintf("[registry]\nglobal-credential-providers = [\"cargo:token\"]\n[registries.ours]\nindex = %q\n", u.sparse()))
	u.write("app/Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n")
	u.write("app/src/main.rs", "fn main() { println!(\"{}\", hello::answer()); }\n")
	run := func(token string, args ...string) (string, error) {
		cmd := exec.Command(cargo, args...)
		cmd.Dir = filepath.Join(u.dir, "app")
		cmd.Env = append(os.Environ(), "CARGO_HOME="+filepath.Join(u.dir, "cargo-home"), "CARGO_TERM_COLOR=never")
		if token != "" {
			cmd.Env = append(cmd.Env, "CARGO_REGISTRIES_OURS_TOKEN="+token)
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("", "add", "hello", "--registry", "ours"); err == nil {
		t.Errorf("cargo needs no token:\n%s", out)
	}
	for _, args := range [][]string{{"add", "hello", "--registry", "ours"}, {"fetch"}} {
		if out, err := run(canary, args...); err != nil {
			t.Fatalf("cargo %v: %v\n%s", args, err, out)
		}
	}
	u.env[credential.Variable(h.host)] = canary
	u.must("registry", "add", u.sparse(), "--name", "ours")
	u.must("add", "hello")
	if _, err := os.Stat(filepath.Join(u.dir, "project", ".clyde", "packages", "hello", "src", "lib.rs")); err != nil {
		t.Error(err)
	}
}
