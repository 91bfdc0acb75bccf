package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/audit"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/review"
)

const auditedRepository = "ann/hello"

// auditWorld is an index with two versions, whose archives, signatures, tags
// and releases are at a forge.
type auditWorld struct {
	t     *testing.T
	forge *registrytest.Forge
	index string
	head  string
	key   *attest.Signer
}

func newAuditWorld(t *testing.T) *auditWorld {
	t.Helper()
	w := &auditWorld{t: t, forge: registrytest.NewForge(t), index: filepath.Join(t.TempDir(), "index.git")}
	w.forge.AddRepository(auditedRepository, map[string]string{"README.md": "hello\n"})
	private, public, err := attest.GenerateKey(nil)
	w.must(err)
	w.key, err = attest.WithKey(private, nil, attest.Services{}, nil)
	w.must(err)
	id, err := w.key.KeyID()
	w.must(err)
	repo, err := git.InitBare(w.index, "main")
	w.must(err)
	w.must(repo.Close())
	w.commit(map[string]string{
		"config.json":             string((&index.Config{DL: "https://dl.example.org", Clyde: index.ClydeConfig{Format: 1, Name: "main"}}).Format()),
		"trust/keys/ann.pem":      string(public),
		"owners/he/ll/hello.yaml": fmt.Sprintf("publishers:\n  - key: %s\n", id),
		"he/ll/hello":             w.release("1.0.0") + w.release("1.1.0"),
	})
	return w
}

