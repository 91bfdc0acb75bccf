// Package credential finds the token that a host wants, and adds it to requests
// to that host and to no other.
//
// # Hosts
//
// A credential belongs to a [Host]: the host of a URL in lower case, with its
// port unless that is the one of https. It is sent over https only, or over plain
// http to this machine itself. It has no meaning for a part of a host, so two
// tenants of one host share it.
//
// # Sources
//
// The first source that has a credential for a host decides:
//
//  1. the environment: CLYDE_TOKEN_ and the host, see [Variable];
//  2. what `clyde auth login` stored: in the keyring of the operating system, or,
//     where there is none, in the file. The file also says which hosts the keyring
//     has something for, so that no keyring is asked in vain, see [Stored];
//  3. a helper that is configured for the host, see [Helper];
//  4. netrc, which every program of the web reads, see [parseNetrc];
//  5. a helper that is configured for all hosts, once the host has answered 401.
//
// A source that cannot be read is an error only if it may have the host's
// credential. The file must not be readable by anybody else: what others read is
// no secret any more, and going on would hide that.
//
// # Requests
//
// [Transport] adds the header to a copy of the request, so that nothing that
// repeats, redirects or records requests has it. Every request is judged by its
// own URL; what a host redirects to gets nothing of that host's. What the header
// is follows from the credential: "Basic" where there is a user name, "Bearer"
// where there is none, the token as it is written where it begins with a scheme.
// If the host answers 401 and asks for another form, among them Cargo's, whose
// registries want the bare token, that is sent once.
//
// # Secrets
//
// A [Secret] prints as nothing that could be mistaken for it, in every way of
// printing; only Reveal gives it away. No error of this package quotes what a
// file, a helper or a variable holds.
package credential
