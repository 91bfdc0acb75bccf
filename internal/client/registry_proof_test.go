//go:build unix

package client

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/history"
)

// gitServer serves repositories over smart HTTP, as git's own program does it,
// and counts what it was asked and how much it answered.
type gitServer struct {
	*httptest.Server
	requests, bytes atomic.Int64
}

// newGitServer serves the repositories of a folder, with settings of git.
func newGitServer(t *testing.T, dir string, settings ...string) *gitServer {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	must(t, err)
	env := []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings))}
	for i, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, value))
	}
	backend := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Env: env}
	s := &gitServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		backend.ServeHTTP(&countingWriter{w, &s.bytes}, r)
	}))
	t.Cleanup(s.Close)
	return s
}

type countingWriter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w *countingWriter) Write(b []byte) (int, error) {
	w.bytes.Add(int64(len(b)))
	return w.ResponseWriter.Write(b)
}

// asked are the requests since the last call.
func (s *gitServer) asked() int64 { return s.requests.Swap(0) }

// on puts a commit on a branch, so that the repository keeps and knows it.
func (u *upstream) on(branch, commit string) string {
	u.t.Helper()
	must(u.t, u.repo.CompareAndSwap("refs/heads/"+branch, "", commit))
	return commit
}

// noise is a text that cannot be compressed much.
func noise(t *testing.T, size int) string {
	t.Helper()
	data := make([]byte, size)
	_, err := rand.Read(data)
	must(t, err)
	return base64.StdEncoding.EncodeToString(data)
}

