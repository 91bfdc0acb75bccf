//go:build unix

package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/attest/attesttest"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/manifest"
)

const (
	signedRepository = "https://github.com/acme/hello"
	signedRef        = "refs/tags/v1.0.0"
	signedWorkflow   = signedRepository + "/.github/workflows/release.yml@" + signedRef
)

// signedWorld is an index with a package that a workflow has signed, and a web
// server that has the signature.
type signedWorld struct {
	installWorld

	authority *attesttest.Authority
	entry     *index.Entry
	bundle    []byte // what the server has
	status    int
	asked     atomic.Int32
}

// newSignedWorld signs with the claims of the real workflow, changed by change.
func newSignedWorld(t *testing.T, change func(c *attesttest.Claims)) *signedWorld {
	t.Helper()
	w := &signedWorld{installWorld: newInstallWorld(t), authority: attesttest.New(t), status: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		w.asked.Add(1)
		out.WriteHeader(w.status)
		_, _ = out.Write(w.bundle)
	}))
	t.Cleanup(server.Close)
	writeTestFile(t, filepath.Join(w.dir, "main", "trust", attest.TrustedRootFile), string(w.authority.TrustedRoot(t)))
	w.owners("repository-id: 17\n    owner-id: 4\n    workflow: .github/workflows/release.yml\n")

	data, digest := packed(t, "hello", "1.0.0", map[string]string{"hello.h": "// hello\n"})
	archive := filepath.Join(w.dir, "archives", digest+".tar.gz")
	writeTestFile(t, archive, string(data))
	w.entry = &index.Entry{
		Name: "hello", Vers: "1.0.0", Cksum: digest, Size: int64(len(data)), DL: "file://" + archive,
		Source: &index.Source{Repository: signedRepository, RepositoryID: 17, OwnerID: 4, Ref: signedRef, Commit: strings.Repeat("a", 40)},
	}
	statement, err := attest.NewStatement(w.entry, "main")
	if err != nil {
		t.Fatal(err)
	}
	c := attesttest.Claims{Extensions: certificate.Extensions{
		Issuer: attest.GitHubIssuer, BuildSignerURI: signedWorkflow, RunnerEnvironment: "github-hosted",
		SourceRepositoryURI: signedRepository, SourceRepositoryDigest: strings.Repeat("a", 40), SourceRepositoryRef: signedRef,
		SourceRepositoryIdentifier: "17", SourceRepositoryOwnerIdentifier: "4", BuildConfigURI: signedWorkflow, BuildTrigger: "release",
	}}
	if change != nil {
		change(&c)
	}
	w.bundle = w.authority.Sign(t, attesttest.Request{Statement: statement, Claims: c})
	sum := sha256.Sum256(w.bundle)
	w.entry.Att = &index.Attestation{URL: server.URL + "/hello.sigstore.json", SHA256: hex.EncodeToString(sum[:])}
	w.list()
	return w
}

func (w *signedWorld) list() {
	writeTestFile(w.t, filepath.Join(w.dir, "main", "he", "ll", "hello"), string(w.entry.AppendLine(nil))+"\n")
}

func (w *signedWorld) owners(more string) {
	writeTestFile(w.t, filepath.Join(w.dir, "main", "owners", "he", "ll", "hello.yaml"),
		"publishers:\n  - repository: "+signedRepository+"\n    "+more)
}

func (w *signedWorld) install(in *Installer, opts InstallOptions) error {
	w.t.Helper()
	writeTestFile(w.t, filepath.Join(in.Project.Root, manifest.Path), "dependencies:\n  hello: ^1\n")
	in.HTTP = http.DefaultClient
	_, err := in.Install(w.t.Context(), opts)
	return err
}

// nothingCame asserts that a failed run left no lock and no tree.
func (w *signedWorld) nothingCame(in *Installer) {
	w.t.Helper()
	for _, name := range []string{in.Project.Lock(), filepath.Join(in.Project.Root, ".clyde", "packages")} {
		if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
			w.t.Errorf("%s is there: %v", name, err)
		}
	}
}

func TestInstallVerifies(t *testing.T) {
	w := newSignedWorld(t, nil)
	in := w.installer("app")
	if err := w.install(in, InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(in.Project.Lock())
	if err != nil {
		t.Fatal(err)
	}
	lock, err := lockfile.Parse(lockfile.Path, text)
	if err != nil {
		t.Fatal(err)
	}
	want := lockfile.Verification{Outcome: OutcomeVerified, Bundle: w.entry.Att.SHA256, Profile: "the registry's own trust", By: signedWorkflow}
	if got := lock.Packages[0].Verification; got == nil || *got != want {
		t.Errorf("verification %+v, expected %+v", got, want)
	}
	if lock.Registries[0].Verify != string(attest.Attested) {
		t.Errorf("demanded %q", lock.Registries[0].Verify)
	}

	// Again, with no network: the store has the signature.
	in = w.installer("app")
	in.Config.Offline = true
	if err := w.install(in, InstallOptions{Locked: true, Clean: true}); err != nil {
		t.Error(err)
	}
	if n := w.asked.Load(); n != 1 {
		t.Errorf("the signature was asked for %d times", n)
	}
	again, err := os.ReadFile(in.Project.Lock())
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("the lock changed: %v", err)
	}

	// The signature that was locked must not vanish, nor the bytes change.
	w.entry.Att = nil
	w.list()
	if err := w.install(w.installer("app"), InstallOptions{Locked: true, Clean: true}); !errors.Is(err, attest.ErrDowngrade) || !errors.Is(err, ErrIntegrity) {
		t.Errorf("without the signature that the lock has: %v", err)
	}
	writeTestFile(t, in.Project.Lock(), strings.Replace(string(text), w.entry.Cksum, strings.Repeat("0", 64), 1))
	if err := w.install(w.installer("app"), InstallOptions{Locked: true, Clean: true}); !errors.Is(err, attest.ErrRejected) || !strings.Contains(err.Error(), "the lock has sha256:0000") {
		t.Errorf("with other bytes in the lock: %v", err)
	}
}

