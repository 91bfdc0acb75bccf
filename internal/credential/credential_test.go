package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// world is a user's home with some sources of credentials.
type world struct {
	t    *testing.T
	dir  string
	vars map[string]string
	ring *ring
	opts Options
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), vars: map[string]string{}, ring: &ring{secrets: map[string]string{}}}
	w.opts = Options{
		Getenv: func(name string) string { return w.vars[name] }, Ring: w.ring,
		File: filepath.Join(w.dir, "config", "credentials.json"), Netrc: filepath.Join(w.dir, ".netrc"),
	}
	return w
}

func (w *world) write(name, text string, mode os.FileMode) string {
	w.t.Helper()
	file := filepath.Join(w.dir, filepath.FromSlash(name))
	must(w.t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(w.t, os.WriteFile(file, []byte(text), mode))
	must(w.t, os.Chmod(file, mode))
	return file
}

// ring is a keyring in memory.
type ring struct {
	mu      sync.Mutex
	secrets map[string]string
	asked   int
	fault   error
}

func (r *ring) Get(service, user string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	secret, ok := r.secrets[service+" "+user]
	if !ok && r.fault == nil {
		return "", ErrNotFound
	}
	return secret, r.fault
}

func (r *ring) Set(service, user, secret string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[service+" "+user] = secret
	return r.fault
}

func (r *ring) Delete(service, user string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.secrets[service+" "+user]; !ok {
		return ErrNotFound
	}
	delete(r.secrets, service+" "+user)
	return r.fault
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func secret(t *testing.T, text string) Secret {
	t.Helper()
	s, err := NewSecret(text)
	must(t, err)
	return s
}

func hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// helperScript is a credential helper that is a shell script.
func (w *world) helperScript(name, body string) string {
	w.t.Helper()
	if runtime.GOOS == "windows" {
		w.t.Skip("the helper of this test is a shell script")
	}
	return w.write(name, "#!/bin/sh\n"+body, 0o755)
}

func TestSourcesInTheirOrder(t *testing.T) {
	w := newWorld(t)
	w.vars["CLYDE_TOKEN_ENV_EXAMPLE_ORG"] = "from-environment"
	for _, name := range []string{"env", "stored", "ring", "named", "netrc"} {
		w.write(".netrc", w.read(".netrc")+"machine "+name+".example.org login kim password from-netrc\n", 0o600)
	}
	named := w.helperScript("named", `[ "$*" = "--of corp get" ] || exit 1
while read line && [ -n "$line" ]; do echo "$line" >>`+w.dir+`/asked; done
echo username=robot
echo password=from-helper
`)
	anyone := w.helperScript("any", "echo password=from-any\n")
	w.opts.Helpers = []Helper{{Run: []string{anyone}}, {Hosts: []string{"*.example.org"}, Run: []string{named, "--of", "corp"}}}
	f := New(w.opts)
	for _, host := range []Host{"env.example.org", "stored.example.org"} {
		must(t, f.Login(t.Context(), host, "", secret(t, "from-file"), false))
	}
	for _, host := range []Host{"env.example.org", "ring.example.org"} {
		must(t, f.Login(t.Context(), host, "kim", secret(t, "from-ring"), true))
	}
	for _, test := range []struct {
		host               Host
		user, secret, from string
	}{
		{"env.example.org", "", "from-environment", "environment"},
		{"stored.example.org", "", "from-file", "file"},
		{"ring.example.org", "kim", "from-ring", "keyring"},
		{"named.example.org", "robot", "from-helper", "helper"},
		{"netrc.example.org", "robot", "from-helper", "helper"}, // before netrc
	} {
		c, ok, err := f.Ready(t.Context(), test.host)
		if err != nil || !ok || c.User != test.user || c.Secret.Reveal() != test.secret || string(c.Source) != test.from {
			t.Errorf("%s: %q %q from %s, %v %v", test.host, c.User, c.Secret.Reveal(), c.Source, ok, err)
		}
	}
	if got, want := w.read("asked"), "protocol=https\nhost=named.example.org\nprotocol=https\nhost=netrc.example.org\n"; got != want {
		t.Errorf("the helper was asked %q", got)
	}
	if _, ok, err := f.Ready(t.Context(), "elsewhere.example.com"); ok || err != nil {
		t.Errorf("nobody has one: %v %v", ok, err)
	}
	if c, ok, err := f.Asked(t.Context(), "elsewhere.example.com"); !ok || err != nil || c.Secret.Reveal() != "from-any" {
		t.Errorf("the helper for all hosts: %v %v", ok, err)
	}
	w.opts.Helpers = nil
	if c, ok, err := New(w.opts).Ready(t.Context(), "netrc.example.org"); !ok || err != nil || c.Source != Netrc || c.User != "kim" {
		t.Errorf("netrc: %v %v", ok, err)
	}
}

func (w *world) read(name string) string {
	data, _ := os.ReadFile(filepath.Join(w.dir, name)) // absent is empty
	return string(data)
}

func TestFileThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	w := newWorld(t)
	f := New(w.opts)
	must(t, f.Login(t.Context(), "a.example.org", "", secret(t, "CANARY"), false))
	must(t, f.Login(t.Context(), "r.example.org", "", secret(t, "CANARY"), true))
	info, err := os.Stat(w.opts.File)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("written with the mode %v", info.Mode())
	}
	w.write(".netrc", "machine n.example.org password CANARY\n", 0o604)
	must(t, os.Chmod(w.opts.File, 0o640))
	for _, host := range []Host{"a.example.org", "n.example.org"} {
		_, _, err := New(w.opts).Ready(t.Context(), host)
		if !errors.Is(err, ErrRefused) || !strings.Contains(hint(err), "chmod 600 "+w.dir) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v (%s)", host, err, hint(err))
		}
	}
	for host, want := range map[Host]bool{"other.example.org": false, "r.example.org": true} {
		if _, ok, err := New(w.opts).Ready(t.Context(), host); err != nil || ok != want {
			t.Errorf("%s, whose secret is not there: %v %v", host, ok, err)
		}
	}
	must(t, New(w.opts).Login(t.Context(), "b.example.org", "", secret(t, "x"), false))
	if _, ok, err := New(w.opts).Ready(t.Context(), "a.example.org"); !ok || err != nil {
		t.Errorf("a login writes the file anew: %v", err)
	}
}

