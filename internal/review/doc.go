// Package review judges a change of an index: may the head tree follow the
// base tree?
//
// It is the one judge. A publisher's dry run, a laptop and the index's own
// checks call [Judge] and get the same [Report], byte for byte, because a
// report depends on nothing but the two trees and the clock. Nothing is
// fetched, no process is started, and nothing is written.
//
// # Who decides
//
// The [Policy] is read from the base tree, which was reviewed before, and never
// from the head: a change cannot loosen the rules that it is judged by. A
// policy may turn some rules into warnings or off; the rules that keep the
// format intact are fixed. A change that this package cannot classify, and a
// tree that cannot be read within bounds, fail.
//
// # Findings
//
// Every rule has a stable ID such as "delta/append-only". docs/review-rules.md
// lists them all with their reasons. A report holds one [Finding] for each
// rule that passed or was skipped, and one for each violation. The verdict is
// "fail" when a finding is; a verdict of "pass" still names a person as the
// one who approves where the policy wants one.
//
// Text in findings may come from whoever proposed the change. Package report
// escapes it, as each form of a report needs it.
package review
