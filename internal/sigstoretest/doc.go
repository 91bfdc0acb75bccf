// Package sigstoretest runs a real Sigstore for tests, on this machine alone:
//
//   - Fulcio, which issues certificates for identity tokens,
//   - Rekor (version 2, tiles in files), the transparency log,
//   - the timestamp authority (RFC 3161).
//
// They are the programs that run the public-good Sigstore, built from their own
// modules and found in the folder that CLYDE_TEST_SIGSTORE names. What they
// need around them is here: an issuer of GitHub Actions' identity tokens, a
// certificate transparency log that signs and forgets (RFC 6962), certificate
// authorities that live as long as a test, and the trusted root that names all
// of them.
//
// A test that calls [Start] is skipped where CLYDE_TEST_SIGSTORE is not set and
// fails instead where CLYDE_TEST_REQUIRE=1 says that nothing may be skipped.
//
// # Tokens
//
// A token says what GitHub's would: see [Claims]. Its issuer has GitHub's own
// name, https://token.actions.githubusercontent.com, since that is what
// certificates and owners files carry; Fulcio, and nobody else, is made to
// look for it on this machine. A workflow gets its token as on GitHub, from
// ACTIONS_ID_TOKEN_REQUEST_URL; see [Stack.TokenRequestEnv].
//
// # One at a time
//
// The timestamp authority insists on port 2112, so there is one stack on a
// machine: Start waits until another test, also of another package, has
// stopped its own.
//
// No program code imports this package.
package sigstoretest
