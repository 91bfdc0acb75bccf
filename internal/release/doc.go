// Package release keeps what a package publishes with a release on GitHub: its
// archives, their signatures, and the line for the index.
//
// # Assets
//
// An asset is put where it will be found under the release's tag, also while the
// release is a draft. Putting the same bytes again changes nothing, other bytes
// replace it, and one whose upload broke off is made anew. What GitHub calls an
// immutable release takes nothing any more once it is published: that is an
// [*ImmutableError].
//
// # A line waits on a release
//
// Where nobody may open a pull request, the release itself carries the proposal
// until an index collects it: [Carrier] is a forge, in the words of package
// forge, whose only branch is an asset with the line. The line is put last, so
// that all it names is there when it is, and a draft is published after that. A
// line that stands on a published release is never replaced by one for other
// bytes, because an index may have it already.
//
// Source: GitHub's documentation, "REST API endpoints for releases", "for release
// assets" and "for Git references".
package release