func (w *auditWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *auditWorld) git(args ...string) string {
	w.t.Helper()
	out, err := exec.CommandContext(w.t.Context(), "git", append([]string{"-C", w.forge.Path(auditedRepository)}, args...)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files to the index.
func (w *auditWorld) commit(files map[string]string) {
	w.t.Helper()
	repo, err := git.Open(w.index)
	w.must(err)
	defer repo.Close()
	data := map[string][]byte{}
	for name, text := range files {
		data[name] = []byte(text)
	}
	id, err := repo.WriteCommit(git.Commit{Parent: w.head, Files: data, Message: "change", Name: "Ann", Email: "ann@example.org", When: registrytest.Clock()})
	w.must(err)
	w.must(repo.CompareAndSwap("refs/heads/main", w.head, id))
	w.head = id
}

// release makes a release and returns its line.
func (w *auditWorld) release(version string) string {
	w.t.Helper()
	tag, archive := "v"+version, "archive of "+version
	w.forge.AddFile(auditedRepository, "VERSION", version)
	w.git("tag", tag, "main")
	w.forge.AddRelease(auditedRepository, tag, false, false)
	name := index.ArchiveName("hello", version)
	at := w.forge.URL + "/" + auditedRepository + "/releases/download/" + tag + "/"
	about := w.forge.RepositoryID(auditedRepository)
	e := &index.Entry{
		Name: "hello", Vers: version, V: 1, Cksum: sum(archive), Size: int64(len(archive)), DL: at + name, Pubtime: "2026-01-01T00:00:00Z",
		Source: &index.Source{Repository: w.forge.URL + "/" + auditedRepository, RepositoryID: about, Ref: "refs/tags/" + tag, Commit: w.git("rev-parse", tag)},
	}
	statement, err := attest.NewStatement(e, "main")
	w.must(err)
	bundle, err := w.key.Sign(w.t.Context(), statement)
	w.must(err)
	e.Att = &index.Attestation{URL: at + name + ".sigstore.json", SHA256: sum(string(bundle))}
	w.forge.AddAsset(auditedRepository, tag, name, []byte(archive), false)
	w.forge.AddAsset(auditedRepository, tag, name+".sigstore.json", bundle, false)
	return string(e.AppendLine(nil)) + "\n"
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

// audit runs the command and reads what it says.
func (w *auditWorld) audit(args ...string) (audit.Report, int) {
	w.t.Helper()
	var out, errs bytes.Buffer
	env := map[string]string{"GITHUB_API_URL": w.forge.API(), "GITHUB_SERVER_URL": w.forge.URL, "HOME": w.t.TempDir()}
	code := run(w.t.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Dir: filepath.Dir(w.index), HTTP: &http.Client{},
		Getenv: func(name string) string { return env[name] }, Now: registrytest.Clock,
	}, append([]string{"audit-index", "--index", "index.git", "--local-network", "--json"}, args...))
	var r audit.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		w.t.Fatalf("exit %d: %v\n%s%s", code, err, out.Bytes(), errs.Bytes())
	}
	return r, code
}

// TestAuditFinds has each accident happen to what was published, at a forge,
// and be told apart from every other.
func TestAuditFinds(t *testing.T) {
	const archive, bundle = "hello-1.0.0.tar.gz", "hello-1.0.0.tar.gz.sigstore.json"
	for name, c := range map[string]struct {
		happen func(w *auditWorld)
		want   []string // for version 1.0.0, or every version
		all    bool
		status string
	}{
		"nothing": {happen: func(*auditWorld) {}},
		"the archive is replaced": {
			happen: func(w *auditWorld) {
				w.forge.RemoveAsset(auditedRepository, "v1.0.0", archive)
				w.forge.AddAsset(auditedRepository, "v1.0.0", archive, []byte("evil bytes 1.0.0"), false)
			},
			want: []string{"audit/archive-replaced"},
		},
		"the archive is replaced by a larger one": {
			happen: func(w *auditWorld) {
				w.forge.RemoveAsset(auditedRepository, "v1.0.0", archive)
				w.forge.AddAsset(auditedRepository, "v1.0.0", archive, bytes.Repeat([]byte("evil"), 1000), false)
			},
			want: []string{"audit/archive-replaced"},
		},
		"the archive is gone": {
			happen: func(w *auditWorld) { w.forge.RemoveAsset(auditedRepository, "v1.0.0", archive) },
			want:   []string{"audit/archive-gone"},
		},
		"the signature is gone": {
			happen: func(w *auditWorld) { w.forge.RemoveAsset(auditedRepository, "v1.0.0", bundle) },
			want:   []string{"audit/signature-gone"},
		},
		"the signature is replaced": {
			happen: func(w *auditWorld) {
				w.forge.RemoveAsset(auditedRepository, "v1.0.0", bundle)
				w.forge.AddAsset(auditedRepository, "v1.0.0", bundle, []byte("{}"), false)
			},
			want: []string{"audit/signature-replaced"},
		},
		"the tag moves": {
			happen: func(w *auditWorld) { w.git("tag", "-f", "v1.0.0", "main") },
			want:   []string{"audit/tag-moved"},
		},
		"the tag is gone": {
			happen: func(w *auditWorld) { w.git("tag", "-d", "v1.0.0") },
			want:   []string{"audit/tag-gone"},
		},
		"the release is gone": {
			happen: func(w *auditWorld) { w.forge.RemoveRelease(auditedRepository, "v1.0.0") },
			want:   []string{"audit/archive-gone", "audit/release-gone", "audit/signature-gone"},
		},
		"the repository is gone": {
			happen: func(w *auditWorld) { w.forge.RemoveRepository(auditedRepository) },
			want:   []string{"audit/archive-gone", "audit/repository-gone", "audit/signature-gone"}, all: true,
		},
		"another repository takes the name": {
			happen: func(w *auditWorld) {
				w.forge.RemoveRepository(auditedRepository)
				w.forge.AddRepository(auditedRepository, map[string]string{"README.md": "mine now\n"})
			},
			want: []string{"audit/archive-gone", "audit/release-gone", "audit/repository-replaced", "audit/signature-gone", "audit/tag-gone"}, all: true,
		},
		"the signer may not sign any more": {
			happen: func(w *auditWorld) {
				w.commit(map[string]string{"owners/he/ll/hello.yaml": "publishers:\n  - key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"})
			},
			want: []string{"audit/identity"}, all: true,
		},
		"the host has trouble": {
			happen: func(w *auditWorld) {
				w.forge.Break(func(_ int, r *http.Request) registrytest.Fault {
					if strings.HasSuffix(r.URL.Path, archive) {
						return registrytest.Fault{Status: http.StatusForbidden}
					}
					return registrytest.Fault{}
				})
			},
			want: []string{"audit/unreachable"}, status: review.Skip,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAuditWorld(t)
			c.happen(w)
			r, code := w.audit()
			var got []string
			for _, f := range r.Findings {
				if f.Version == "1.0.0" {
					got = append(got, f.Check)
				}
				if (f.Version == "1.1.0") && !c.all {
					t.Errorf("also %s of 1.1.0: %s", f.Check, f.Detail)
				}
			}
			slices.Sort(got)
			if !slices.Equal(slices.Compact(got), c.want) {
				t.Errorf("found %v, want %v: %+v", got, c.want, r.Findings)
			}
			failed := len(c.want) > 0 && c.status != review.Skip
			if wantCode := map[bool]int{true: exitFindings, false: exitOK}[failed]; code != wantCode || r.Checked != 2 || r.Total != 2 {
				t.Errorf("exit %d, %d of %d checked", code, r.Checked, r.Total)
			}
			if now := w.indexHead(); now != w.head {
				t.Errorf("the audit moved the index to %s", now)
			}
		})
	}
}