func TestBrokenSourcesSayNothingSecret(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("CANARY", maxHelperText/4)
	for name, prepare := range map[string]func(){
		"variable": func() { w.vars["CLYDE_TOKEN_A_EXAMPLE_ORG"] = "CANARY\nX: y" },
		"not JSON": func() { w.write("config/credentials.json", `{"version": 1, "hosts": CANARY`, 0o600) },
		"of another type": func() {
			w.write("config/credentials.json", `{"version": 1, "hosts": {"a.example.org": "CANARY"}}`, 0o600)
		},
		"a later version": func() {
			w.write("config/credentials.json", `{"version": 2, "hosts": {"a.example.org": {"token": "CANARY"}}}`, 0o600)
		},
		"a token of lines": func() {
			w.write("config/credentials.json", `{"version": 1, "hosts": {"a.example.org": {"token": "CANARY\n"}}}`, 0o600)
		},
		"netrc":    func() { w.write(".netrc", "machine a.example.org password CANARY\xff\n", 0o600) },
		"too long": func() { w.opts.Helpers[0].Run = []string{w.helperScript("long", "echo password="+long+"\n")} },
		"failing": func() {
			w.opts.Helpers[0].Run = []string{w.helperScript("fail", "echo password=CANARY; echo CANARY >&2; exit 3\n")}
		},
		"not there": func() { w.opts.Helpers[0].Run = []string{filepath.Join(w.dir, "gone"), "CANARY"} },
		"locked keyring": func() {
			w.write("config/credentials.json", `{"version": 1, "hosts": {"a.example.org": {"keyring": true}}}`, 0o600)
			w.ring.fault = errors.New("locked")
		},
		"forgotten keyring": func() {
			w.write("config/credentials.json", `{"version": 1, "hosts": {"a.example.org": {"keyring": true}}}`, 0o600)
		},
		"no keyring": func() {
			w.write("config/credentials.json", `{"version": 1, "hosts": {"a.example.org": {"keyring": true}}}`, 0o600)
			w.opts.Ring = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w = newWorld(t)
			w.opts.Helpers = []Helper{{Hosts: []string{"a.example.org"}, Run: []string{"true"}}}
			prepare()
			_, ok, err := New(w.opts).Ready(t.Context(), "a.example.org")
			if ok || err == nil {
				t.Fatalf("found: %v", ok)
			}
			if text := fmt.Sprintf("%v %+v %#v %s", err, err, err, hint(err)); strings.Contains(text, "CANARY") {
				t.Errorf("tells the secret: %s", text)
			}
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	c := Credential{User: "kim", Secret: secret(t, "CANARY"), Source: File}
	encoded, err := json.Marshal(c)
	must(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c, "s", c.Secret)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "c", c, "s", c.Secret)
	text := fmt.Sprint(c, &c, c.Secret, []Secret{c.Secret}) + fmt.Sprintf("%v %+v %#v %s %q %x %d", c, c, c, c.Secret, c.Secret, c.Secret, c.Secret) + string(encoded) + log.String()
	if strings.Contains(text, "CANARY") || strings.Contains(text, "43414e415259") {
		t.Error(text)
	}
}

func TestVariables(t *testing.T) {
	for host, want := range map[string]string{
		"registry.example.org":              "CLYDE_TOKEN_REGISTRY_EXAMPLE_ORG",
		"my-registry.example.org":           "CLYDE_TOKEN_MY__REGISTRY_EXAMPLE_ORG",
		"https://registry.example.org:443/": "CLYDE_TOKEN_REGISTRY_EXAMPLE_ORG",
		"localhost:8080":                    "CLYDE_TOKEN_LOCALHOST___8080",
		"http://127.0.0.1/x":                "CLYDE_TOKEN_127_0_0_1___80",
		"[::1]:8080":                        "CLYDE_TOKEN_______1___8080",
		"Bücher.example.org":                "CLYDE_TOKEN_XN____BCHER__KVA_EXAMPLE_ORG",
	} {
		h, err := ParseHost(host)
		if got := Variable(h); err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", host, got, want, err)
		}
	}
	got := HostsIn([]string{"CLYDE_TOKEN_MY__REGISTRY_EXAMPLE_ORG=x", "CLYDE_TOKEN_LOCALHOST___8080=x", "CLYDE_TOKEN_EMPTY=", "CLYDE_TOKEN_=x", "PATH=/bin"})
	if want := "[localhost:8080 my-registry.example.org]"; fmt.Sprint(got) != want {
		t.Errorf("hosts %v, want %s", got, want)
	}
	for _, bad := range []string{"", "https://", "kim:CANARY@example.org", "https://CANARY@example.org/", "ftp://example.org", "example.org/path", "exa mple.org", "http://[::1", "-"} {
		if _, err := ParseHost(bad); bad != "-" && (!errors.Is(err, ErrUsage) || strings.Contains(err.Error(), "CANARY")) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzVariable(f *testing.F) {
	f.Add("a-b.example.org:80", "a.b-example.org")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, err := ParseHost(a)
		if err != nil {
			return
		}
		if again, err := ParseHost(string(one)); err != nil || again != one {
			t.Fatalf("%q is the host %q, and that the host %q (%v)", a, one, again, err)
		}
		if two, err := ParseHost(b); err == nil && one != two && Variable(one) == Variable(two) {
			t.Fatalf("%q and %q share %s", one, two, Variable(one))
		}
	})
}

