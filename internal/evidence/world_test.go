package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/review"
)

const (
	repository = "https://github.com/acme/hello"
	api        = "https://api.github.com/repos/acme/hello"
	commit     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	tagObject  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// ownersText is what the index records of who publishes hello.
const ownersText = `publishers:
  - repository: https://github.com/acme/hello
    repository-id: 17
    owner-id: 4
    workflow: .github/workflows/release.yml
    tags: ["v{version}"]
`

// web answers requests from a table, and keeps what it was asked.
type web struct {
	mu    sync.Mutex
	files map[string][]byte // by URL
	fail  map[string]int    // status codes by URL
	asked []*http.Request
}

func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r)
	address := r.URL.String()
	data, ok := w.files[address]
	status := http.StatusOK
	if code := w.fail[address]; code != 0 {
		status = code
	} else if !ok {
		status = http.StatusNotFound
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(data)), Request: r,
	}, nil
}

func (w *web) json(t testing.TB, address string, value any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	w.files[address] = data
}

// world is an index, a repository with releases, and a Sigstore.
type world struct {
	t         testing.TB
	authority *attesttest.Authority
	web       *web
	now       time.Time
	base      fstest.MapFS
}

// newWorld has an index with version 1.2.2 of hello, and the packages that it
// depends on.
func newWorld(t testing.TB) *world {
	t.Helper()
	authority := attesttest.New(t)
	w := &world{t: t, authority: authority, now: authority.Now(), web: &web{files: map[string][]byte{}, fail: map[string]int{}}}
	w.base = fstest.MapFS{
		"config.json":             file("{\"dl\":\"https://example.org/dl\",\"clyde\":{\"format\":1,\"name\":\"example\"}}\n"),
		"policy.yaml":             file("content: {registries: {corp: \"https://git.example.org/corp/index\"}}\n"),
		"trust/root.json":         file(string(authority.TrustedRoot(t))),
		"owners/he/ll/hello.yaml": file(ownersText),
	}
	w.lines("fm/tt/fmtt", &index.Entry{Name: "fmtt", Vers: "9.1.0", V: 1, Cksum: strings.Repeat("cd", 32)})
	w.lines("ch/ec/checks", &index.Entry{Name: "checks", Vers: "2.0.0", V: 1, Cksum: strings.Repeat("ab", 32)})
	w.lines("zl/ib/zlib", &index.Entry{Name: "zlib", Vers: "1.3.0", V: 1, Cksum: strings.Repeat("ef", 32)})
	w.web.json(t, api, map[string]any{"id": 17, "html_url": repository, "fork": false, "owner": map[string]any{"id": 4}})
	first := w.release("1.2.2", map[string]string{"include/hello.h": "// old\n", "gone.txt": "gone\n"}, nil)
	w.base["he/ll/hello"] = file(string(first.AppendLine(nil)) + "\n")
	return w
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

func (w *world) lines(path string, entries ...*index.Entry) {
	var data []byte
	for _, e := range entries {
		data = append(e.AppendLine(data), '\n')
	}
	w.base[path] = &fstest.MapFile{Data: data, Mode: 0o644}
}

const manifestText = `name: hello
version: "VERSION"
description: Says hello
license: MIT
type: library
homepage: https://hello.example.org
repository: https://github.com/acme/hello
keywords: [greeting, demo]
authors: [Ann Example]
platforms: [linux-x86_64, macos-aarch64]
dependencies:
  fmtt: {version: "^9", features: [], platforms: [linux-x86_64]}
  zed: {version: "^1.2", package: zlib, optional: true}
  inner: {version: "^1", registry: corp}
dev-dependencies:
  checks: "^2"
features:
  default: [fast]
  fast: []
  zip: ["dep:zed"]
external-dependencies: ["apt:libhello-dev"]
artifacts:
  linux-x86_64: lib/**
hooks:
  pre-remove: {run: [sh, -c, "rm -f made"], timeout: 5s, platforms: [linux-x86_64]}
`

// release makes a version as the publisher does: packed, released and signed.
// Edit changes the line before it is signed.
func (w *world) release(version string, files map[string]string, edit func(*index.Entry)) *index.Entry {
	w.t.Helper()
	all := map[string]string{".clyde/package.yaml": strings.ReplaceAll(manifestText, "VERSION", version), "lib/libhello.a": "!<arch>\n" + version}
	maps.Copy(all, files)
	folder := repository + "/releases/download/v" + version + "/"
	own, build := maps.Clone(all), all
	delete(own, "lib/libhello.a")
	name := index.ArchiveName("hello", version)
	buildName := manifest.BuildName("hello", version, "linux-x86_64")
	facts := manifest.Facts{
		Pubtime:  w.now.Format(index.TimeLayout),
		Source:   &index.Source{Repository: repository, RepositoryID: 17, OwnerID: 4, Ref: "refs/tags/v" + version, Commit: commit, TagObject: tagObject},
		Archive:  w.pack(version, own, folder+name),
		Builds:   []index.Build{w.pack(version, build, folder+buildName)},
		Registry: func(string) (string, error) { return "https://git.example.org/corp/index", nil },
	}
	facts.Builds[0].Platform = "linux-x86_64"
	m, err := manifest.Parse(manifest.Path, []byte(all[".clyde/package.yaml"]))
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := m.Line(facts)
	if err != nil {
		w.t.Fatal(err)
	}
	if edit != nil {
		edit(e)
	}
	w.announce(version, name, buildName)
	w.sign(e, func(*attesttest.Claims) {})
	return e
}

// announce publishes the tag and the release.
func (w *world) announce(version string, names ...string) {
	folder := repository + "/releases/download/v" + version + "/"
	var assets []any
	for _, name := range append(names, names[0]+".sigstore.json", names[0]+".provenance.sigstore.json") {
		assets = append(assets, map[string]any{"name": name, "state": "uploaded", "browser_download_url": folder + name})
	}
	w.web.json(w.t, api+"/git/ref/tags/v"+version, map[string]any{"object": map[string]any{"type": "tag", "sha": tagObject}})
	w.web.json(w.t, api+"/git/tags/"+tagObject, map[string]any{"object": map[string]any{"type": "commit", "sha": commit}})
	w.web.json(w.t, api+"/releases/tags/v"+version, map[string]any{
		"tag_name": "v" + version, "published_at": w.now.Format(time.RFC3339), "assets": assets,
	})
}

// pack makes an archive and puts it on the web.
func (w *world) pack(version string, files map[string]string, address string) index.Build {
	w.t.Helper()
	dir := w.t.TempDir()
	for name, text := range files {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	defer root.Close()
	opts := archive.PackOptions{Name: "hello", Version: version, Limits: archive.DefaultLimits()}
	selected, err := archive.Select(root, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	var out bytes.Buffer
	sum, err := archive.Pack(&out, root, selected, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.web.files[address] = out.Bytes()
	return index.Build{DL: address, Cksum: sum.SHA256, Size: sum.Size}
}

// sign signs the line as its release workflow, but for what change does to the
// certificate, and puts the signature and the provenance on the web.
func (w *world) sign(e *index.Entry, change func(*attesttest.Claims)) {
	w.t.Helper()
	workflow := repository + "/.github/workflows/release.yml@" + e.Source.Ref
	claims := attesttest.Claims{Extensions: certificate.Extensions{
		Issuer: attest.GitHubIssuer, BuildSignerURI: workflow, BuildSignerDigest: commit, RunnerEnvironment: "github-hosted",
		SourceRepositoryURI: repository, SourceRepositoryDigest: commit, SourceRepositoryRef: e.Source.Ref,
		SourceRepositoryIdentifier: "17", SourceRepositoryOwnerURI: "https://github.com/acme", SourceRepositoryOwnerIdentifier: "4",
		BuildConfigURI: workflow, BuildConfigDigest: commit, BuildTrigger: "release",
		RunInvocationURI: repository + "/actions/runs/1/attempts/1", SourceRepositoryVisibilityAtSigning: "public",
	}}
	change(&claims)
	e.Att = nil
	statement, err := attest.NewStatement(e, "example")
	if err != nil {
		w.t.Fatal(err)
	}
	place := e.DL
	e.Att = w.keep(place+".sigstore.json", w.authority.Sign(w.t, attesttest.Request{Statement: statement, Claims: claims}))
	statement, err = attest.NewProvenance(e, attest.Run{
		ServerURL: "https://github.com", Repository: "acme/hello", RepositoryID: "17", RepositoryOwnerID: "4",
		WorkflowRef: "acme/hello/.github/workflows/release.yml@" + e.Source.Ref, Ref: e.Source.Ref, SHA: commit,
		EventName: "release", RunID: "1", RunAttempt: "1", RunnerEnvironment: "github-hosted", Builder: claims.BuildSignerURI,
		Started: w.now, Finished: w.now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	e.Att.Provenance = w.keep(place+".provenance.sigstore.json", w.authority.Sign(w.t, attesttest.Request{Statement: statement, Claims: claims}))
}

func (w *world) keep(address string, data []byte) *index.Attestation {
	w.web.files[address] = data
	sum := sha256.Sum256(data)
	return &index.Attestation{URL: address, SHA256: hex.EncodeToString(sum[:])}
}

// with is the base with a line more.
func (w *world) with(line []byte) fstest.MapFS {
	head := maps.Clone(w.base)
	before := w.base["he/ll/hello"]
	var data []byte
	if before != nil {
		data = append(data, before.Data...)
	}
	head["he/ll/hello"] = &fstest.MapFile{Data: append(append(data, line...), '\n'), Mode: 0o644}
	return head
}

// judge gathers evidence about the head and judges it.
func (w *world) judge(head fstest.MapFS) *review.Report {
	w.t.Helper()
	set := w.gather(head)
	defer set.Close()
	r, err := review.Judge(review.Input{Base: w.base, Head: head, Now: w.now, Evidence: set.Versions})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) gather(head fstest.MapFS) *evidence.Set {
	w.t.Helper()
	client := &http.Client{Transport: w.web}
	hosts := evidence.Hosts{HTTP: client, Wait: noWait}
	set, err := evidence.Gather(w.t.Context(), evidence.Options{Origin: hosts.Origin, HTTP: client, Dir: w.t.TempDir(), Wait: noWait}, w.base, head)
	if err != nil {
		w.t.Fatal(err)
	}
	return set
}
