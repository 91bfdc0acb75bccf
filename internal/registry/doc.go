// Package registry does what those who keep an index do: make one, look at it,
// lint the whole of it, take over packages from another, and write it out as
// plain files for a web server.
//
// An index is a git repository, bare or with a worktree, whose committed tree
// is what counts, or for reading a plain folder; see [OpenSource]. Whatever
// changes an index goes through one commit and one compare-and-swap on its
// branch, and is derived anew when another change came first.
package registry
