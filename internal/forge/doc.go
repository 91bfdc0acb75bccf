// Package forge holds what the adapters for hosts of git repositories have in
// common: the words for pull requests and what they propose, the kinds of
// failure, and the patience with which a host is spoken to.
//
// A forge is a host that takes changes as pull requests, such as GitHub, Gitea
// or Forgejo. Package publish says what it needs of one; the adapters beside
// this package provide it in these words and know nothing of packages.
//
// # Patience
//
// [Transport] carries requests to a host's API. It answers what every caller
// would have to answer otherwise:
//
//   - a rate limit, primary or secondary, is waited for: as long as Retry-After
//     says, until the reset that the host names, or a minute and then twice as
//     long each time, up to a total of [Transport.Patience];
//   - a failure of the server or of the connection is followed by the same
//     request again, when repeating it does no harm: it only reads, or its
//     context was marked by [Repeatable];
//   - everything else is given back. A write that may have been carried out is
//     looked up by [Once] before it is made again.
//
// # Tokens
//
// The transport adds the token to requests for the hosts it was made for and
// to no others, redirects included, and blots it out of every response. It is
// in no URL and in no error.
package forge
