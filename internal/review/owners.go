package review

import (
	"math"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
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
//	reviewers: [ann, bob]     # accounts that may approve changes of the package
//
// Both lists are optional, but not both at once.
type Owners struct {
	Publishers []Publisher
	Reviewers  []string
}

// Publisher is one source of releases.
type Publisher struct {
	Repository            string // URL
	RepositoryID, OwnerID int64  // 0 when not known
	Issuer                string // of identity tokens, "" for any
	Workflow              string // path in the repository, "" for any
}

// ParseOwners reads an owners file. The error is [strictyaml.Problems].
func ParseOwners(file string, data []byte) (*Owners, error) {
	doc := strictyaml.Parse(file, data)
	root := doc.Root().Mapping("publishers", "reviewers")
	o := &Owners{}
	for _, item := range root.Get("publishers").List() {
		o.Publishers = append(o.Publishers, parsePublisher(item))
	}
	for _, item := range root.Get("reviewers").List() {
		o.addReviewer(item)
	}
	if len(o.Publishers) == 0 && len(o.Reviewers) == 0 && doc.Err() == nil {
		root.Report("name at least one publisher or reviewer", "names nobody")
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return o, nil
}

func parsePublisher(item strictyaml.Value) Publisher {
	m := item.Mapping("repository", "repository-id", "owner-id", "issuer", "workflow")
	p := Publisher{
		Repository:   httpsURL(m.Require("repository", "write the repository's https URL")),
		RepositoryID: int64(m.Get("repository-id").Int(1, math.MaxInt, 0)),
		OwnerID:      int64(m.Get("owner-id").Int(1, math.MaxInt, 0)),
		Issuer:       httpsURL(m.Get("issuer")),
	}
	workflow := m.Get("workflow")
	if workflow.Present() {
		p.Workflow = workflow.Text()
		if !validWorkflow(p.Workflow) {
			workflow.Report("write a path such as .github/workflows/release.yml", "%q is not the path of a workflow", p.Workflow)
		}
	}
	return p
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
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.Report("write https://HOST/PATH", "%q is not a plain https URL", text)
	}
	return text
}

// account is what forges permit as an account's name, with an optional team.
var account = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)?$`)

func (o *Owners) addReviewer(item strictyaml.Value) {
	name := item.Text()
	switch {
	case name == "":
		return
	case !account.MatchString(name):
		item.Report("write the account's name without \"@\", or ORGANISATION/TEAM", "%q is not an account name", name)
	case slices.ContainsFunc(o.Reviewers, func(r string) bool { return strings.EqualFold(r, name) }):
		item.Report("leave it out", "%q is listed already", name)
	default:
		o.Reviewers = append(o.Reviewers, name)
	}
}

// permits reports whether a version with this source may be published. Owners
// that name no publishers permit every source.
func (o *Owners) permits(s *index.Source) bool {
	if len(o.Publishers) == 0 {
		return true
	}
	return s != nil && slices.ContainsFunc(o.Publishers, func(p Publisher) bool { return p.matches(s) })
}

// matches compares the forge's numbers where both sides have them, since a
// repository's name can be taken over, and the URL where they do not.
func (p Publisher) matches(s *index.Source) bool {
	if p.OwnerID != 0 && p.OwnerID != s.OwnerID {
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
