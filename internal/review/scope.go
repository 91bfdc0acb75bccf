package review

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// scopeOwner checks that a new package in a scope is of those to whom the scope
// belongs: the accounts that the policy names for it, or else those who publish
// the packages that are in it. A scope of which neither is known is free.
func (j *judge) scopeOwner(name, at string) error {
	scope, _, scoped := strings.Cut(name, "/")
	if !scoped {
		return nil
	}
	holders, known := j.policy.Names.Scopes[scope]
	if !known {
		var err error
		if holders, err = j.scopeHolders(scope); err != nil {
			return err
		}
	}
	if len(holders) == 0 {
		return nil
	}
	publishers, err := j.newPublishers()
	if err != nil {
		return err
	}
	hint := "ask those who own " + scope + "/, or choose another scope"
	if len(publishers) == 0 {
		j.add("name/scope-owner", at, hint, "the scope %q is owned, and the change does not say who publishes the package", scope)
		return nil
	}
	for _, p := range publishers {
		if !slices.ContainsFunc(holders, func(a Account) bool { return a.covers(p) }) {
			j.add("name/scope-owner", at, hint, "%s publishes the package and does not own the scope %q", p, scope)
		}
	}
	return nil
}

// newPublishers are those who publish a new package, or register one.
func (j *judge) newPublishers() ([]Publisher, error) {
	if j.delta.Kind == index.KindRegister {
		source, err := ParseSource(j.delta.Source.Path, j.delta.Source.After.Data)
		if source == nil || err != nil {
			return nil, nil //nolint:nilerr // reported as "sources/valid"
		}
		return source.Publishers, nil
	}
	owners, err := j.ownersInForce()
	if owners == nil || err != nil {
		return nil, err
	}
	return owners.Publishers, nil
}

// scopeHolders are the accounts that publish the packages of a scope in the base.
func (j *judge) scopeHolders(scope string) ([]Account, error) {
	folder := path.Join("owners", scope)
	entries, err := readDir(j.in.Base, folder)
	if err != nil {
		return nil, err
	}
	var holders []Account
	for _, e := range entries {
		file := path.Join(folder, e.Name())
		if _, isOwners := index.OwnersOf(file); !isOwners || e.IsDir() {
			continue
		}
		owners, err := readOwners(j.in.Base, file)
		if problems, ok := errors.AsType[strictyaml.Problems](err); ok {
			j.add("owners/valid", file, "repair the file first", "%s", firstLine(problems))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, p := range owners.Publishers {
			if p.Until.IsZero() || j.in.Now.Before(p.Until) {
				holders = append(holders, accountOf(p))
			}
		}
	}
	return holders, nil
}

// accountOf is the account of a publisher: the folder that its repository is in.
func accountOf(p Publisher) Account {
	if p.Key != "" {
		return Account{Key: p.Key}
	}
	return Account{Owner: p.Repository[:strings.LastIndexByte(strings.TrimSuffix(p.Repository, "/"), '/')], OwnerID: p.OwnerID}
}

// String names a publisher for people.
func (p Publisher) String() string {
	if p.Key != "" {
		return "key " + p.Key
	}
	return p.Repository
}
