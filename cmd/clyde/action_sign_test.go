package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/actiontest"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/sigstoretest"
)

// signingIndex is the repository of an index that trusts a Sigstore of its own
// and nobody but the maintainer of hello.
const signingIndex = "keepers/index"

// sign gives the job an identity, a Sigstore that believes it, and an index that
// demands signatures. The forge answers by https, as owners and certificates name it.
func (j *job) sign(change func(*sigstoretest.Claims)) *sigstoretest.Stack {
	j.Helper()
	server := serveTLS(j.T, j.forge.URL)
	j.client = server.Client()
	j.set("GITHUB_SERVER_URL", server.URL)
	stack := sigstoretest.StartFor(j.T, server.URL)
	claims := sigstoretest.Release(actiontest.Repository, j.tag, j.step.Env["GITHUB_SHA"])
	claims.RepositoryID, claims.RepositoryOwnerID = strconv.Itoa(actiontest.RepositoryID), strconv.Itoa(actiontest.OwnerID)
	change(&claims)
	for name, value := range stack.TokenRequestEnv(claims) {
		j.set(name, value)
	}
	services := stack.Services()
	j.set("CLYDE_FULCIO_URL", services.Fulcio)
	j.set("CLYDE_REKOR_URL", services.Rekor)
	j.set("CLYDE_REKOR_VERSION", "2")
	j.set("CLYDE_TSA_URL", services.TimestampService)
	j.forge.AddRepository(signingIndex, map[string]string{
		index.ConfigPath:  string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
		index.PolicyPath:  "verify: require\napproval:\n  new-package: automatic\n",
		"trust/root.json": string(stack.TrustedRoot()),
		"owners/he/ll/hello.yaml": fmt.Sprintf(`publishers:
  - repository: %s/%s
    repository-id: %d
    owner-id: %d
    issuer: https://token.actions.githubusercontent.com
    workflow: .github/workflows/release.yml
    triggers: [release]
    runner: github-hosted
`, server.URL, actiontest.Repository, actiontest.RepositoryID, actiontest.OwnerID),
	})
	j.set("INPUT_INDEX", signingIndex)
	j.set("INPUT_INDEX_TOKEN", j.forge.AddToken(registrytest.Token{Login: "keepers"}))
	return stack
}

// merge accepts the one pull request of the index.
func (j *job) merge() {
	j.Helper()
	pulls := j.forge.Pulls(signingIndex)
	if len(pulls) != 1 || !j.forge.Merge(signingIndex, pulls[0].Number) {
		j.Fatalf("cannot merge %+v", pulls)
	}
}

// collect puts a line into the index, as its keepers do.
func (j *job) collect(line string) {
	j.Helper()
	clone := filepath.Join(j.TempDir(), "index")
	j.git("clone", "-q", j.forge.Path(signingIndex), clone)
	file := filepath.Join(clone, "he", "ll", "hello")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		j.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		j.Fatal(err)
	}
	j.git("-C", clone, "add", "he")
	j.git("-C", clone, "commit", "-q", "-m", "Collect hello 1.2.3")
	j.git("-C", clone, "push", "-q", "origin", "HEAD:main")
}

// verify runs 'clyde verify hello' on the index.
func (j *job) verify(wantCode int) string {
	j.Helper()
	home := j.TempDir()
	var out strings.Builder
	code := run(j.Context(), Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: home,
		Getenv: func(name string) string {
			return map[string]string{
				"HOME": home, "XDG_CONFIG_HOME": home + "/config", "XDG_CACHE_HOME": home + "/cache", "XDG_DATA_HOME": home + "/data",
			}[name]
		},
		Now: func() time.Time { return scriptTime }, HTTP: j.client,
	}, []string{"verify", "hello", "--index", j.forge.Path(signingIndex)})
	if code != wantCode {
		j.Errorf("exit code %d\n%s", code, out.String())
	}
	return out.String()
}

// install installs hello from the index in a project of its own, and returns the
// exit code, what was said, and the lock.
func (j *job) install() (code int, said, lock string) {
	j.Helper()
	home := j.TempDir()
	project := filepath.Join(home, "project")
	if err := os.MkdirAll(project, 0o755); err != nil {
		j.Fatal(err)
	}
	variables := map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home + "/config", "XDG_CACHE_HOME": home + "/cache", "XDG_DATA_HOME": home + "/data",
	}
	for _, args := range [][]string{
		{"init"},
		{"registry", "add", "--name", "test", j.forge.Path(signingIndex)},
		{"add", "hello@1.2.3"},
	} {
		var out strings.Builder
		code = run(j.Context(), Env{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Dir: project,
			Getenv: func(name string) string { return variables[name] }, Now: func() time.Time { return scriptTime }, HTTP: j.client,
		}, args)
		if said = out.String(); code != exitOK {
			return code, said, ""
		}
	}
	data, err := os.ReadFile(filepath.Join(project, ".clyde", "lock.jsonl"))
	if err != nil {
		j.Fatal(err)
	}
	return code, said, string(data)
}