// TestLockedCommitIsProved holds commits of locks against the history of a
// registry, with a remote that can leave out files and one that cannot.
func TestLockedCommitIsProved(t *testing.T) {
	for name, scenario := range map[string]struct {
		// prepare makes the history before the client's first copy, if it is not
		// the usual one.
		prepare func(u *upstream)
		// locked makes the commit that the lock names, after the client's first
		// copy; update updates the client.
		locked func(u *upstream, key *attest.Signer, update func(UpdateOptions)) string
		class  error
		says   string
		asks   int64 // requests, where that is fixed
		again  int64 // requests of asking once more, when it is proved
	}{
		"equal": {
			locked: func(u *upstream, _ *attest.Signer, _ func(UpdateOptions)) string { return u.head },
		},
		"known from before": {
			locked: func(u *upstream, _ *attest.Signer, update func(UpdateOptions)) string {
				known := u.head
				u.publish("later 1.0.0")
				update(UpdateOptions{})
				return known
			},
		},
		"passed by an update": {
			locked: func(u *upstream, _ *attest.Signer, update func(UpdateOptions)) string {
				passed := u.publish("later 1.0.0")
				u.publish("later 1.0.0", "later 1.1.0")
				update(UpdateOptions{})
				return passed
			},
		},
		"ancestor": {
			locked: func(u *upstream, _ *attest.Signer, _ func(UpdateOptions)) string { return u.parent() },
			asks:   3, // what it speaks, where the branch is, the commits
		},
		"newer than the copy": {
			locked: func(u *upstream, _ *attest.Signer, _ func(UpdateOptions)) string {
				newer := u.publish("later 1.0.0")
				u.publish("later 1.0.0", "later 1.1.0")
				return newer
			},
			asks: 3, // of an update
		},
		"from before a squash": {
			locked: func(u *upstream, key *attest.Signer, update func(UpdateOptions)) string {
				before := u.parent()
				u.squash(key, "one")
				u.publish("later 1.0.0")
				update(UpdateOptions{})
				return before
			},
			asks: -1,
		},
		"of a fork": {
			locked: func(u *upstream, _ *attest.Signer, _ func(UpdateOptions)) string {
				return u.on("fork", u.write(u.parent(), map[string]string{"README.md": "another way"}))
			},
			class: history.ErrForked, says: "is locked, and the head", asks: -1,
		},
		"of a history that was rewritten before": {
			prepare: func(u *upstream) {
				u.on("former", u.head)
				u.rewrite("hello 6.6.6")
			},
			locked: func(u *upstream, _ *attest.Signer, _ func(UpdateOptions)) string {
				former, err := u.repo.Resolve("refs/heads/former")
				must(u.t, err)
				return former
			},
			class: history.ErrRewritten, says: "does not continue from there", asks: -1,
		},
		"of a history whose rewriting was accepted": {
			locked: func(u *upstream, _ *attest.Signer, update func(UpdateOptions)) string {
				known := u.on("former", u.head)
				u.rewrite("hello 6.6.6")
				update(UpdateOptions{AcceptHistory: map[string]string{"up": u.head}})
				return known
			},
			class: history.ErrRewritten, says: "does not continue from there", asks: -1,
		},
		"that was taken back": {
			prepare: func(u *upstream) {
				u.on("later", u.head)
				u.force(u.parent())
			},
			locked: func(u *upstream, _ *attest.Signer, _ func(UpdateOptions)) string {
				later, err := u.repo.Resolve("refs/heads/later")
				must(u.t, err)
				return later
			},
			class: history.ErrRolledBack, says: "the head is now the older", asks: -1,
		},
		"never shown": {
			locked: func(*upstream, *attest.Signer, func(UpdateOptions)) string { return strings.Repeat("ab", 20) },
			class:  history.ErrUnknown, says: "commit abababababab is locked, and the registry, whose head is", asks: 3,
		},
		"of another kind of repository": {
			locked: func(*upstream, *attest.Signer, func(UpdateOptions)) string { return strings.Repeat("ab", 32) },
			class:  history.ErrUnknown, says: "does not have it", asks: 2,
		},
	} {
		for filter, settings := range map[string][]string{
			"filter":    {"uploadpack.allowFilter=true"},
			"no filter": {"uploadpack.allowFilter=false"},
			"version 0": {"uploadpack.allowFilter=true", "protocol.version=0"},
		} {
			t.Run(name+"/"+filter, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				u, key := squashable(t, w)
				u.publish("known 1.0.0")
				if scenario.prepare != nil {
					scenario.prepare(u)
				}
				server := newGitServer(t, w.dir, settings...)
				r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: server.URL + "/up.git", Kind: KindGit})
				versionsOf(t, r, "hello")
				commit := scenario.locked(u, key, func(opts UpdateOptions) {
					_, err := r.Update(t.Context(), opts)
					must(t, err)
				})
				server.asked()
				err := r.Prove(t.Context(), commit, true)
				if asked := server.asked(); scenario.asks >= 0 && asked != scenario.asks && filter != "version 0" {
					t.Errorf("%d requests, want %d", asked, scenario.asks)
				}
				if scenario.class == nil {
					must(t, err)
					if err := r.Prove(t.Context(), commit, true); err != nil || server.asked() > 0 {
						t.Errorf("asked again: %v", err)
					}
					return
				}
				if !errors.Is(err, scenario.class) || !errors.Is(err, ErrIntegrity) || !strings.Contains(err.Error(), scenario.says) {
					t.Fatalf("%v, want %q", err, scenario.says)
				}
				if !strings.Contains(hintOf(err), "clyde update") {
					t.Errorf("the hint: %s", hintOf(err))
				}
			})
		}
	}
}

// What lies between a commit and the head is not fetched where that can be left
// out.
func TestProofIsCheap(t *testing.T) {
	for settings, most := range map[string]int64{"uploadpack.allowFilter=true": 10_000, "uploadpack.allowFilter=false": 500_000} {
		w := newWorld(t)
		u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
		locked := u.head
		u.commit(map[string]string{"README.md": noise(t, 300_000)})
		for i := range 20 {
			u.publish(fmt.Sprintf("hello 1.0.%d", i+1))
		}
		server := newGitServer(t, w.dir, settings)
		r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: server.URL + "/up.git", Kind: KindGit})
		versionsOf(t, r, "hello")
		before := server.bytes.Load()
		must(t, r.Prove(t.Context(), locked, true))
		if got := server.bytes.Load() - before; got > most || (most > 100_000) != (got > 100_000) {
			t.Errorf("%s: %d bytes", settings, got)
		}
	}
}

