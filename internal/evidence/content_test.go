package evidence_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/evidence"
	"github.com/clydepm/clyde/internal/review"
)

// What a version brings for the first time is called out to a person.
func TestNewContentNeedsEyes(t *testing.T) {
	w := newWorld(t)
	hooks := strings.ReplaceAll(manifestText, "VERSION", "1.2.3") + "  post-install: {run: [./setup]}\n"
	hooks = strings.Replace(hooks, `["apt:libhello-dev"]`, `["apt:libhello-dev", "pip:numpy"]`, 1)
	e := w.release("1.2.3", map[string]string{
		".clyde/package.yaml": hooks, "tools/x": "\x7fELF\x02\x01", "a.txt": "MZ is no program\n", "m.wasm": "text",
	}, nil)
	r := w.judge(w.with(e.AppendLine(nil)))
	if r.Verdict != review.Pass || r.Decision != review.NeedsPerson {
		t.Fatalf("%s", r.JSON())
	}
	var checks []string
	for _, n := range r.People {
		checks = append(checks, n.Check)
	}
	if want := []string{"content/hooks", "content/external", "content/native"}; !slices.Equal(checks, want) {
		t.Errorf("people look at %v, expected %v", checks, want)
	}
	if n := r.Diffs[0].Native; len(n) != 2 || n[0].Path != "m.wasm" || n[1].Kind != "ELF" {
		t.Errorf("native %+v", n)
	}
}

// What cannot be had is said in words that do not depend on the machine.
func TestMissingEvidence(t *testing.T) {
	for address, want := range map[string]string{
		repository + "/releases/download/v1.2.3/hello-1.2.3.tar.gz":               "archive: 404 Not Found",
		repository + "/releases/download/v1.2.3/hello-1.2.3-linux-x86_64.tar.gz":  "builds.linux-x86_64: 404 Not Found",
		repository + "/releases/download/v1.2.3/hello-1.2.3.tar.gz.sigstore.json": "bundle: 404 Not Found",
		repository + "/releases/download/v1.2.2/hello-1.2.2.tar.gz":               "previous: 404 Not Found",
		api + "/git/ref/tags/v1.2.3":                                              "tag: not found",
		api + "/releases/tags/v1.2.3":                                             "release: not found",
		api:                                                                       "repository: not found",
	} {
		t.Run(want, func(t *testing.T) {
			w := newWorld(t)
			e := w.release("1.2.3", nil, nil)
			delete(w.web.files, address)
			head := w.with(e.AppendLine(nil))
			set := w.gather(head)
			defer set.Close()
			missing := set.Versions["1.2.3"].Missing
			if len(missing) != 1 || missing[0].What+": "+missing[0].Detail != want {
				t.Errorf("missing %v, expected %s", missing, want)
			}
			r := w.judge(head)
			if fine := missing[0].What == "previous" || missing[0].What == "release"; (r.Verdict == review.Pass) != fine {
				t.Errorf("verdict %s: %v %v", r.Verdict, failed(r), noticed(r, review.Warn))
			}
		})
	}
}

// A server that fails for a while is asked again, one that keeps failing is told
// of, and one that sends more than the line says is not read to its end.
func TestServersThatFail(t *testing.T) {
	w := newWorld(t)
	e := w.release("1.2.3", nil, nil)
	w.web.fail[e.DL] = http.StatusBadGateway
	set := w.gather(w.with(e.AppendLine(nil)))
	defer set.Close()
	if m := set.Versions["1.2.3"].Missing; len(m) != 1 || m[0].Detail != "502 Bad Gateway" {
		t.Errorf("missing %v", m)
	}
	asked := 0
	for _, r := range w.web.asked {
		if r.URL.String() == e.DL {
			asked++
		}
	}
	if asked != 4 {
		t.Errorf("asked %d times", asked)
	}
	delete(w.web.fail, e.DL)
	w.web.files[e.DL] = append(w.web.files[e.DL], make([]byte, 1<<20)...)
	larger := w.gather(w.with(e.AppendLine(nil)))
	defer larger.Close()
	if m := larger.Versions["1.2.3"].Missing; len(m) != 1 || !strings.HasPrefix(m[0].Detail, "more than ") {
		t.Errorf("missing %v", m)
	}
}

