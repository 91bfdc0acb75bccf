package review

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"math"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Owners says who may publish a package and who answers for it, the file
// owners/<path of the package>.yaml:
//
//	publishers:               # what may publish: one is enough
//	  - repository: https://github.com/example/hello
//	    repository-id: 123    # the forge's numbers survive a rename
//	    owner-id: 456
//	    issuer: https://token.actions.githubusercontent.com
//	    workflow: .github/workflows/release.yml
//	    tags: ["v{version}"]      # of a release; package attest has the default
//	    triggers: [release]       # events that start the workflow
//	    runner: github-hosted
//	    signer:                   # reusable workflow that signs
//	      workflow: https://github.com/example/actions/.github/workflows/publish.yml
//	      refs: [refs/tags/v1]    # or commits
//	    until: "2027-01-01T00:00:00Z"  # it may have signed, but no longer does
//	  - key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=  # or a key under trust/
//	reviewers: [ann, bob]     # accounts that may approve changes of the package
//	registry: exact           # refuse signatures that are for any registry
//
// Both lists are optional, but not both at once. Who may sign a version is one
// of the publishers; see [Owners.Identities].
type Owners struct {
	Publishers []Publisher
	Reviewers  []string
	// ExactRegistry refuses signatures that name no registry in particular.
	ExactRegistry bool
}

// Publisher is one source of releases: a repository, or a key.
type Publisher struct {
	Repository            string // URL
	RepositoryID, OwnerID int64  // 0 when not known
	Issuer                string // of identity tokens, "" for any
	Workflow              string // path in the repository, "" for any
	Tags, Triggers        []string
	Runner                string // "" for any
	Signer                string // URL of the reusable workflow that signs, "" when the workflow does
	SignerRefs            []string
	Key                   string    // ID of a key; nothing above then
	Until                 time.Time // when it ended, zero when it has not
}

// Identities are those who may sign versions of the package.
func (o *Owners) Identities() []attest.Identity {
	var all []attest.Identity
	for _, p := range o.Publishers {
		all = append(all, attest.Identity{
			Key: p.Key, Issuer: p.Issuer,
			Repository:   strings.TrimSuffix(strings.TrimSuffix(p.Repository, "/"), ".git"),
			RepositoryID: p.RepositoryID, OwnerID: p.OwnerID,
			Tags: p.Tags, Workflow: p.Workflow, Signer: p.Signer, SignerRefs: p.SignerRefs,
			Triggers: p.Triggers, Runner: p.Runner, Until: p.Until,
			ExactRegistry: o.ExactRegistry,
		})
	}
	return all
}

