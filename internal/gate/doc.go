// Package gate merges proposed changes into an index.
//
// # Two jobs
//
// Judging reads what strangers proposed and what they published, and needs no
// right to write. [Gate.JudgeAll] does it, and returns a [Verdict] for each open
// pull request: the report of package review, with what it is bound to. Merging
// needs the right to write, and reads the verdicts. [Gate.MergeAll] does it. A
// verdict is data and can go from one job to another as a file; see
// [FormatVerdicts]. [Gate.Drain] does both in turn, for whoever has no reason to
// part them.
//
// # Compare and swap
//
// A verdict holds for one head, one policy and one base. Merging compares all
// three again:
//
//   - the head of the pull request is the one that was judged;
//   - the [review.PolicyDigest] of the index is the one that was judged by;
//   - the index is at the commit that was judged on, or differs from it in files
//     that the verdict does not rest on: the scope of a verdict is a digest of the
//     package's lines, owners and registration. What rests on more, such as names
//     and dependencies, is judged once more, on the index as it is; that takes no
//     network.
//
// Then the host moves the index's branch from that very commit to the merged
// one. If anything moved in between, nothing happens, and the pull request is
// judged again.
//
// # No texts are merged
//
// A pull request says what it wants by the difference between the commit it was
// made on and its head. [Regenerate] says that again on the index as it is: the
// same lines appended, the same status set, by the code that publishing uses. So
// fifty pull requests that all append to one file follow each other, and none has
// to be rebased by anybody. What cannot be said again, because a file that is
// replaced as a whole was replaced meanwhile, is a [*ConflictError].
//
// # The queue
//
// JudgeAll takes the oldest pull request first and judges each on the index as
// it will be when those before it are merged. So one round merges all that can
// be, also of one package. What depends on something that turned out otherwise is
// stale, and the next round judges it again.
package gate