// A line sends the reviewer nowhere but to the web.
func TestAddressesOfLines(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"file:///etc/passwd", "https://ann:secret@example.org/a.tar.gz", "ftp://example.org/a.tar.gz"} {
		e := w.release("1.2.3", nil, func(e *index.Entry) { e.DL = address })
		before := len(w.web.asked)
		set := w.gather(w.with(e.AppendLine(nil)))
		if ev := set.Versions["1.2.3"]; ev != nil && ev.Archive != nil {
			t.Errorf("%s was fetched", address)
		}
		for _, r := range w.web.asked[before:] {
			if r.URL.Scheme != "https" || r.URL.User != nil {
				t.Errorf("asked for %s", r.URL)
			}
		}
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The token of a host goes to its API and nowhere else.
func TestTokenStaysWithItsHost(t *testing.T) {
	w := newWorld(t)
	e := w.release("1.2.3", nil, nil)
	client := &http.Client{Transport: w.web}
	hosts := evidence.Hosts{
		Known: []evidence.Host{{Kind: evidence.GitHub, Web: "https://github.com", API: "https://api.github.com", Token: "s3cret"}},
		HTTP:  client, Wait: noWait,
	}
	set, err := evidence.Gather(t.Context(), evidence.Options{Origin: hosts.Origin, HTTP: client, Dir: t.TempDir(), Wait: noWait}, w.base, w.with(e.AppendLine(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	with := map[string]bool{}
	for _, r := range w.web.asked {
		if r.Header.Get("Authorization") != "" {
			with[r.URL.Host] = true
		}
	}
	if len(with) != 1 || !with["api.github.com"] {
		t.Errorf("the token went to %v", with)
	}
}

// A package that has been signed stays signed.
func TestDowngradeIsRefused(t *testing.T) {
	w := newWorld(t)
	e := w.release("1.2.3", nil, nil)
	e.Att = nil
	if got := failed(w.judge(w.with(e.AppendLine(nil)))); !slices.Equal(got, []string{"identity/downgrade"}) {
		t.Errorf("broken: %v", got)
	}
}

// The owners file of a new package has to record what the evidence shows.
func TestFirstVersionIsRecorded(t *testing.T) {
	for name, test := range map[string]struct{ owners, want string }{
		"all":              {ownersText, ""},
		"another number":   {strings.Replace(ownersText, "repository-id: 17", "repository-id: 18", 1), "fail identity/recorded"},
		"no number":        {strings.Replace(ownersText, "    repository-id: 17\n", "", 1), "fail identity/recorded"},
		"another owner":    {strings.Replace(ownersText, "owner-id: 4", "owner-id: 5", 1), "fail identity/recorded"},
		"another one":      {strings.Replace(ownersText, "acme/hello", "acme/other", 1), "fail identity/recorded"},
		"no workflow":      {strings.Replace(ownersText, "    workflow: .github/workflows/release.yml\n", "", 1), "warn identity/pinned"},
		"another workflow": {strings.Replace(ownersText, "release.yml", "other.yml", 1), "fail identity/workflow"},
		"another tag":      {strings.Replace(ownersText, "v{version}", "release-{version}", 1), "fail identity/ref"},
		"no tags":          {strings.Replace(ownersText, "    tags: [\"v{version}\"]\n", "", 1), "warn identity/pinned"},
		"no owners file":   {"", "warn identity/pinned"},
		"only reviewers":   {"reviewers: [ann]\n", "warn identity/pinned"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			delete(w.base, "he/ll/hello")
			delete(w.base, "owners/he/ll/hello.yaml")
			e := w.release("1.2.3", map[string]string{"lib/libhello.a": "none"}, nil)
			head := maps.Clone(w.with(e.AppendLine(nil)))
			if test.owners != "" {
				head["owners/he/ll/hello.yaml"] = file(test.owners)
			}
			r := w.judge(head)
			if r.Decision == review.Merge {
				t.Error("a new package is merged without a person")
			}
			if test.want == "" {
				if len(failed(r)) != 0 {
					t.Errorf("broken: %v", failed(r))
				}
				return
			}
			status, id, _ := strings.Cut(test.want, " ")
			if !slices.Contains(noticed(r, status), id) {
				t.Errorf("fail: %v, warn: %v, expected %s", failed(r), noticed(r, review.Warn), test.want)
			}
		})
	}
}

// The first version of a registered package needs nobody, not even one whose
// registration records little: a person saw that when it was registered.
func TestRegisteredFirstVersionNeedsNobody(t *testing.T) {
	loose := strings.Replace(ownersText, "    tags: [\"v{version}\"]\n", "", 1)
	w := newWorld(t)
	delete(w.base, "he/ll/hello")
	delete(w.base, "owners/he/ll/hello.yaml")
	w.base["sources/he/ll/hello.yaml"] = file(loose)
	plain, _, _ := strings.Cut(strings.ReplaceAll(manifestText, "VERSION", "1.2.3"), "hooks:")
	plain = strings.Replace(plain, `["apt:libhello-dev"]`, "[]", 1)
	e := w.release("1.2.3", map[string]string{".clyde/package.yaml": plain, "lib/libhello.a": "none"}, nil)
	head := maps.Clone(w.with(e.AppendLine(nil)))
	head["owners/he/ll/hello.yaml"] = file(loose)
	if r := w.judge(head); r.Decision != review.Merge {
		t.Errorf("the decision is %s: broken %v, people %+v", r.Decision, failed(r), r.People)
	}
}