// ParseOwners reads an owners file. The error is [strictyaml.Problems].
func ParseOwners(file string, data []byte) (*Owners, error) {
	doc := strictyaml.Parse(file, data)
	root := doc.Root().Mapping("publishers", "reviewers", "registry")
	o := &Owners{}
	for _, item := range root.Get("publishers").List() {
		o.Publishers = append(o.Publishers, parsePublisher(item))
	}
	for _, item := range root.Get("reviewers").List() {
		o.Reviewers = addAccount(o.Reviewers, item)
	}
	if registry := root.Get("registry"); registry.Present() {
		o.ExactRegistry = registry.Text() == "exact"
		if text := registry.Text(); text != "exact" && text != "any" {
			registry.Report("write exact or any", "%q is neither", text)
		}
	}
	if len(o.Publishers) == 0 && len(o.Reviewers) == 0 && doc.Err() == nil {
		root.Report("name at least one publisher or reviewer", "names nobody")
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return o, nil
}

// readOwners reads an owners file of a tree, nil when there is none. The error
// is [strictyaml.Problems] when what it says is wrong.
func readOwners(tree fs.FS, file string) (*Owners, error) {
	if tree == nil {
		return nil, nil
	}
	data, err := fs.ReadFile(tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseOwners(file, data)
}

func parsePublisher(item strictyaml.Value) Publisher {
	m := item.Mapping("repository", "repository-id", "owner-id", "issuer", "workflow", "tags", "triggers", "runner", "signer", "key", "until")
	p := Publisher{Until: parseTime(m.Get("until"))}
	if key := m.Get("key"); key.Present() {
		p.Key = parseKey(key)
		for _, name := range []string{"repository", "repository-id", "owner-id", "issuer", "workflow", "tags", "triggers", "runner", "signer"} {
			if other := m.Get(name); other.Present() {
				other.Report("make it a publisher of its own", "a publisher is a key or a repository, not both")
			}
		}
		return p
	}
	p.Repository = httpsURL(m.Require("repository", "write the repository's https URL, or a key"))
	p.RepositoryID = int64(m.Get("repository-id").Int(1, math.MaxInt, 0))
	p.OwnerID = int64(m.Get("owner-id").Int(1, math.MaxInt, 0))
	p.Issuer = httpsURL(m.Get("issuer"))
	if workflow := m.Get("workflow"); workflow.Present() {
		p.Workflow = workflow.Text()
		if !validWorkflow(p.Workflow) {
			workflow.Report("write a path such as .github/workflows/release.yml", "%q is not the path of a workflow", p.Workflow)
		}
	}
	p.Tags = matching(m.Get("tags"), tagPattern(), "write a tag such as v{version}, without refs/tags/")
	p.Triggers = matching(m.Get("triggers"), trigger(), "write an event such as release")
	if runner := m.Get("runner"); runner.Present() {
		if p.Runner = runner.Text(); p.Runner != "github-hosted" && p.Runner != "self-hosted" {
			runner.Report("write github-hosted or self-hosted", "%q is no kind of runner", p.Runner)
		}
	}
	if signer := m.Get("signer"); signer.Present() {
		fields := signer.Mapping("workflow", "refs")
		workflow := fields.Require("workflow", "write the https URL of the reusable workflow")
		p.Signer = httpsURL(workflow)
		if p.Signer != "" && !validWorkflow(strings.TrimPrefix(p.Signer, "https://")) {
			workflow.Report("write its file, without a ref", "%q is not the URL of a workflow", p.Signer)
		}
		refs := fields.Require("refs", "list the refs or commits that may sign")
		p.SignerRefs = matching(refs, signerRef(), "write refs/tags/NAME, or a commit of 40 hex digits")
		if refs.Present() && len(p.SignerRefs) == 0 {
			refs.Report("list the refs or commits that may sign", "names none")
		}
	}
	return p
}

// What may stand in the lists of a publisher. Like all patterns of this program,
// they are compiled when they are needed: every command pays for what is done at
// its start.
var (
	tagPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._/+*{}-]{1,128}$`) })
	trigger    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z_]{0,63}$`) })
	signerRef  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(refs/(tags|heads)/[A-Za-z0-9._/+-]{1,200}|[0-9a-f]{40})$`)
	})
)

// matching reads a list whose elements have a form.
func matching(v strictyaml.Value, form *regexp.Regexp, hint string) []string {
	var all []string
	for _, item := range v.List() {
		text := item.Text()
		if text != "" && (!form.MatchString(text) || strings.HasPrefix(text, "refs/tags/") && form == tagPattern()) {
			item.Report(hint, "%q is none", text)
		}
		all = append(all, text)
	}
	return all
}

func parseKey(v strictyaml.Value) string {
	text := v.Text()
	if sum, err := base64.StdEncoding.DecodeString(text); text != "" && (err != nil || len(sum) != sha256.Size || base64.StdEncoding.EncodeToString(sum) != text) {
		v.Report("'clyde key show FILE' prints it", "%q is not the ID of a key", text)
	}
	return text
}

func parseTime(v strictyaml.Value) time.Time {
	if !v.Present() {
		return time.Time{}
	}
	text := v.Text()
	at, err := time.Parse(index.TimeLayout, text)
	if text != "" && (err != nil || at.Format(index.TimeLayout) != text) { // Parse takes hours of one digit
		v.Report("write it in UTC, such as 2027-01-31T00:00:00Z", "%q is not a time", text)
	}
	return at
}

func validWorkflow(s string) bool {
	ext := path.Ext(s)
	return path.Clean(s) == s && !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "../") &&
		strings.Contains(s, "/workflows/") && (ext == ".yml" || ext == ".yaml")
}

func httpsURL(v strictyaml.Value) string {
	if !v.Present() {
		return ""
	}
	text := v.Text()
	u, err := url.Parse(text)
	switch {
	case text == "":
	case err != nil || !strings.HasPrefix(text, "https://") || strings.ContainsAny(text, " <>\\\"") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.Report("write https://HOST/PATH", "%q is not a plain https URL", text)
	}
	return text
}

// account is what forges permit as an account's name, with an optional team.
var account = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)?$`)
})

// addAccount reads the name of an account into a list that has each once.
func addAccount(all []string, item strictyaml.Value) []string {
	name := item.Text()
	switch {
	case name == "":
	case !account().MatchString(name):
		item.Report("write the account's name without \"@\", or ORGANISATION/TEAM", "%q is not an account name", name)
	case hasAccount(all, name):
		item.Report("leave it out", "%q is listed already", name)
	default:
		all = append(all, name)
	}
	return all
}

// hasAccount reports whether a list has an account; forges ignore the case.
func hasAccount(all []string, name string) bool {
	return slices.ContainsFunc(all, func(a string) bool { return strings.EqualFold(a, name) })
}

// permits reports whether a version may be published now, as far as its line
// says where it is from. Owners that name no publishers permit every source.
func (o *Owners) permits(e *index.Entry, now time.Time) bool {
	if len(o.Publishers) == 0 {
		return true
	}
	return slices.ContainsFunc(o.Publishers, func(p Publisher) bool { return p.lasts(now) && p.matches(e) })
}

// lasts reports whether this is a publisher still.
func (p Publisher) lasts(now time.Time) bool { return p.Until.IsZero() || !now.After(p.Until) }

// signOnly reports whether all who may publish now do so with a key, so that a
// version without a signature is nobody's.
func (o *Owners) signOnly(now time.Time) bool {
	keys := false
	for _, p := range o.Publishers {
		if p.lasts(now) && p.Key == "" {
			return false
		}
		keys = keys || p.lasts(now)
	}
	return keys
}

// matches compares the forge's numbers where both sides have them, since a
// repository's name can be taken over, and the URL where they do not. Who signs
// with a key publishes from anywhere, and says from where or not; whether it is
// that key's signature is for package attest to find out.
func (p Publisher) matches(e *index.Entry) bool {
	if p.Key != "" {
		return e.Att != nil
	}
	s := e.Source
	if s == nil || p.OwnerID != 0 && p.OwnerID != s.OwnerID {
		return false
	}
	if p.RepositoryID != 0 {
		return p.RepositoryID == s.RepositoryID
	}
	return sameRepository(p.Repository, s.Repository)
}

func sameRepository(a, b string) bool {
	normal := func(s string) string {
		return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(s), "/"), ".git")
	}
	return normal(a) == normal(b)
}
