package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/actiontest"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/harvest"
	"github.com/clydepm/clyde/internal/registrytest"
)

// keeper runs clyde as a process of its own, with no authorities but those of
// SSL_CERT_FILE, which only Linux reads.
type keeper struct {
	*testing.T
	home, index string
	env         []string
}

// harvest collects, with further arguments, and returns the results, what else it
// said, and the exit code.
func (k *keeper) harvest(more ...string) (results []harvest.Result, said string, code int) {
	k.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(k.Context(), "clyde", append([]string{"harvest", "--json", "--host", "gitea", "--index", k.index}, more...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = k.home, k.env, &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		k.Fatal(err)
	}
	var report struct{ Results []harvest.Result }
	if err := json.Unmarshal([]byte(stdout.String()), &report); err != nil {
		k.Fatalf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	}
	return report.Results, stderr.String(), cmd.ProcessState.ExitCode()
}

// want harvests and expects one result.
func (k *keeper) want(outcome harvest.Outcome, more ...string) harvest.Result {
	k.Helper()
	results, said, code := k.harvest(more...)
	if len(results) != 1 || results[0].Outcome != outcome || (code == exitOK) != (outcome != harvest.Failed) {
		k.Fatalf("exit %d and %+v, want %s\n%s", code, results, outcome, said)
	}
	return results[0]
}

// signedRelease makes the release of a job with an archive, its signatures and the
// line, and returns the index that has it registered.
func signedRelease(j *job, web *httptest.Server) (files map[string]string) {
	j.Helper()
	private, public, err := attest.GenerateKey(nil)
	if err != nil {
		j.Fatal(err)
	}
	j.client = web.Client()
	j.forge.Identify(actiontest.Repository, actiontest.RepositoryID, actiontest.OwnerID, web.URL)
	j.release(false, false)
	j.set("GITHUB_SERVER_URL", web.URL)
	j.set("INPUT_SIGN_KEY", string(private))
	j.run(exitOK)
	want := []string{helloEntry, helloArchive, helloArchive + ".provenance.sigstore.json", helloArchive + ".sigstore.json"}
	if names := slices.Sorted(maps.Keys(j.assets())); !slices.Equal(names, want) {
		j.Fatalf("the release has %q", names)
	}
	return map[string]string{
		index.ConfigPath:      string((&index.Config{Clyde: index.ClydeConfig{Format: 1, Name: "test"}}).Format()),
		index.PolicyPath:      "approval: {new-package: automatic}\nverify: require\n",
		"trust/keys/octo.pem": string(public),
		"sources/he/ll/hello.yaml": fmt.Sprintf("publishers:\n  - repository: %s/%s\n    repository-id: %d\n    owner-id: %d\n",
			web.URL, actiontest.Repository, actiontest.RepositoryID, actiontest.OwnerID),
	}
}

// TestHarvestFromGitea collects what a signed release at a Gitea carries, over
// https, which registrations name. The token of the index is found where those of
// hosts are, and is needed to propose alone.
func TestHarvestFromGitea(t *testing.T) {
	j := newJob(t, helloManifest, "v1.2.3")
	web := serveTLS(t, j.forge.URL)
	j.forge.AddRepository(signingIndex, signedRelease(j, web))
	host, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{T: t, home: t.TempDir(), index: web.URL + "/" + signingIndex}
	roots := filepath.Join(k.home, "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	k.env = []string{"HOME=" + k.home, "PATH=" + os.Getenv("PATH"), "SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + t.TempDir()}

	if r := k.want(harvest.Failed); !strings.Contains(r.Detail, "401") || len(j.forge.Pulls(signingIndex)) > 0 {
		t.Errorf("without a token: %+v", r)
	}
	k.env = append(k.env, credential.Variable(credential.HostOf(host))+"="+j.forge.AddToken(registrytest.Token{Login: "keepers"}))
	if r := k.want(harvest.Proposed); r.Repository != web.URL+"/"+actiontest.Repository || r.Package != "hello" || r.Version != "1.2.3" || r.Pull != 1 {
		t.Errorf("%+v", r)
	}
	k.want(harvest.Unchanged)
	k.want(harvest.Proposed, "--fresh") // the same pull request
	if pulls := j.forge.Pulls(signingIndex); len(pulls) != 1 || !j.forge.Merge(signingIndex, 1) {
		t.Fatalf("%+v", pulls)
	}
	if got, want := j.forge.File(signingIndex, "he/ll/hello"), string(j.assets()[helloEntry]); got != want {
		t.Errorf("the index has %s\nand the release carries %s", got, want)
	}
	k.want(harvest.Unchanged, "--fresh")
	if n := len(j.forge.Pulls(signingIndex)); n != 1 {
		t.Errorf("%d pull requests", n)
	}
}