func TestNetrc(t *testing.T) {
	const text = `# a comment with machine a.example.org password no
machine a.example.org
	login kim # not a word
	password "with \"quotes\" and spaces"
macdef init
machine b.example.org password within-a-macro

machine B.example.org:8443 password with-port
machine b.example.org account x password without
default login anonymous password never
machine c.example.org login only
`
	for host, want := range map[Host]machine{
		"a.example.org":      {"kim", `with "quotes" and spaces`},
		"a.example.org:8443": {"kim", `with "quotes" and spaces`},
		"b.example.org:8443": {"", "with-port"},
		"b.example.org":      {"", "without"},
	} {
		if got, ok := parseNetrc(text, host); !ok || got != want {
			t.Errorf("%s: %v %v", host, got, ok)
		}
	}
	if got, ok := parseNetrc(text, "example.org"); ok {
		t.Errorf("a host that is not there: %v", got)
	}
	if got, _ := parseNetrc(text, "c.example.org"); got.password != "" {
		t.Errorf("no password: %v", got)
	}
}

func FuzzNetrc(f *testing.F) {
	f.Add("machine a login b password c\n")
	f.Fuzz(func(_ *testing.T, text string) { parseNetrc(text, "a") })
}

func TestLoginAndLogout(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	f := New(w.opts)
	const host = Host("a.example.org")
	if err := f.Logout(ctx, host); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody is logged in: %v", err)
	}
	if _, ok, _ := f.Ready(ctx, host); ok {
		t.Error("there is one already")
	}
	for _, step := range []struct {
		user string
		ring bool
		want string // in the keyring
	}{{"", true, "clyde:a.example.org token"}, {"kim", true, "clyde:a.example.org kim"}, {"kim", false, ""}, {"", true, "clyde:a.example.org token"}} {
		must(t, f.Login(ctx, host, step.user, secret(t, "CANARY"), step.ring))
		var have []string
		for name := range w.ring.secrets {
			have = append(have, name)
		}
		if got := strings.Join(have, " "); got != step.want {
			t.Errorf("%+v: the keyring has %q", step, got)
		}
		if strings.Contains(w.read("config/credentials.json"), "CANARY") == step.ring {
			t.Errorf("%+v: the file has %s", step, w.read("config/credentials.json"))
		}
		if c, ok, err := f.Ready(ctx, host); !ok || err != nil || c.User != step.user || c.Secret.Reveal() != "CANARY" {
			t.Errorf("%+v: %v %v", step, ok, err)
		}
	}
	if hosts, err := f.Hosts(); err != nil || fmt.Sprint(hosts) != "[a.example.org]" {
		t.Errorf("%v %v", hosts, err)
	}
	must(t, f.Logout(ctx, host))
	if _, ok, _ := f.Ready(ctx, host); ok || len(w.ring.secrets) != 0 {
		t.Errorf("after the logout: %v %v", ok, w.ring.secrets)
	}
	w.opts.Ring = nil
	if err := New(w.opts).Login(ctx, host, "", secret(t, "x"), true); !errors.Is(err, ErrUsage) {
		t.Errorf("no keyring: %v", err)
	}
}

func TestLoginsAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			if err := New(w.opts).Login(t.Context(), Host(fmt.Sprintf("h%d.example.org", i)), "", Secret{"x"}, i%2 == 0); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if hosts, err := New(w.opts).Hosts(); err != nil || len(hosts) != 20 {
		t.Errorf("%d hosts, %v", len(hosts), err)
	}
}

func TestKeyringThatDoesNotAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := New(newWorld(t).opts)
	release := make(chan struct{})
	defer close(release)
	if err := f.patiently(ctx, func() error { <-release; return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
