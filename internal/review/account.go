package review

import (
	"math"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// Account is somebody who publishes, as a policy names them:
//
//	owner: https://github.com/acme   # of the repositories
//	owner-id: 456                    # the forge's number, which survives a rename
//
// or
//
//	key: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
type Account struct {
	Owner   string // URL; every repository below it
	OwnerID int64  // 0 when not known
	Key     string // ID of a key; nothing above then
}

// parseAccounts reads a list of them.
func parseAccounts(v strictyaml.Value) []Account {
	var all []Account
	for _, item := range v.List() {
		m := item.Mapping("owner", "owner-id", "key")
		if key := m.Get("key"); key.Present() {
			for _, name := range []string{"owner", "owner-id"} {
				if other := m.Get(name); other.Present() {
					other.Report("make it an item of its own", "an account is a key or an owner, not both")
				}
			}
			all = append(all, Account{Key: parseKey(key)})
			continue
		}
		all = append(all, Account{
			Owner:   httpsURL(m.Require("owner", "write the https URL of the account, or a key")),
			OwnerID: int64(m.Get("owner-id").Int(1, math.MaxInt, 0)),
		})
	}
	return all
}

// owns reports whether a repository is the account's. The forge's number
// decides where both sides have one, since an account's name can be taken over.
func (a Account) owns(repository string, ownerID int64) bool {
	if a.Owner == "" {
		return false
	}
	owner, err := url.Parse(strings.ToLower(a.Owner))
	if err != nil {
		return false
	}
	u, err := url.Parse(strings.ToLower(repository))
	if err != nil || u.Scheme != "https" || u.Host != owner.Host {
		return false
	}
	if a.OwnerID != 0 {
		return a.OwnerID == ownerID
	}
	return strings.HasPrefix(u.Path, strings.TrimSuffix(owner.Path, "/")+"/")
}

// covers reports whether a publisher is the account.
func (a Account) covers(p Publisher) bool {
	if a.Key != "" || p.Key != "" {
		return a.Key == p.Key
	}
	return a.owns(p.Repository, p.OwnerID)
}
