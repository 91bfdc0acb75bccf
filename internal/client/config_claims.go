package client

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Claim keeps names for one registry: no other is ever asked for them, and what
// is locked from another is refused. So nobody can publish a name of a private
// registry in a public one and have it installed ("dependency confusion").
type Claim struct {
	Pattern  string // a name, or the beginning of names and "*"
	Registry string // the alias of the claiming registry
	URL      string // its address
	Origin   Origin
}

// Claims are all claims that are configured. No two registries have the same
// name among theirs.
type Claims []Claim

// maxClaims bounds the claims of one registry.
const maxClaims = 1000

// CheckClaim reports what is wrong with the pattern of a claim: it is the name
// of a package, or the beginning of names followed by "*".
func CheckClaim(pattern string) error {
	prefix, open := strings.CutSuffix(pattern, "*")
	name := prefix
	if open {
		name += "a" // what follows is open; what precedes has to begin a name
	}
	remedy := `write the name of a package, or how names begin, such as "acme/*" or "acme-*"`
	switch {
	case prefix == "":
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("%q is no pattern of names", pattern), Remedy: remedy}
	case strings.Contains(prefix, "*"):
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("%q has a * before its end", pattern), Remedy: remedy}
	}
	if err := index.CheckLookupName(name); err != nil {
		return &Error{Class: ErrUsage, Message: fmt.Sprintf("%q is no pattern of names", pattern), Remedy: remedy, Err: err}
	}
	return nil
}

// covers reports whether a folded name is claimed. Names that a registry holds
// for equal, such as acme_log and Acme-Log, are claimed together.
func (c Claim) covers(folded string) bool {
	prefix, open := strings.CutSuffix(index.Fold(c.Pattern), "*")
	if open {
		return strings.HasPrefix(folded, prefix)
	}
	return folded == prefix
}

// overlaps reports whether a name can be claimed by both.
func (c Claim) overlaps(other Claim) bool {
	mine, open := strings.CutSuffix(index.Fold(c.Pattern), "*")
	theirs, otherOpen := strings.CutSuffix(index.Fold(other.Pattern), "*")
	return mine == theirs || open && strings.HasPrefix(theirs, mine) || otherOpen && strings.HasPrefix(mine, theirs)
}

// Of finds the claim on a name.
func (c Claims) Of(name string) (Claim, bool) {
	folded := index.Fold(name)
	for _, claim := range c {
		if claim.covers(folded) {
			return claim, true
		}
	}
	return Claim{}, false
}

// Check reports a [ClaimedError] when a registry must not be asked for a name,
// since another one claims it.
func (c Claims) Check(registry, name string) error {
	if c.elsewhere(registry, name) {
		claim, _ := c.Of(name)
		return &ClaimedError{Name: name, Registry: registry, Claim: claim}
	}
	return nil
}

// elsewhere reports whether another registry claims a name.
func (c Claims) elsewhere(registry, name string) bool {
	claim, ok := c.Of(name)
	return ok && claim.Registry != registry
}

// ClaimedError reports a package that was to be taken from a registry although
// another one claims its name. It is [ErrRefused].
type ClaimedError struct {
	Name     string
	Registry string // that it was to be taken from: an alias, or a URL
	Claim    Claim
	Remedy   string // "" for the usual one
}

func (e *ClaimedError) Error() string {
	return fmt.Sprintf("%s is not taken from the registry %s: the registry %s claims %q (%s)",
		e.Name, e.Registry, e.Claim.Registry, e.Claim.Pattern, e.Claim.Origin)
}

// Is puts the error in its class.
func (e *ClaimedError) Is(target error) bool { return target == ErrRefused }

// Hint says what the ways out are.
func (e *ClaimedError) Hint() string {
	if e.Remedy != "" {
		return e.Remedy
	}
	return fmt.Sprintf("take it from %s, or narrow the claim if that name is not %s's; a package that depends on it stands for what its own registry has", e.Claim.Registry, e.Claim.Registry)
}

