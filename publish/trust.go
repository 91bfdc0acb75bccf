package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

// trustFolder holds the authorities that a registry trusts of its own.
const trustFolder = "trust"

// TrustOptions say which public key an index is to trust.
type TrustOptions struct {
	Target
	Name     string // of the key's file
	PEM      []byte // public, never private
	ForIndex bool   // the key speaks for the index itself, and signs no packages
}

var trustName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`) })

// NewTrustPlan plans to add a key to those that an index trusts. The error is
// ErrUsage for a name that is no file's, or what is no public key, and
// ErrConflict when the name is another key's.
func NewTrustPlan(ctx context.Context, opts TrustOptions) (*Plan, error) {
	if !trustName().MatchString(opts.Name) {
		return nil, &Error{Kind: ErrUsage, Detail: fmt.Sprintf("%q is no name for a key", opts.Name), Remedy: "use letters, digits, - and _"}
	}
	if bytes.Contains(opts.PEM, []byte("PRIVATE")) {
		return nil, &Error{Kind: ErrUsage, Detail: "a private key must not be published"}
	}
	key, err := attest.ParsePublicKey(opts.PEM, nil)
	if err != nil {
		return nil, &Error{Kind: ErrUsage, Detail: "the key", Err: err}
	}
	id, err := attest.KeyID(key)
	if err != nil {
		return nil, err
	}
	folder, branch := attest.KeysFolder, "clyde/trust/"+escapeCase(opts.Name)
	if opts.ForIndex {
		folder, branch = attest.IndexKeysFolder, "clyde/trust-index/"+escapeCase(opts.Name)
	}
	t := trusted{name: opts.Name, file: path.Join(trustFolder, folder, opts.Name+".pem"), id: id, pem: opts.PEM}
	return newPlan(ctx, Plan{Kind: index.KindPolicy, Package: "key " + opts.Name, branch: branch, target: opts.Target, derive: t.derive})
}

// trusted is a key on its way into an index.
type trusted struct {
	name, file, id string
	pem            []byte
}

func (t trusted) derive(tree fs.FS, _ []byte) (derived, error) {
	before, err := fs.ReadFile(tree, t.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return derived{change: Change{Path: t.file, After: t.pem, Message: fmt.Sprintf("Trust key %s\n\nID: %s\n", t.name, t.id)}}, nil
	case err != nil:
		return derived{}, err
	}
	if key, err := attest.ParsePublicKey(before, nil); err == nil {
		if id, err := attest.KeyID(key); err == nil && id == t.id {
			return derived{done: true}, nil
		}
	}
	return derived{}, &Error{Kind: ErrConflict, Detail: t.file + " is another key", Remedy: "give this one another name with --name, or take that one away first"}
}
