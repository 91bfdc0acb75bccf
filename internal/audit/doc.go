// Package audit checks published versions against the world again.
//
// What an index says of a version was true when it was reviewed. Afterwards an
// archive can be replaced, a tag moved, a release or a repository deleted, and
// the name of an account taken over. The lines of an index make each of these
// visible, and an audit looks: it gathers the same evidence as a review does,
// and compares. It only reports. It never changes an index, for what is right
// is for people to find out.
//
// # Findings
//
// Each accident has an ID of its own, see [Checks]. What could not be had for a
// reason that passes, such as a host that does not answer, is a finding of
// status "skip": nothing is known then, and nothing is accused.
//
// # Samples
//
// A whole index takes long, so an audit may look at some of it. Which lines
// those are follows from a seed alone: lines are ordered by the digest of the
// seed, the name and the version. The same seed gives the same order in every
// run and on every machine, so a run can be repeated, and the next one can go
// on where it ended.
package audit