// A registry that cannot be asked says nothing against a commit.
func TestProofWithoutAnAnswer(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0", "second 1.0.0")
	older := u.parent()
	server := newGitServer(t, w.dir)
	entry := RegistryConfig{Name: "up", URL: server.URL + "/up.git", Kind: KindGit}
	var unproved *UnprovedError

	never := w.open(w.mustLoad(), entry)
	if err := never.Prove(t.Context(), u.head, false); !errors.As(err, &unproved) || server.asked() > 0 {
		t.Errorf("never fetched: %v", err)
	}
	versionsOf(t, never, "hello")
	must(t, never.Close())
	server.asked()
	if err := never.Prove(t.Context(), u.head, false); err != nil || server.asked() > 0 {
		t.Errorf("fetched: %v", err)
	}
	offline := w.open(w.mustLoad("offline=true"), entry)
	must(t, offline.Prove(t.Context(), u.head, true))
	err := offline.Prove(t.Context(), older, true)
	if !errors.As(err, &unproved) || errors.Is(err, ErrIntegrity) || !strings.Contains(err.Error(), "was not proved: offline") || server.asked() > 0 {
		t.Errorf("offline: %v", err)
	}
	server.Close()
	err = w.open(w.mustLoad(), entry).Prove(t.Context(), older, true)
	if !errors.As(err, &unproved) || !errors.Is(err, ErrNetwork) {
		t.Errorf("the server is down: %v", err)
	}
}

// A mirror that has a part of the history proves what it has, and no more.
func TestProofByAShallowMirror(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	oldest := u.head
	u.publish("hello 1.0.1")
	within := u.publish("hello 1.0.2")
	u.publish("hello 1.0.3")
	out, err := exec.Command("git", "clone", "-q", "--bare", "--depth=2", "file://"+u.path, filepath.Join(w.dir, "mirror.git")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := newGitServer(t, w.dir, "uploadpack.allowFilter=false")
	r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: server.URL + "/mirror.git", Kind: KindGit})
	must(t, r.Prove(t.Context(), within, true))
	if err := r.Prove(t.Context(), oldest, true); !errors.Is(err, history.ErrUnknown) {
		t.Errorf("beyond what the mirror has: %v", err)
	}
}

// A static export proves commits by its change log.
func TestProofByAChangeLog(t *testing.T) {
	w := newSparseWorld(t, "hello 1.0.0")
	older := w.up.head
	w.up.publish("hello 1.0.1")
	w.export()
	r := w.registry()
	versionsOf(t, r, "hello")
	w.server.asked()
	must(t, r.Prove(t.Context(), w.up.head, true))
	w.server.wantAsked(t, "the head")
	must(t, r.Prove(t.Context(), older, true))
	w.server.wantAsked(t, "an older commit", "200 changes.jsonl")
	must(t, r.Prove(t.Context(), older, true))
	w.server.wantAsked(t, "the same again")
	if err := r.Prove(t.Context(), strings.Repeat("ab", 20), true); !errors.Is(err, history.ErrUnknown) || !errors.Is(err, ErrIntegrity) {
		t.Errorf("a commit that nobody has: %v", err)
	}
	newer := w.up.publish("hello 1.0.2")
	w.up.publish("hello 1.0.3")
	w.export()
	w.server.asked()
	must(t, r.Prove(t.Context(), newer, true))
	w.server.wantAsked(t, "a newer commit", "200 changes.jsonl", "200 he/ll/hello")
}

// lockWorld is a project with one package of a git registry.
type lockWorld struct {
	installWorld
	up     *upstream
	server *gitServer
}

func newLockWorld(t *testing.T) *lockWorld {
	w := &lockWorld{installWorld: newInstallWorld(t)}
	w.release("one", "1.0.0")
	w.up = newUpstream(t, filepath.Join(w.dir, "up.git"))
	w.publish()
	w.server = newGitServer(t, w.dir, "uploadpack.allowFilter=true")
	return w
}

// publish commits what was released.
func (w *lockWorld) publish() string {
	w.t.Helper()
	lines, err := os.ReadFile(filepath.Join(w.dir, "main", "3", "o", "one"))
	must(w.t, err)
	config, err := os.ReadFile(filepath.Join(w.dir, "main", "config.json"))
	must(w.t, err)
	return w.up.commit(map[string]string{"3/o/one": string(lines), "config.json": string(config)})
}

