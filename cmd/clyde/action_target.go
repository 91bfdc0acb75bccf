package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/action"
	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/github"
	"github.com/clydepm/clyde/internal/release"
	"github.com/clydepm/clyde/publish"
)

// planOptions say what is packed, where archives go, who signs, and where the
// line is proposed.
func (r *actionRun) planOptions(ctx context.Context) (publish.Options, error) {
	r.Dir = filepath.Join(r.at.Workspace, filepath.FromSlash(r.in.folder))
	source, err := r.source(ctx)
	if err != nil {
		return publish.Options{}, err
	}
	head, err := r.index()
	if err != nil {
		return publish.Options{}, err
	}
	opts := publish.Options{
		Target:    publish.Target{Author: r.author(), Now: r.Now},
		Dir:       r.Dir,
		Artifacts: r.in.artifacts,
		Source:    source,
		Registry:  func(alias string) (string, error) { return r.registryAddress(alias, &place{}, "") },
	}
	opts.Store = plannedStore{r.at, r.planTag()}
	r.carrier = &release.Carrier{Release: r.release, Asset: r.entryAsset(), Index: head.Head, Same: sameArchives}
	opts.Forge = r.carrier
	if r.release != nil {
		opts.Store = r.release
	}
	if r.in.indexToken != "" {
		opts.Forge = carriedForge{head.(publish.Forge), r.carrier}
	}
	opts.Sign, err = r.lineSigner(ctx, head)
	return opts, err
}

// planTag is the tag of the release or, on a dry run without one, the tag that a
// release would have.
func (r *actionRun) planTag() string {
	if r.tag != "" {
		return r.tag
	}
	return action.TagsFor(r.manifest.Name, r.manifest.Version)[0]
}

// entryAsset is the name of the asset that has the line.
func (r *actionRun) entryAsset() string {
	return strings.TrimSuffix(index.ArchiveName(r.manifest.Name, r.manifest.Version), ".tar.gz") + forge.EntrySuffix
}

// plannedStore says where archives would be, on a dry run without a release.
type plannedStore struct {
	at  action.Context
	tag string
}

func (s plannedStore) URL(name, _ string) string {
	return s.at.ServerURL + "/" + s.at.Repository + "/releases/download/" + s.tag + "/" + release.AssetName(name)
}

func (s plannedStore) Put(context.Context, string, string, string) error {
	return errors.New("there is no release to upload to")
}

// carriedForge is an index that gets a pull request after the release has all
// that the line names, the line itself included.
type carriedForge struct {
	publish.Forge
	carrier *release.Carrier
}

func (f carriedForge) Write(ctx context.Context, branch string, commit forge.Commit) (string, error) {
	if err := f.carrier.Replace(ctx, commit); err != nil {
		return "", err
	}
	return f.Forge.Write(ctx, branch, commit)
}

// indexHead is an index that can be read.
type indexHead interface {
	Head(ctx context.Context) (publish.State, error)
}

// index returns the index that the line is made for. Without an index-token it is
// read with the repository's own token, and without an index it is an empty one.
func (r *actionRun) index() (indexHead, error) {
	if r.in.index == "" {
		return emptyIndex{}, nil
	}
	token := r.in.indexToken
	if token == "" {
		token = r.in.token
	}
	client, err := github.NewClient(github.Options{
		API: r.at.APIURL, GraphQL: r.Getenv("GITHUB_GRAPHQL_URL"), Web: r.at.ServerURL,
		Token: token, HTTP: r.transport(),
	})
	if err != nil {
		return nil, err
	}
	return client.Index(r.in.index)
}

// emptyIndex stands for an index that nobody named.
type emptyIndex struct{}

func (emptyIndex) Head(context.Context) (publish.State, error) {
	return publish.State{ID: "empty", Tree: publish.EmptyIndex()}, nil
}

// sameArchives reports whether two lines publish the same bytes.
func sameArchives(one, other []byte) bool {
	a, err := index.ParseLine(one)
	b, err2 := index.ParseLine(other)
	if err != nil || err2 != nil || a.Name != b.Name || a.Vers != b.Vers || a.Cksum != b.Cksum || len(a.Builds) != len(b.Builds) {
		return false
	}
	for i := range a.Builds {
		if a.Builds[i].Platform != b.Builds[i].Platform || a.Builds[i].Cksum != b.Builds[i].Cksum {
			return false
		}
	}
	return true
}