// TestActionSigns goes the whole way: a release is signed, proposed, merged and
// installed, and the installation rests on the signature alone.
func TestActionSigns(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	stack := j.sign(func(*sigstoretest.Claims) {})
	j.run(exitOK)
	got := j.wantOutputs(map[string]string{"state": "proposed"})
	entry, err := index.ParseLine([]byte(got["entry"]))
	if err != nil || entry.Att == nil {
		t.Fatalf("the line %s has no signature (%v)", got["entry"], err)
	}
	bundle := j.download(entry.Att.URL)
	if got["bundle"] != entry.Att.URL || sha256Hex(bundle) != entry.Att.SHA256 || !json.Valid(bundle) {
		t.Errorf("the bundle is not behind its URL: output %q, line %+v", got["bundle"], entry.Att)
	}
	if entry.Att.Provenance == nil || got["provenance"] != entry.Att.Provenance.URL || sha256Hex(j.download(got["provenance"])) != entry.Att.Provenance.SHA256 {
		t.Errorf("the provenance is not behind its URL: output %q, line %+v", got["provenance"], entry.Att)
	}
	j.merge()
	stack.Close()
	said := j.verify(exitOK)
	for _, want := range []string{
		"builder     " + j.step.Env["GITHUB_SERVER_URL"] + "/" + actiontest.Repository + "/.github/workflows/release.yml@refs/tags/v1.2.3",
		"build type  https://actions.github.io/buildtypes/workflow/v1",
		"/actions/runs/", "verdict     acceptable",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("clyde verify does not say %q:\n%s", want, said)
		}
	}
	code, said, lock := j.install()
	if code != exitOK || !strings.Contains(lock, "verified") {
		t.Errorf("exit code %d\n%s\n%s", code, said, lock)
	}
}

// TestActionSignsForAnyIndex signs in the workflow of two lines, which names no
// index. Any that collects the line from the release can verify it.
func TestActionSignsForAnyIndex(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	stack := j.sign(func(*sigstoretest.Claims) {})
	j.set("INPUT_INDEX", "")
	j.set("INPUT_INDEX_TOKEN", "")
	j.run(exitOK)
	got := j.wantOutputs(map[string]string{"state": "uploaded"})
	stack.Close()
	entry, err := index.ParseLine([]byte(got["entry"]))
	if err != nil || entry.Att == nil || string(j.assets()[helloEntry]) != got["entry"]+"\n" {
		t.Fatalf("the line %s has no signature, or is not on the release (%v)", got["entry"], err)
	}
	j.collect(got["entry"])
	code, said, lock := j.install()
	if code != exitOK || !strings.Contains(lock, "verified") {
		t.Errorf("exit code %d\n%s\n%s", code, said, lock)
	}
}

// TestActionSignsAsAnother publishes with a certificate of somebody else: refused
// before anything is uploaded where the index is known, and by its clients where
// the index collects what it was not asked about.
func TestActionSignsAsAnother(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	j.sign(func(c *sigstoretest.Claims) { c.EventName = "pull_request_target" })
	j.run(exitIntegrity)
	j.wantError("", "", "identity/trigger", "would not accept it")
	if left := j.assets(); len(left) != 0 {
		t.Errorf("%d files are on the release", len(left))
	}

	j.again()
	j.set("INPUT_INDEX", "")
	j.set("INPUT_INDEX_TOKEN", "")
	j.run(exitOK)
	j.collect(j.wantOutputs(map[string]string{"state": "uploaded"})["entry"])
	if code, said, _ := j.install(); code != exitIntegrity || !strings.Contains(said, "identity/trigger") {
		t.Errorf("exit code %d\n%s", code, said)
	}
}

// TestActionSignsWithKey signs with a key out of a secret, where no identity is
// to be had. The index trusts that key and no certificate.
func TestActionSignsWithKey(t *testing.T) {
	const password = "canary-of-the-password"
	private, public, err := attest.GenerateKey([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	key, err := attest.ParsePublicKey(public, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := attest.KeyID(key)
	if err != nil {
		t.Fatal(err)
	}
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	j.forge.AddRepository(signingIndex, map[string]string{
		index.ConfigPath:          string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
		index.PolicyPath:          "verify: require\napproval:\n  new-package: automatic\n",
		"trust/keys/release.pem":  string(public),
		"owners/he/ll/hello.yaml": "publishers:\n  - key: " + id + "\n",
	})
	j.set("INPUT_INDEX", signingIndex)
	j.set("INPUT_INDEX_TOKEN", j.forge.AddToken(registrytest.Token{Login: "keepers"}))
	j.set("INPUT_SIGN_KEY", string(private))

	j.run(exitUsage)
	j.wantError("", "", "is encrypted", "sign-key-password")
	j.set("INPUT_SIGN_KEY_PASSWORD", "wrong")
	j.again()
	j.run(exitRefused)
	j.wantError("", "", "not a usable key")

	j.set("INPUT_SIGN_KEY_PASSWORD", password)
	j.again()
	j.run(exitOK)
	got := j.wantOutputs(map[string]string{"state": "proposed"})
	if got["provenance"] == "" {
		t.Error("no provenance")
	}
	j.merge()
	if said := j.verify(exitOK); !strings.Contains(said, "key "+id) || !strings.Contains(said, "verdict     acceptable") {
		t.Errorf("clyde verify says\n%s", said)
	}
	code, said, lock := j.install()
	if code != exitOK || !strings.Contains(lock, "verified") {
		t.Errorf("exit code %d\n%s\n%s", code, said, lock)
	}
}

// TestActionRefusesKeys that are none.
func TestActionRefusesKeys(t *testing.T) {
	code := map[string]int{"words, no key": exitUsage, "nosuchkms://key": exitRefused, "-----BEGIN NOTHING": exitRefused}
	for key, want := range map[string]string{
		"words, no key":      "neither a key in PEM",
		"nosuchkms://key":    "sigstore-kms-nosuchkms",
		"-----BEGIN NOTHING": "not a usable key",
	} {
		j := newJob(t, helloManifest, "v1.2.3")
		j.release(false, false)
		j.set("INPUT_SIGN_KEY", key)
		j.run(code[key])
		j.wantError("", "", want)
	}
}
