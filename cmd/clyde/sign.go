package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/publish"
)

// signWith loads the signing key that a flag names, a file or the URI of a key
// management service, and returns what signs a line for the named registry. The
// bundle goes to the store, beside the archive's.
func (a *app) signWith(ctx context.Context, key, registry string, store publish.Store) (func(context.Context, *index.Entry) (*index.Attestation, error), error) {
	if registry == "" {
		return nil, withHint(exitRefused, errors.New("the index has no name, and a signature is for a registry by its name"), "give it one under clyde.name in its "+index.ConfigPath)
	}
	signer, err := a.keySigner(ctx, key)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, e *index.Entry) (*index.Attestation, error) {
		statement, err := attest.NewStatement(e, registry)
		if err != nil {
			return nil, err
		}
		bundle, err := signer.Sign(ctx, statement)
		if err != nil {
			return nil, err
		}
		return storeBundle(ctx, store, e, bundle)
	}, nil
}

// storeBundle stores a signature under its digest and says where it is.
func storeBundle(ctx context.Context, store publish.Store, e *index.Entry, bundle []byte) (_ *index.Attestation, err error) {
	f, err := os.CreateTemp("", "clyde-bundle-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(bundle)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bundle)
	digest := hex.EncodeToString(sum[:])
	name := index.ArchiveName(e.Name, e.Vers) + ".sigstore.json"
	if err := store.Put(ctx, f.Name(), name, digest); err != nil {
		return nil, fmt.Errorf("storing the signature: %w", err)
	}
	return &index.Attestation{URL: store.URL(name, digest), SHA256: digest}, nil
}