// claimsOf collects the claims of all entries, strongest layer first, and gives
// those of a hidden entry to the one that is shown for the same address. Claims
// that nobody could answer for, since an entry with another address has taken
// the name, are a problem, and so are two registries that claim the same name.
func claimsOf(entries, shown []RegistryConfig) (Claims, strictyaml.Problems) {
	var claims Claims
	var problems strictyaml.Problems
	for _, r := range entries {
		if len(r.Claims) == 0 {
			continue
		}
		at := slices.IndexFunc(shown, func(s RegistryConfig) bool { return s.Key() == r.Key() })
		if at < 0 {
			at = slices.IndexFunc(shown, func(s RegistryConfig) bool { return s.Name == r.Name })
			by := shown[at]
			problems = append(problems, strictyaml.Problem{
				File: by.Origin.File, Line: by.Origin.Line, Column: 1, Field: "registries",
				Detail: fmt.Sprintf("%q hides a registry of that name at another address, which claims names (%s)", by.Name, r.Origin),
				Hint:   "give this one another name",
			})
			continue
		}
		if shown[at].Origin.Scope == ScopeProject && r.Origin.Scope != ScopeProject && len(shown[at].Fallback) > 0 {
			problems = append(problems, strictyaml.Problem{
				File: shown[at].Origin.File, Line: shown[at].Origin.Line, Column: 1, Field: "registries",
				Detail: fmt.Sprintf("%q has a fallback, and names are claimed for its address alone (%s)", shown[at].Name, r.Origin),
				Hint:   "leave out the fallback",
			})
		}
		for _, pattern := range r.Claims {
			claim := Claim{Pattern: pattern, Registry: shown[at].Name, URL: shown[at].URL, Origin: r.Origin}
			if i := slices.IndexFunc(claims, func(c Claim) bool { return c.Registry != claim.Registry && c.overlaps(claim) }); i >= 0 {
				problems = append(problems, strictyaml.Problem{
					File: r.Origin.File, Line: r.Origin.Line, Column: 1, Field: "registries",
					Detail: fmt.Sprintf("%q claims %q, and %q claims %q (%s)", claim.Registry, pattern, claims[i].Registry, claims[i].Pattern, claims[i].Origin),
					Hint:   "a name belongs to one registry: narrow one of the two claims",
				})
				continue
			}
			claims = append(claims, claim)
		}
	}
	return claims, problems
}

// parseClaims reads the member "claims" of a registry.
func parseClaims(list strictyaml.Value) []string {
	items := list.List()
	if len(items) > maxClaims {
		list.Report("", "has %d entries; the limit is %d", len(items), maxClaims)
		return nil
	}
	var claims []string
	for _, item := range items {
		pattern := item.Text()
		if err := CheckClaim(pattern); pattern != "" && err != nil {
			item.Report(hintOf(err), "%v", err)
		}
		claims = append(claims, pattern)
	}
	return claims
}

// claimedRegistry is a registry that is not asked for names that another one
// claims, not even by a search for one.
type claimedRegistry struct {
	Registry
	claims Claims
}

func (r *claimedRegistry) Package(ctx context.Context, name string) (index.File, error) {
	if err := r.claims.Check(r.Config().Name, name); err != nil {
		return index.File{}, err
	}
	return r.Registry.Package(ctx, name)
}

func (r *claimedRegistry) Entries(ctx context.Context, name string) ([]*index.Entry, error) {
	if err := r.claims.Check(r.Config().Name, name); err != nil {
		return nil, err
	}
	return r.Registry.Entries(ctx, name)
}

func (r *claimedRegistry) Releases(ctx context.Context, name string) (*index.Releases, error) {
	if err := r.claims.Check(r.Config().Name, name); err != nil {
		return nil, err
	}
	return releasesOf(ctx, r.Registry, name)
}

// Search leaves out what the registry has under names that are not its own.
func (r *claimedRegistry) Search(ctx context.Context, q Query) ([]Match, error) {
	name := r.Config().Name
	if r.claims.elsewhere(name, q.Text) {
		return nil, nil
	}
	matches, err := r.Registry.Search(ctx, q)
	return slices.DeleteFunc(matches, func(m Match) bool { return r.claims.elsewhere(name, m.Name) }), err
}

// checkLock reports a package of a lock that comes from another registry than the
// one that claims its name.
func (c Claims) checkLock(lock *lockfile.Lock) error {
	urls := make(map[string]string, len(lock.Registries))
	for _, r := range lock.Registries {
		urls[r.Name] = r.URL
	}
	for _, p := range lock.Packages {
		claim, ok := c.Of(p.Name)
		if ok && !sameRegistry(urls[p.Registry], claim.URL) {
			return &ClaimedError{
				Name: fmt.Sprintf("%s %s of %s", p.Name, p.Version, lockfile.Path), Registry: urls[p.Registry], Claim: claim,
				Remedy: fmt.Sprintf("somebody may have put a package of that name elsewhere: if the project should have %s's, run 'clyde update %s'", claim.Registry, p.Name),
			}
		}
	}
	return nil
}
