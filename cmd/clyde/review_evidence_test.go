package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/actiontest"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/gate"
	"github.com/clydepm/clyde/internal/registrytest"
	"github.com/clydepm/clyde/internal/review"
)

// newReleased makes a host whose one pull request publishes a release that the
// action signed, with the key that the index trusts for the package.
func newReleased(t *testing.T) *host {
	t.Helper()
	j := newJob(t, helloManifest, "v1.2.3")
	j.release(false, false)
	h := &host{Forge: j.forge, t: t, work: t.TempDir(), env: map[string]string{
		"GITHUB_API_URL": j.forge.API(), "GITHUB_GRAPHQL_URL": j.forge.URL + "/api/graphql", "GITHUB_SERVER_URL": j.forge.URL,
		"CLYDE_INDEX_TOKEN": j.forge.AddToken(registrytest.Token{Login: "keepers"}),
	}}
	private, public, err := attest.GenerateKey(nil)
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
	h.AddRepository("keepers/index", map[string]string{
		index.ConfigPath:           string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
		index.PolicyPath:           "approval: {new-package: automatic}\nverify: require\n",
		"trust/keys/octo.pem":      string(public),
		"sources/he/ll/hello.yaml": "publishers:\n  - key: " + id + "\n",
	})
	j.set("GITHUB_REPOSITORY_ID", strconv.FormatInt(h.RepositoryID(actiontest.Repository), 10))
	j.set("GITHUB_REPOSITORY_OWNER_ID", strconv.FormatInt(h.UserID("octo"), 10))
	j.set("INPUT_SIGN_KEY", string(private))
	j.set("INPUT_INDEX", "keepers/index")
	j.set("INPUT_INDEX_TOKEN", j.forge.AddToken(registrytest.Token{Login: "octo"}))
	j.run(exitOK)
	return h
}

func (h *host) write(name, text string) {
	h.t.Helper()
	name = filepath.Join(h.work, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// A pull request is judged by what its release, tag, archive and signature are
// at the time, whoever asks: for a report, for the queue or to merge it.
func TestReviewWithEvidence(t *testing.T) {
	const archive, bundle = helloArchive, helloArchive + ".sigstore.json"
	replace := func(file, by string) func(h *host) {
		return func(h *host) {
			h.RemoveAsset(actiontest.Repository, "v1.2.3", file)
			h.AddAsset(actiontest.Repository, "v1.2.3", file, []byte(by), false)
		}
	}
	for name, test := range map[string]struct {
		happen func(h *host)
		fails  []string
	}{
		"nothing":               {func(*host) {}, nil},
		"the archive is none":   {replace(archive, "evil"), []string{"content/archive"}},
		"the archive is gone":   {func(h *host) { h.RemoveAsset(actiontest.Repository, "v1.2.3", archive) }, []string{"evidence/archive"}},
		"the signature is none": {replace(bundle, "{}"), []string{"evidence/bundle", "bundle/format"}},
		"the signature is gone": {func(h *host) { h.RemoveAsset(actiontest.Repository, "v1.2.3", bundle) }, []string{"evidence/bundle"}},
		"the release is gone":   {func(h *host) { h.RemoveRelease(actiontest.Repository, "v1.2.3") }, []string{"evidence/archive", "evidence/bundle", "evidence/provenance"}},
		"the archive is replaced": {func(h *host) {
			h.write(".clyde/package.yaml", helloManifest)
			h.write("include/hello.h", "#define HELLO 666\n")
			h.run(exitOK, "pack", "--output", archive)
			data, err := os.ReadFile(filepath.Join(h.work, archive))
			if err != nil {
				h.t.Fatal(err)
			}
			replace(archive, string(data))(h)
		}, []string{"evidence/archive"}},
		"the tag moves": {func(h *host) {
			h.AddFile(actiontest.Repository, "README.md", "another commit\n")
			if out, err := exec.CommandContext(h.t.Context(), "git", "-C", h.Path(actiontest.Repository), "tag", "-f", "v1.2.3", "main").CombinedOutput(); err != nil {
				h.t.Fatalf("%v\n%s", err, out)
			}
		}, []string{"evidence/tag"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newReleased(t)
			test.happen(h)
			passes, merged := exitOK, "merged"
			if test.fails != nil {
				passes, merged = exitFindings, "open"
			}
			said := h.run(passes, "review", "--index", "keepers/index", "--pull", "1", "--json")
			if got := failed(t, said); !slices.Equal(got, test.fails) {
				t.Errorf("%q fail, want %q", got, test.fails)
			}
			h.run(exitOK, "review", "--queue", "--index", "keepers/index", "--verdicts", "all.jsonl")
			h.run(passes, "review", "--queue", "--index", "keepers/index", "--pull", "1", "--verdicts", "one.jsonl")
			for _, file := range []string{"all.jsonl", "one.jsonl"} {
				if judged := h.verdict(file); judged != said {
					t.Errorf("%s has\n%s\nand --pull says\n%s", file, judged, said)
				}
			}
			h.run(exitOK, "review", "--merge", "--index", "keepers/index", "--comment", "--status")
			if got := h.Pulls("keepers/index")[0].State; got != merged {
				t.Errorf("the pull request is %s, want %s", got, merged)
			}
		})
	}
}

// failed are the rules that a report says are broken.
func failed(t *testing.T, text string) (rules []string) {
	t.Helper()
	var r review.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Status == review.Fail && !slices.Contains(rules, f.Check) {
			rules = append(rules, f.Check)
		}
	}
	return rules
}

// verdict is the one report in a file of verdicts.
func (h *host) verdict(file string) string {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(h.work, file))
	if err != nil {
		h.t.Fatal(err)
	}
	verdicts, err := gate.ParseVerdicts(data)
	if err != nil || len(verdicts) != 1 || verdicts[0].Report == nil {
		h.t.Fatalf("%s: %v\n%s", file, err, data)
	}
	return string(verdicts[0].Report.JSON())
}
