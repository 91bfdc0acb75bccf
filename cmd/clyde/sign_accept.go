package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/client"
)

// acceptance is what a registry will hold a signature against.
type acceptance struct {
	*client.Authority
	profile *attest.Profile
	signers []attest.Identity // none: nobody is recorded yet
}

// readAcceptance reads what the index in a tree holds signatures of a package
// against.
func readAcceptance(tree fs.FS, name string) (*acceptance, error) {
	authority, err := client.ReadAuthority(tree)
	if err != nil {
		return nil, err
	}
	profile, err := authority.Profile()
	if err != nil {
		return nil, err
	}
	signers, err := client.ReadSigners(tree, name)
	return &acceptance{authority, profile, signers}, err
}

// accept refuses a signature that was just made and that the registry would not
// take, before anybody sees it. Who may sign a package without an owners file is
// settled by the review; what its policy does not demand is not demanded here.
func (s *lineSigner) accept(ctx context.Context, e *index.Entry, bundle, provenance []byte) error {
	a, err := s.acceptance(ctx, e.Name)
	if err != nil || a == nil {
		return err
	}
	if mode := attest.Strongest(a.Mode); mode == attest.Off || mode == attest.Warn {
		return nil
	}
	want := attest.Expected{Entry: e, Registry: a.Registry, Identities: a.signers}
	verified, err := a.profile.Verify(bundle, want)
	if err = a.judge(verified, err, "signature"); err != nil || provenance == nil {
		return err
	}
	verified, _, err = a.profile.VerifyProvenance(provenance, want)
	return a.judge(verified, err, "provenance")
}

// judge words the refusal of a bundle, nil if there is none.
func (a *acceptance) judge(v *attest.Verified, err error, what string) error {
	rejected, ok := errors.AsType[*attest.RejectedError](err)
	if !ok {
		return err
	}
	var failed []attest.Check
	for _, c := range rejected.Failed {
		if len(a.signers) > 0 || !strings.HasPrefix(c.ID, "identity/") {
			failed = append(failed, c)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return withHint(exitIntegrity, fmt.Errorf("the %s was made, and the registry %s would not accept it (%s): %w",
		what, a.Registry, a.profile.Name(), &attest.RejectedError{Failed: failed}), a.remedy(v, failed))
}

func (a *acceptance) remedy(v *attest.Verified, failed []attest.Check) string {
	switch id := failed[0].ID; {
	case id == attest.CheckKey:
		return "have the registry trust the key with 'clyde key trust', or sign with one that it trusts"
	case strings.HasPrefix(id, "identity/"):
		return "sign as one of those that 'clyde owner show' lists, or have the owners changed first; this was signed by " + v.Signer()
	case strings.HasPrefix(id, "signature/"):
		return "the registry wants other evidence than CLYDE_REKOR_URL, CLYDE_TSA_URL and CLYDE_FULCIO_URL gave; see its trust folder"
	}
	return "publish again with clyde, which signs the line that it proposes"
}
