// Package harvest collects the lines that releases carry, so that a publisher
// needs no right and no secret on the side of the index.
//
// # Where it looks
//
// [Sources] are the repositories that the index itself names: the publishers in
// owners/ of the packages that are there, and those in sources/ of the packages
// that are registered and have no version yet. A repository that several packages
// name is asked once. A line is taken only for a package that names the
// repository it was found in; what it says is judged like any proposed change,
// by the pull request that it becomes.
//
// # Asking little
//
// A repository is asked for its releases with the tag of the answer before, so
// that nothing is sent, and nothing counts against a limit, when nothing changed.
// Where a host knows no such tags, one is made of what the releases carry.
// A carried line that was dealt with is not read again. Every request counts
// towards a budget; when that is spent the rest is left for the next time, which
// begins with what was asked the longest ago.
//
// # State
//
// What was asked when is a [State], a file outside the index, written after each
// repository. It is a cache: what happens without it is that everything is asked
// again, and the same pull requests are found to be there. So it does not belong
// into the index, where every run would be a commit, and a run that is killed
// loses at most the repository that it was at.
//
// # Failures
//
// What goes wrong with one repository, or one line, is a [Result], and does not
// stop the others.
package harvest
