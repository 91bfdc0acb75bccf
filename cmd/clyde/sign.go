package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/publish"
)

// lineSigner signs lines: what is published and, in a workflow, how it was built.
// The bundles go to the store, beside the archive.
type lineSigner struct {
	signer   *attest.Signer
	store    publish.Store
	registry func(context.Context) (string, error) // name of the registry to sign for
	run      attest.Run                            // says nothing outside of a workflow
	now      func() time.Time
	// acceptance is what the registry holds the signatures of a package against,
	// nil where that is not known.
	acceptance func(ctx context.Context, name string) (*acceptance, error)
}

// sign signs a line and says where the bundles are.
func (s *lineSigner) sign(ctx context.Context, e *index.Entry) (*index.Attestation, error) {
	registry, err := s.registry(ctx)
	if err != nil {
		return nil, err
	}
	statement, err := attest.NewStatement(e, registry)
	if err != nil {
		return nil, err
	}
	bundle, err := s.signer.Sign(ctx, statement)
	if err != nil {
		return nil, err
	}
	provenance, err := s.provenance(ctx, e, bundle)
	if err != nil {
		return nil, err
	}
	if err := s.accept(ctx, e, bundle, provenance); err != nil {
		return nil, err
	}
	att, err := s.keep(ctx, index.ArchiveName(e.Name, e.Vers)+".sigstore.json", bundle)
	if err != nil || provenance == nil {
		return att, err
	}
	att.Provenance, err = s.keep(ctx, index.ArchiveName(e.Name, e.Vers)+".provenance.sigstore.json", provenance)
	return att, err
}

// provenance says how the archive of a line was built, nil outside of a workflow.
func (s *lineSigner) provenance(ctx context.Context, e *index.Entry, bundle []byte) ([]byte, error) {
	if len(s.run.Missing()) > 0 {
		return nil, nil
	}
	run := s.run
	run.Builder, run.Finished = attest.BuilderOf(bundle), s.now()
	statement, err := attest.NewProvenance(e, run)
	if err != nil {
		return nil, err
	}
	return s.signer.Sign(ctx, statement)
}

// keep stores a bundle and says where it is.
func (s *lineSigner) keep(ctx context.Context, name string, bundle []byte) (_ *index.Attestation, err error) {
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
	if err := s.store.Put(ctx, f.Name(), name, digest); err != nil {
		return nil, fmt.Errorf("storing the signature: %w", err)
	}
	return &index.Attestation{URL: s.store.URL(name, digest), SHA256: digest}, nil
}

// workflowRun is the run of a workflow that this process is a step of. Outside of
// one it has nothing to tell of.
func (a *app) workflowRun() attest.Run {
	run := attest.RunFromEnv(a.Getenv)
	run.Started = a.Now()
	return run
}

// signWith loads the signing key that a flag names, a file or the URI of a key
// management service, and returns what signs a line for the index at a place.
func (a *app) signWith(ctx context.Context, key string, p *place, store publish.Store) (func(context.Context, *index.Entry) (*index.Attestation, error), error) {
	config, err := p.config(ctx)
	if err != nil {
		return nil, err
	}
	registry := config.Clyde.Name
	if err := checkRegistryName(registry); err != nil {
		return nil, err
	}
	services, err := a.evidenceServices()
	if err != nil {
		return nil, err
	}
	s := &lineSigner{
		store: store, run: a.workflowRun(), now: a.Now,
		registry: func(context.Context) (string, error) { return registry, nil },
		acceptance: func(ctx context.Context, name string) (*acceptance, error) {
			state, err := p.target.Head(ctx)
			if err != nil {
				return nil, err
			}
			return readAcceptance(state.Tree, name)
		},
	}
	if s.signer, err = a.keySigner(ctx, key, services); err != nil {
		return nil, err
	}
	return s.sign, nil
}

// keySigner is the signer of a key, a file or the URI of a key management
// service.
func (a *app) keySigner(ctx context.Context, key string, services attest.Services) (*attest.Signer, error) {
	if isKeyURI(key) {
		return attest.WithKMS(ctx, key, services, a.HTTP.Transport)
	}
	data, err := a.readKey(key)
	if err != nil {
		return nil, err
	}
	password, err := a.passwordFor(data)
	if err != nil {
		return nil, err
	}
	signer, err := attest.WithKey(data, password, services, a.HTTP.Transport)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return signer, nil
}

// isKeyURI reports whether a key is one of a key management service.
func isKeyURI(key string) bool {
	return strings.Contains(key, "://") && !strings.ContainsAny(key, "\r\n")
}

// checkRegistryName reports why no signature can be for a registry of this name.
func checkRegistryName(name string) error {
	switch name {
	case "":
		return withHint(exitRefused, errors.New("the index has no name, and a signature is for a registry by its name"), "give it one under clyde.name in its "+index.ConfigPath)
	case attest.AnyRegistry:
		return withHint(exitRefused, fmt.Errorf("the index calls itself %q, which stands for any registry", name), "give it a name of its own under clyde.name in its "+index.ConfigPath)
	}
	return nil
}

// signingServices are those of the public-good Sigstore or, when
// CLYDE_FULCIO_URL is set, of another.
func (a *app) signingServices() (attest.Services, error) {
	if a.Getenv("CLYDE_FULCIO_URL") == "" {
		return attest.PublicGoodServices(), nil
	}
	services, err := a.evidenceServices()
	services.Fulcio = a.Getenv("CLYDE_FULCIO_URL")
	return services, err
}

// evidenceServices are the log and the timestamp authority that the variables
// CLYDE_REKOR_URL, CLYDE_REKOR_VERSION and CLYDE_TSA_URL name; a key signs
// without them, too.
func (a *app) evidenceServices() (attest.Services, error) {
	services := attest.Services{Rekor: a.Getenv("CLYDE_REKOR_URL"), TimestampService: a.Getenv("CLYDE_TSA_URL")}
	if version := a.Getenv("CLYDE_REKOR_VERSION"); version != "" {
		n, err := strconv.ParseUint(version, 10, 32)
		if err != nil || n != 1 && n != 2 {
			return services, usagef("CLYDE_REKOR_VERSION is %q, and not 1 or 2", version)
		}
		services.RekorVersion = uint32(n)
	}
	return services, nil
}