func (w *auditWorld) indexHead() string {
	w.t.Helper()
	repo, err := git.Open(w.index)
	w.must(err)
	defer repo.Close()
	id, err := repo.ReadRef("refs/heads/main")
	w.must(err)
	return id
}

// A repository is asked about itself once, however many versions it has.
func TestAuditIsPolite(t *testing.T) {
	w := newAuditWorld(t)
	w.forge.Calls()
	w.audit("--jobs", "1")
	asked := 0
	for _, c := range w.forge.Calls() {
		if strings.HasSuffix(c.Path, "/repos/"+auditedRepository) {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the repository was asked about itself %d times", asked)
	}
}

// TestAuditAtGitea fetches the index from its host, and asks the publishers there
// by the host's own API.
func TestAuditAtGitea(t *testing.T) {
	w := newAuditWorld(t)
	w.forge.AddIndex("keepers/index", &registrytest.Registry{Path: w.index})
	dir := t.TempDir()
	audit := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		env := map[string]string{"HOME": dir, "GITHUB_SERVER_URL": "https://github.com"}
		code := run(t.Context(), Env{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: dir, HTTP: &http.Client{},
			Getenv: func(name string) string { return env[name] }, Environ: func() []string { return nil }, Now: registrytest.Clock,
		}, append([]string{"audit-index", "--local-network"}, args...))
		if code != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, code, want, &out)
		}
		return out.String()
	}
	address := w.forge.URL + "/keepers/index"
	if said := audit(exitOK, "--index", address, "--host", "gitea"); !strings.Contains(said, "checked 2 of 2 versions") {
		t.Error(said)
	}
	calls := 0
	for _, c := range w.forge.Calls() {
		if strings.HasPrefix(c.Path, "/api/v1/repos/"+auditedRepository) {
			calls++
		}
	}
	if calls == 0 {
		t.Error("the publisher was not asked by the API of its host")
	}
	w.forge.RemoveRelease(auditedRepository, "v1.0.0")
	if said := audit(exitFindings, "--index", address, "--host", "forgejo"); !strings.Contains(said, "audit/release-gone") {
		t.Error(said)
	}
	audit(exitUsage, "--index", address)
	audit(exitUsage, "--index", address, "--host", "svn")
	if said := audit(exitUsage, "--index", w.index, "--host", "gitea"); !strings.Contains(said, "was not cloned from a host") {
		t.Error(said)
	}
}
