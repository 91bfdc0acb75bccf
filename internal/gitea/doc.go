// Package gitea proposes changes to an index on Gitea or Forgejo. It is the
// adapter between the words of package forge and these hosts, which have no API
// for writing git objects: branches are pushed, and the API is asked about
// repositories and pull requests only.
//
// The index is fetched into a temporary repository, its newest commit alone
// where the token may push to it. Where it may not, a fork of the token's owner
// gets the branch; since that fork may be behind, the whole history is fetched
// then. A branch is forced only from the commit that the host said it was at.
//
// An [Origin] is a repository that packages come from: what the host says about
// it, its tags and releases, and the lines that these carry for an index to
// collect.
//
// Pull requests, comments and forks are looked up before they are made again
// when it is not known whether they were made.
package gitea
