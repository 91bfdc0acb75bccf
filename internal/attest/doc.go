// Package attest signs what a package publishes and verifies it again, offline.
//
// # What is signed
//
// An attestation is a Sigstore bundle (v0.3) around one in-toto statement:
//
//	_type          https://in-toto.io/Statement/v1
//	subject        exactly one: the archive, by file name and SHA-256
//	predicateType  [PredicateType]
//	predicate      {purl, name, version, registry, entryDigest}
//
// purl is the package URL pkg:clyde/[scope/]name@version. entryDigest is the
// digest of the index line as it is published; see [EntryDigest]. A statement
// therefore binds the bytes of the archive to the very line that a registry
// shows for them: neither can be moved to another version or another name. Nor
// can they be moved to another registry, unless whoever signed left the choice
// open; see [AnyRegistry].
//
// # Who signed
//
// Whoever signs in a workflow gets a certificate that says which repository,
// commit, ref and workflow ran. What these must be is an [Identity]; it comes
// from the owners file of the index and never from the bundle. A closed network
// may sign with a key instead; then the key is the identity.
//
// A version's tag must be one of [DefaultTags], or match a pattern of the owners
// file, and be the ref from which the line says it was built.
//
// # Whom to trust
//
// A [Profile] is one set of authorities: the public-good Sigstore, GitHub's for
// private repositories, or the registry's own under trust/ in its index. A
// profile also says which evidence a signature must carry: an entry in a
// transparency log, a signed timestamp, a signed certificate timestamp.
// Profiles are separate verifiers, never a union: a signature that is good
// under one says nothing under another.
//
// # Checks
//
// [Profile.Verify] makes every check and reports each under a stable id
// ("identity/repository-id"); see [Checks]. A check that rests on one that failed
// is skipped. One failed check is enough to reject.
//
// # Provenance
//
// A second bundle may say how the archive was built: a statement with the same
// subject and SLSA's provenance, version 1, as its predicate; see
// [NewProvenance]. It is for people and other tools: what clyde accepts follows
// from the first bundle alone.
//
// Sources: Sigstore bundle format v0.3, in-toto attestation framework v1,
// Fulcio's certificate extensions (OID 1.3.6.1.4.1.57264.1).
package attest