func TestInstallRejects(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims func(c *attesttest.Claims)
		world  func(w *signedWorld)
		want   error
		text   string
	}{
		{"another commit", func(c *attesttest.Claims) { c.SourceRepositoryDigest = strings.Repeat("b", 40) }, nil, ErrIntegrity, attest.CheckCommit},
		{"a repository that was taken over", func(c *attesttest.Claims) { c.SourceRepositoryIdentifier = "18" }, nil, ErrIntegrity, attest.CheckRepositoryID},
		{"a line that was changed", nil, func(w *signedWorld) { w.entry.Description = "changed"; w.list() }, ErrIntegrity, attest.CheckEntryDigest},
		{"nobody is named", nil, func(w *signedWorld) {
			must(w.t.(*testing.T), os.RemoveAll(filepath.Join(w.dir, "main", "owners")))
		}, ErrIntegrity, attest.CheckKind},
		{"owners that are not understood", nil, func(w *signedWorld) { w.owners("some-new-condition: true\n") }, ErrIntegrity, "cannot be read"},
		{"other trust", nil, func(w *signedWorld) {
			writeTestFile(w.t, filepath.Join(w.dir, "main", "trust", attest.TrustedRootFile), string(attesttest.New(w.t).TrustedRoot(w.t)))
		}, ErrIntegrity, attest.CheckLog},
		{"trust taken away", nil, func(w *signedWorld) { must(w.t.(*testing.T), os.RemoveAll(filepath.Join(w.dir, "main", "trust"))) }, ErrIntegrity, attest.CheckLog},
		{"another signature at the URL", nil, func(w *signedWorld) { w.bundle = append(w.bundle, ' ') }, ErrIntegrity, "is not what the index records"},
		{"a signature without end", nil, func(w *signedWorld) { w.bundle = bytes.Repeat([]byte(" "), 2*attest.MaxBundleSize) }, ErrIntegrity, "at most 1048576 bytes"},
		{"the signature is gone", nil, func(w *signedWorld) { w.status = http.StatusNotFound }, ErrNotFound, "signature of hello 1.0.0"},
		{"a URL with a password", nil, func(w *signedWorld) {
			w.entry.Att.URL = "https://ann:secret@example.org/hello.sigstore.json"
			w.list()
		}, ErrRefused, "holds credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newSignedWorld(t, c.claims)
			if c.world != nil {
				c.world(w)
			}
			in := w.installer("app")
			err := w.install(in, InstallOptions{})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, expected %q", err, c.text)
			}
			w.nothingCame(in)
		})
	}
}

// The stronger of what the registry and what the configuration demand holds.
func TestVerifyModes(t *testing.T) {
	for _, c := range []struct {
		policy, config attest.Mode
		signed, wrong  bool
		want           error
	}{
		{"", "", false, false, nil},
		{"", attest.Require, false, false, attest.ErrUnattested},
		{attest.Require, attest.Off, false, false, attest.ErrUnattested},
		{"something-newer", attest.Off, false, false, attest.ErrUnattested},
		{attest.Require, "", true, false, nil},
		{"", attest.Warn, true, true, nil},
		{attest.Off, "", true, true, nil},
		{attest.Attested, attest.Off, true, true, attest.ErrRejected},
	} {
		t.Run(string("policy "+c.policy+", configuration "+c.config), func(t *testing.T) {
			w := newSignedWorld(t, func(claims *attesttest.Claims) {
				if c.wrong {
					claims.BuildTrigger = "pull_request_target"
				}
			})
			if !c.signed {
				w.entry.Att = nil
				w.list()
			}
			if c.policy != "" {
				writeTestFile(t, filepath.Join(w.dir, "main", index.PolicyPath), "unknown: 1\nverify: "+string(c.policy)+"\n")
			}
			in := w.installer("app")
			registries := in.Config.Registries
			registries[0].Verify = c.config
			var err error
			if in.Registries, err = OpenRegistries(in.Config, Access{}); err != nil {
				t.Fatal(err)
			}
			if err := w.install(in, InstallOptions{}); !errors.Is(err, c.want) {
				t.Errorf("%v, expected %v", err, c.want)
			}
		})
	}
}
