package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/registrytest"
)

// nginx is a real web server with one folder.
type nginx struct {
	url, dir, log string
}

// nginxConfig is what docs/static-export.md asks for, and what it takes to run
// as anyone on any port.
const nginxConfig = `daemon off;
%s
pid nginx.pid;
error_log error.log;
events {}
http {
  log_format asked '$status $request_uri $sent_http_content_encoding';
  access_log access.log asked;
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  uwsgi_temp_path temp;
  scgi_temp_path temp;
  server {
    listen %s;
    root %s;
    default_type text/plain;
    location / {
      gzip_static on;
      gzip_vary on;
    }
  }
}
`

// startNginx serves dir until the test ends.
func startNginx(t *testing.T, dir string) *nginx {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // Debian's, which is not on every PATH
		if _, err := os.Stat(program); err != nil {
			t.Fatal("there is no nginx")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	prefix, user := t.TempDir(), ""
	if os.Getuid() == 0 {
		user = "user root;" // the folders of a test are its own
	}
	config := filepath.Join(prefix, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, user, address, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-p", prefix, "-e", "error.log", "-c", config)
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	n := &nginx{url: "http://" + address, dir: dir, log: filepath.Join(prefix, "access.log")}
	for range 100 {
		resp, err := http.Get(n.url)
		if err == nil {
			resp.Body.Close()
			n.asked(t)
			return n
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("nginx does not answer: %s", said.Bytes())
	return nil
}

// asked are the requests since the last call: status, path, encoding.
func (n *nginx) asked(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(n.log)
	if err == nil {
		err = os.Truncate(n.log, 0)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// program is a clyde in a folder, with places of its own.
type program struct {
	t   *testing.T
	dir string
	env map[string]string
}

func newProgram(t *testing.T, dir string) *program {
	return &program{t: t, dir: dir, env: map[string]string{
		"HOME": dir, "XDG_CONFIG_HOME": filepath.Join(dir, "xdg", "config"),
		"XDG_CACHE_HOME": filepath.Join(dir, "xdg", "cache"), "XDG_DATA_HOME": filepath.Join(dir, "xdg", "data"),
	}}
}

// clyde runs clyde in a folder below the program's, and returns what it says.
func (p *program) clyde(folder string, args ...string) string {
	p.t.Helper()
	out, code := p.try(folder, args...)
	if code != exitOK {
		p.t.Fatalf("clyde %v: exit %d\n%s", args, code, out)
	}
	return out
}

func (p *program) try(folder string, args ...string) (string, int) {
	p.t.Helper()
	var out bytes.Buffer
	code := run(p.t.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: filepath.Join(p.dir, folder), HTTP: &http.Client{},
		Getenv: func(name string) string { return p.env[name] }, Now: registrytest.Clock,
	}, args)
	return out.String(), code
}

func (p *program) write(name, text string) {
	p.t.Helper()
	name = filepath.Join(p.dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

// TestNginx serves a static export with nginx, and reads it with curl and clyde.
//
// It needs nginx and curl, and so it runs where CLYDE_TEST_NGINX=1 or
// CLYDE_TEST_REQUIRE=1 says they are there.
func TestNginx(t *testing.T) {
	if os.Getenv("CLYDE_TEST_NGINX") != "1" && os.Getenv("CLYDE_TEST_REQUIRE") != "1" {
		t.Skip("neither CLYDE_TEST_NGINX=1 nor CLYDE_TEST_REQUIRE=1 is set")
	}
	p := newProgram(t, t.TempDir())
	p.clyde("", "index", "init", "index.git", "--name", "web")
	publish := func(name, version string) {
		p.write(name+"/.clyde/package.yaml", fmt.Sprintf("name: %s\nversion: %s\nlicense: MIT\n", name, version))
		p.write(name+"/"+name+".h", "#define VERSION "+version+"\n")
		p.clyde(name, "publish", "--via", "local", "--index", filepath.Join(p.dir, "index.git"))
	}
	publish("hello", "1.0.0")
	publish("other", "1.0.0")
	export := func() { p.clyde("", "index", "export", "static", "--index", "index.git", "www") }
	export()
	server := startNginx(t, filepath.Join(p.dir, "www"))

	head := curl(t, "-H", "Accept-Encoding: gzip", server.url+"/he/ll/hello")
	if !strings.Contains(head, "Content-Encoding: gzip") {
		t.Errorf("curl gets no compressed form:\n%s", head)
	}
	tag := regexp.MustCompile(`(?m)^ETag: (.*?)\r?$`).FindStringSubmatch(head)
	if tag == nil {
		t.Fatalf("no entity tag:\n%s", head)
	}
	if again := curl(t, "-H", "Accept-Encoding: gzip", "-H", "If-None-Match: "+tag[1], server.url+"/he/ll/hello"); !strings.Contains(again, " 304 ") {
		t.Errorf("a second request:\n%s", again)
	}
	server.asked(t)

	p.clyde("", "registry", "add", "sparse+"+server.url+"/", "--name", "web")
	if asked := server.asked(t); len(asked) != 2 || asked[0] != "200 /changes.jsonl gzip" || !strings.HasPrefix(asked[1], "200 /packed-v3-") {
		t.Errorf("to begin, nginx was asked %q", asked)
	}
	p.clyde("", "registry", "update")
	if asked := server.asked(t); len(asked) != 1 || asked[0] != "304 /changes.jsonl -" {
		t.Errorf("with nothing new, nginx was asked %q", asked)
	}
	publish("hello", "1.1.0")
	export()
	p.clyde("", "registry", "update")
	if asked := server.asked(t); len(asked) != 2 || asked[0] != "200 /changes.jsonl gzip" || asked[1] != "200 /he/ll/hello gzip" {
		t.Errorf("with one version new, nginx was asked %q", asked)
	}
	if out := p.clyde("", "info", "hello"); !strings.Contains(out, "1.1.0") {
		t.Errorf("info says\n%s", out)
	}
	p.write("app/main.c", "")
	p.write("app/.clyde/package.yaml", "name: app\nversion: 0.1.0\n")
	p.clyde("app", "add", "hello")
	if out := p.clyde("app", "tree"); !strings.Contains(out, "hello 1.1.0") {
		t.Errorf("tree says\n%s", out)
	}
}

// curl asks for a URL and returns the head of the answer.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("curl", append([]string{"--silent", "--show-error", "--output", os.DevNull, "--dump-header", "-"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl %v: %v\n%s", args, err, out)
	}
	return string(out)
}
