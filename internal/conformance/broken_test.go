package conformance_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/conformance"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/registrytest"
)

// TestEveryCheckCanFail: of a registry with one fault the check of that fault
// fails, and no other but those that follow from it.
func TestEveryCheckCanFail(t *testing.T) {
	type change = func(uri string, status *int, body *[]byte)
	versions := func(edit func(body []byte) []byte) change {
		return func(uri string, _ *int, body *[]byte) {
			if strings.HasPrefix(uri, "/packages/ansi/versions") {
				*body = edit(*body)
			}
		}
	}
	replace := func(old, with string) change {
		return versions(func(body []byte) []byte { return bytes.Replace(body, []byte(old), []byte(with), 1) })
	}
	digests := regexp.MustCompile(`"cksum":"[0-9a-f]{64}"`)
	sizes := regexp.MustCompile(`,"size":[0-9]+`)
	served := func(data []byte) change { // these bytes as every archive
		sum := sha256.Sum256(data)
		return func(uri string, _ *int, body *[]byte) {
			if strings.HasSuffix(uri, "/download") {
				*body = data
				return
			}
			*body = sizes.ReplaceAll(digests.ReplaceAll(*body, []byte(`"cksum":"`+hex.EncodeToString(sum[:])+`"`)), nil)
		}
	}
	asked := 0
	follows := map[string]string{"package/unique": "archive/there"} // there is no archive at the other name
	reg := registrytest.New(t, packages)
	faults := map[string]change{
		"registry/config": func(_ string, status *int, body *[]byte) { *status, *body = http.StatusNotFound, nil },
		"registry/absent": func(uri string, status *int, body *[]byte) {
			if strings.HasPrefix(uri, "/packages/clyde-conformance") {
				*status, *body = http.StatusOK, []byte(`{"versions":[]}`)
			}
		},
		"registry/search": func(uri string, _ *int, body *[]byte) {
			if strings.Contains(uri, "q=ansi") {
				*body = []byte(`{"packages":[]}`)
			}
		},
		"registry/stable": versions(func(body []byte) []byte {
			if asked++; asked > 2 { // two pages, before the second update
				return bytes.Replace(body, []byte(`"yanked":false`), []byte(`"yanked":false,"links":"x"`), 1)
			}
			return body
		}),
		"package/readable":     replace(`"vers":"0.1.0"`, `"vers":"one"`),
		"package/name":         replace(`"name":"ansi","vers"`, `"name":"other","vers"`),
		"package/unique":       replace(`"vers":"0.1.0"`, `"vers":"0.2.0+again"`),
		"version/checksum":     versions(func(body []byte) []byte { return digests.ReplaceAll(body, []byte(`"cksum":"none"`)) }),
		"version/address":      replace(`"yanked":false`, `"yanked":false,"dl":"nowhere"`),
		"version/dependencies": replace(`"deps":[]`, `"deps":[{"name":"table","req":"newest","kind":"normal"}]`),
		"archive/there": func(uri string, status *int, body *[]byte) {
			if strings.HasSuffix(uri, "/download") {
				*status, *body = http.StatusNotFound, nil
			}
		},
		"archive/digest": func(uri string, _ *int, body *[]byte) {
			if strings.HasSuffix(uri, "/download") {
				*body = bytes.Repeat([]byte("x"), len(*body))
			}
		},
		"archive/sound":    served(hostileArchive(t)),
		"archive/manifest": served(archiveOf(t, registrytest.New(t, packages).NewAPI(t))),
	}
	for _, rule := range conformance.Checks() {
		check, fault := rule.ID, faults[rule.ID]
		if check == "registry/signed" {
			continue // an API has no commits; see TestSignedHead
		}
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			api := reg.NewAPI(t)
			api.Alter(fault)
			w := newWorld(t, kind{config: client.RegistryConfig{URL: api.URL, Kind: client.KindAPI}})
			if failed := w.failures(); !slices.Equal(failed, strings.Fields(check+" "+follows[check])) {
				t.Errorf("%q fail", failed)
			}
		})
	}
}

// TestSignedHead: the newest commit of a git repository is signed, until that is
// over.
func TestSignedHead(t *testing.T) {
	reg := registrytest.New(t, packages)
	repo, err := git.Open(reg.Path)
	must(t, err)
	defer repo.Close()
	private, public, err := attest.GenerateKey(nil)
	must(t, err)
	key, err := attest.WithKey(private, nil, attest.Services{}, nil)
	must(t, err)
	head, err := repo.Resolve("HEAD")
	must(t, err)
	trusting, err := repo.WriteCommit(git.Commit{
		Parent: head, Files: map[string][]byte{"trust/index/main.pem": public}, Message: "trust", Name: "Ann", Email: "ann@example.org", When: registrytest.Clock(),
	})
	must(t, err)
	must(t, repo.CompareAndSwap("refs/heads/"+registry.Branch, head, trusting))

	w := newWorld(t, kind{config: client.RegistryConfig{URL: reg.Path, Kind: client.KindGit}})
	for _, c := range []struct {
		before time.Duration // of the signature, which holds for a day
		status string
	}{{time.Hour, conformance.Pass}, {48 * time.Hour, conformance.Fail}} {
		_, err = registry.SignHeadLocal(t.Context(), repo, registry.SignOptions{
			Key: key, Valid: 24 * time.Hour, Now: w.now().Add(-c.before), Author: "Ann", Email: "ann@example.org",
		})
		must(t, err)
		fresh := newWorld(t, kind{config: client.RegistryConfig{URL: reg.Path, Kind: client.KindGit}})
		report, err := conformance.Check(t.Context(), fresh.open(), conformance.Options{Names: []string{"ansi"}})
		must(t, err)
		i := slices.IndexFunc(report.Findings, func(f conformance.Finding) bool { return f.Check == "registry/signed" })
		if got := report.Findings[i]; got.Status != c.status {
			t.Errorf("signed %v ago: %+v", c.before, got)
		}
	}
}

// failures are the checks that fail.
func (w *world) failures() (failed []string) {
	report, err := conformance.Check(w.t.Context(), w.open(), conformance.Options{Names: []string{"ansi"}, Archives: 3, Downloader: w.downloader()})
	must(w.t, err)
	if len(report.Findings) < len(conformance.Checks()) {
		w.t.Errorf("%d findings of %d checks", len(report.Findings), len(conformance.Checks()))
	}
	for _, f := range report.Findings {
		if f.Status == conformance.Fail && (len(failed) == 0 || failed[len(failed)-1] != f.Check) {
			failed = append(failed, f.Check)
		}
	}
	if (report.Verdict == conformance.Fail) != (len(failed) > 0) {
		w.t.Errorf("verdict %s, and %q fail", report.Verdict, failed)
	}
	return failed
}

// hostileArchive has a file that would land outside of the package.
func hostileArchive(t *testing.T) []byte {
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	members := tar.NewWriter(compressed)
	must(t, members.WriteHeader(&tar.Header{Name: "ansi-0.1.0/../../escaped", Mode: 0o644}))
	must(t, members.Close())
	must(t, compressed.Close())
	return b.Bytes()
}

// archiveOf is the archive of the first version of ansi.
func archiveOf(t *testing.T, api *registrytest.API) []byte {
	resp, err := http.Get(api.URL + "/packages/ansi/0.1.0/download")
	must(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(t, err)
	return data
}
