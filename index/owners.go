package index

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// identity is who may publish, as one publisher of an owners file says: a key,
// or a repository at a host; and by which of its workflows, for which tags.
type identity struct {
	key                           string
	issuer, repository            string
	repositoryID, ownerID, ending string // as written, "" when the file does not say
	workflow, runner, signer      string // "" for any, but for the signer
	tags, triggers, signerRefs    []string
}

// handover compares the publishers of two owners files. It grants when somebody
// may publish who could not before, or when signatures that are for no registry
// in particular were refused before; it is a transfer when somebody who could may
// no longer, as well, or when it opens the package to anyone. Files that cannot
// be read are taken for the worst.
func handover(before, after []byte) (grants, transfer bool) {
	old, wasExact, oldErr := readIdentities(before)
	now, exact, newErr := readIdentities(after)
	if oldErr != nil || newErr != nil {
		return true, true
	}
	grants = wasExact && !exact
	if len(old) == 0 { // then anyone could
		return grants, false
	}
	if len(now) == 0 {
		return true, true
	}
	for _, n := range now {
		grants = grants || !anyOf(old, func(o identity) bool { return o.covers(n) && o.lasts(n) && o.allows(n) })
	}
	lost := false
	for _, o := range old {
		kept := func(n identity) bool { return n.ending == "" && (o.covers(n) || n.covers(o)) }
		lost = lost || o.ending == "" && !anyOf(now, kept)
	}
	return grants, grants && lost
}

func anyOf(all []identity, is func(identity) bool) bool {
	for _, x := range all {
		if is(x) {
			return true
		}
	}
	return false
}

// covers reports whether everybody who is the other is this one, too. The host's
// numbers decide where this one has them, since a repository's name can be taken
// over.
func (x identity) covers(other identity) bool {
	if x.key != "" || other.key != "" {
		return x.key == other.key
	}
	if x.issuer != "" && x.issuer != other.issuer || x.ownerID != "" && x.ownerID != other.ownerID {
		return false
	}
	if x.repositoryID != "" {
		return x.repositoryID == other.repositoryID
	}
	return x.repository == other.repository
}

// lasts reports whether this one may publish for at least as long as the other.
// Times are RFC 3339 in UTC, which sort as text.
func (x identity) lasts(other identity) bool {
	return x.ending == "" || other.ending != "" && other.ending <= x.ending
}

// allows reports whether all that the other may be signed by, this one may be,
// too. Lists that are left out have defaults, which are not known here.
func (x identity) allows(other identity) bool {
	if x.workflow != "" && x.workflow != other.workflow || x.runner != "" && x.runner != other.runner || x.signer != other.signer {
		return false
	}
	within := func(mine, others []string) bool {
		outside := func(s string) bool { return !slices.Contains(mine, s) }
		return slices.Equal(mine, others) || len(others) > 0 && !slices.ContainsFunc(others, outside)
	}
	return within(x.tags, other.tags) && within(x.triggers, other.triggers) && within(x.signerRefs, other.signerRefs)
}

// readIdentities reads the publishers of an owners file, as far as they say who
// somebody is, and whether signatures have to be for the very registry. What else
// must be true of such a file is not judged here.
func readIdentities(data []byte) (all []identity, exact bool, err error) {
	var file struct {
		Registry   string
		Publishers []struct {
			Key, Issuer, Repository, Until string
			RepositoryID                   string `yaml:"repository-id"`
			OwnerID                        string `yaml:"owner-id"`
			Workflow, Runner               string
			Tags, Triggers                 []string
			Signer                         struct {
				Workflow string
				Refs     []string
			}
		}
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, false, err
	}
	for _, p := range file.Publishers {
		all = append(all, identity{
			key: p.Key, issuer: p.Issuer, repository: strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(p.Repository), "/"), ".git"),
			repositoryID: p.RepositoryID, ownerID: p.OwnerID, ending: p.Until,
			workflow: p.Workflow, runner: p.Runner, signer: p.Signer.Workflow,
			tags: p.Tags, triggers: p.Triggers, signerRefs: p.Signer.Refs,
		})
	}
	return all, file.Registry == "exact", nil
}
