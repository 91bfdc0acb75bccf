// Package publish plans changes of an index and applies them.
//
// # Plan, then apply
//
// Every change is first a [Plan], made by [NewPackagePlan], [NewYankPlan],
// [NewRetirePlan], [NewOwnersPlan] or [NewTrustPlan]: the facts of the archive, the exact lines, the difference of
// the index, the commit message, and the judgement of package review on the tree
// as it is and as it would be. Making a plan writes nothing but a temporary
// file; [Plan.Render] and [Plan.JSON] show it, which is what a dry run does.
//
// [Plan.Apply] carries a plan out in this order:
//
//  1. the archive is stored under its digest, complete or not at all;
//  2. the change is written at the destination, where nothing refers to it yet;
//  3. the index moves to the change, if it still is what the plan was made for.
//
// When the index has moved in between, the plan is made again from its new state
// and judged again, and 2 and 3 are repeated, up to [MaxAttempts] times with
// growing random pauses. Texts are never merged: what is appended or changed is
// always a line, in the file as it is now. A crash leaves at most an archive that
// no line names, a temporary file beside it whose name starts with a dot, and
// objects that no reference leads to. Running again succeeds and uses what is
// whole.
//
// # Applying twice
//
// A plan knows when there is nothing to do: the same bytes are published
// already, or the version already has the status asked for. [Plan.Done] tells,
// and Apply changes nothing. Two lines are the same when they are equal but for
// the time of publishing, the place of the archive and the status. A published
// version with other bytes, or that differs in build metadata only, is a
// [*ConflictError].
//
// # Where a change goes
//
// A [Destination] is an index that can be read, and moved by compare-and-swap.
// [Local] is a bare git repository on this machine. Archives go to a
// [FileStore], a folder with one sub-folder for each digest:
//
//	<folder>/<sha256>/<name>-<version>.tar.gz
//
// which any web server can serve. The line has the URL of the archive: under
// the base URL that was given, or else a file:// URL.
//
// A package with artifacts has one archive more for each platform that has any:
// all files of the package, and that platform's artifacts, whether git ignores
// them or not. The package's own archive has no artifacts. The line names these
// builds, and a client takes the one for its platform, or else the package's own.
//
// # Pull requests
//
// A [Forge] is an index at a host that takes changes as pull requests. Apply then
// brings about that one open pull request proposes the plan, and nothing more:
//
//  1. it looks for the open pull requests on the plan's branch, whose name
//     [Plan.Branch] derives from the kind of change, the package and the version;
//  2. where one is open, its file decides what is free to choose, such as the
//     time of publishing, so that the same bytes give the same line;
//  3. the line is signed, and the archives are stored;
//  4. the branch becomes one commit on the index's head, unless it has the file
//     already;
//  5. the pull request is opened, or given the text of the plan, or left alone;
//  6. those of the same person for the same change, from other repositories, are
//     closed with a link.
//
// When the index moved while the pull request was opened, all of this starts
// again from its new state, as it does when the command is run again. A plan that
// has nothing to change closes the pull request that is still open for it.
// [Plan.PullText] is a function of the plan alone.
//
// # Status
//
// Yanking is reversible: a yanked version is skipped by requirements, and a lock
// that has it still installs. Retiring gives a reason and a message that are
// shown wherever the version is used; it still installs. Both change one member
// of published lines and nothing else.
//
// # Owners
//
// A change of a package's owners edits the file owners/<path>.yaml in place:
// comments, order and blank lines stay. Changes of different reviewers or
// publishers are different pull requests; a change and its undoing are one. Handing
// a package over ends the right of those who publish it at the time of the plan, so
// that what they signed stays valid, and is of a kind of its own.
package publish