func (w *lockWorld) installer(project string, set func(*Config)) *Installer {
	in := w.installWorld.installer(project)
	in.Config.Registries = []RegistryConfig{{Name: "up", URL: w.server.URL + "/up.git", Kind: KindGit}}
	if set != nil {
		set(in.Config)
	}
	registries, err := OpenRegistries(in.Config, Access{Now: time.Now})
	must(w.t, err)
	w.t.Cleanup(func() { _ = registries.Close() })
	in.Registries = registries
	must(w.t, os.MkdirAll(in.Project.Root, 0o755))
	return in
}

// relock makes the lock of a project name another commit.
func relock(t *testing.T, p *Project, from, to string) {
	t.Helper()
	text, err := os.ReadFile(p.Lock())
	must(t, err)
	if !strings.Contains(string(text), from) {
		t.Fatalf("the lock does not name %s:\n%s", from, text)
	}
	must(t, os.WriteFile(p.Lock(), []byte(strings.Replace(string(text), from, to, 1)), 0o644))
}

// TestLockOfAnotherHistory uses a lock that names a commit of a fork, by all that
// reads it.
func TestLockOfAnotherHistory(t *testing.T) {
	w := newLockWorld(t)
	in := w.installer("project", nil)
	must(t, in.do(t.Context(), "add one"))
	head := w.up.head
	fork := w.up.on("fork", w.up.write(w.up.parent(), map[string]string{"README.md": "another way"}))
	relock(t, in.Project, head, fork)
	before, err := os.ReadFile(in.Project.Lock())
	must(t, err)

	use := map[string]func() error{
		"install": func() error {
			_, err := in.Install(t.Context(), InstallOptions{Clean: true})
			return err
		},
		"fetch": func() error { _, err := in.Fetch(t.Context(), FetchOptions{}); return err },
		"vendor": func() error {
			_, err := in.Vendor(t.Context(), filepath.Join(w.dir, "vendored"), FetchOptions{})
			return err
		},
		"add":    func() error { return in.do(t.Context(), "add one@=1.0.0") },
		"remove": func() error { return in.do(t.Context(), "remove one") },
	}
	for name, do := range use {
		if err := do(); !errors.Is(err, history.ErrForked) || !errors.Is(err, ErrIntegrity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	report, err := in.VerifyTree(t.Context())
	if err != nil || len(report.Problems) != 1 || report.Problems[0].Problem != FaultForeign {
		t.Errorf("verify: %+v %v", report, err)
	}
	if now, err := os.ReadFile(in.Project.Lock()); err != nil || string(now) != string(before) {
		t.Errorf("the lock was changed to\n%s", now)
	}

	// A lock that names no commit says so of itself.
	relock(t, in.Project, `,"commit":"`+fork+`"`, "")
	unnamed, err := in.Install(t.Context(), InstallOptions{Clean: true})
	if err != nil || len(unnamed.Warnings) != 1 || !strings.Contains(unnamed.Warnings[0], "the lock names no commit of up") {
		t.Errorf("without a commit: %+v %v", unnamed, err)
	}
	must(t, os.WriteFile(in.Project.Lock(), before, 0o644))

	// Offline nobody says that it is wrong, and that is told.
	offline := w.installer("project", func(c *Config) { c.Offline = true })
	outcome, err := offline.Install(t.Context(), InstallOptions{Clean: true})
	if err != nil || len(outcome.Warnings) != 1 || !strings.Contains(outcome.Warnings[0], "was not proved: offline") {
		t.Errorf("offline: %+v %v", outcome, err)
	}

	// The way out is a lock of the registry as it is.
	outcome, err = in.Update(t.Context(), nil, "", InstallOptions{})
	if err != nil || len(outcome.Warnings) != 1 || !strings.Contains(outcome.Warnings[0], "made again from the registry as it is now") {
		t.Errorf("update: %+v %v", outcome, err)
	}
	if now, err := os.ReadFile(in.Project.Lock()); err != nil || !strings.Contains(string(now), head) {
		t.Errorf("the lock is\n%s", now)
	}
	w.server.asked()
	for name, do := range use {
		if name != "add" && name != "remove" {
			must(t, do())
		}
	}
	if asked := w.server.asked(); asked > 0 {
		t.Errorf("%d requests for a lock of the commit that is shown", asked)
	}
}