// source says what the archive is made from: the tag, and the commit that it
// names, which has to be the one that is checked out.
func (r *actionRun) source(ctx context.Context) (*index.Source, error) {
	source := &index.Source{
		Repository: r.at.ServerURL + "/" + r.at.Repository, RepositoryID: r.at.RepositoryID, OwnerID: r.at.OwnerID,
		Commit: r.at.Commit,
	}
	if r.tag == "" {
		return source, nil
	}
	source.Ref = "refs/tags/" + r.tag
	commit, object, err := r.releases.Tag(ctx, r.tag)
	if err != nil {
		return nil, err
	}
	checkedOut, err := r.checkedOut()
	if err != nil {
		return nil, err
	}
	if commit == "" { // a draft, whose tag is made when it is published
		commit = checkedOut
	}
	if commit != "" {
		source.Commit, source.TagObject = commit, object
	}
	if checkedOut != "" && checkedOut != source.Commit {
		return nil, withHint(exitRefused,
			fmt.Errorf("the checkout is of the commit %s, but the tag %s names %s", checkedOut, r.tag, source.Commit),
			"check out what is released: give actions/checkout 'ref: refs/tags/"+r.tag+"'")
	}
	return source, nil
}

// lineSigner returns what signs the line, nil when the job has neither key nor
// identity.
func (r *actionRun) lineSigner(ctx context.Context, head indexHead) (func(context.Context, *index.Entry) (*index.Attestation, error), error) {
	if r.release == nil {
		return nil, nil
	}
	signer, err := r.signer(ctx)
	if err != nil {
		return nil, err
	}
	if signer == nil {
		r.unsigned = true
		return nil, nil
	}
	s := &lineSigner{
		signer: signer, store: r.release, run: r.workflowRun(), now: r.Now,
		registry: func(ctx context.Context) (string, error) { return r.registryName(ctx, head) },
		acceptance: func(ctx context.Context, name string) (*acceptance, error) {
			if r.in.index == "" {
				return nil, nil // whichever collects it
			}
			state, err := head.Head(ctx)
			if err != nil {
				return nil, err
			}
			return readAcceptance(state.Tree, name)
		},
	}
	return s.sign, nil
}

// signer signs with the key of the inputs, or else with the identity of the job.
func (r *actionRun) signer(ctx context.Context) (*attest.Signer, error) {
	switch {
	case r.in.signKey != "":
		signer, err := r.keySigner(ctx)
		if err != nil {
			return nil, withHint(exitRefused, err, "the input sign-key is a key in PEM, as 'clyde key generate' makes it, or the URI of a key management service; sign-key-password is what it was encrypted with")
		}
		return signer, nil
	case !r.runner.HasIDToken():
		return nil, nil
	}
	services, err := r.signingServices()
	if err != nil {
		return nil, err
	}
	token := func(ctx context.Context) (string, error) { return r.runner.IDToken(ctx, "sigstore") }
	return attest.Keyless(services, token, r.transport())
}

// keySigner signs with the key of the inputs.
func (r *actionRun) keySigner(ctx context.Context) (*attest.Signer, error) {
	services, err := r.evidenceServices()
	if err != nil {
		return nil, err
	}
	if isKeyURI(r.in.signKey) {
		return attest.WithKMS(ctx, r.in.signKey, services, r.transport())
	}
	return attest.WithKey([]byte(r.in.signKey), []byte(r.in.signKeyPassword), services, r.transport())
}

// registryName is the name that the index gives itself. A release that no index
// was named for is signed for whichever collects it.
func (r *actionRun) registryName(ctx context.Context, head indexHead) (string, error) {
	if r.in.index == "" {
		return attest.AnyRegistry, nil
	}
	state, err := head.Head(ctx)
	if err != nil {
		return "", err
	}
	config, err := publish.ReadConfig(state.Tree)
	if err != nil {
		return "", err
	}
	return config.Clyde.Name, checkRegistryName(config.Clyde.Name)
}
