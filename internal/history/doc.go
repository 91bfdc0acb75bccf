// Package history says whether a new head of an index follows the commit that
// was known before.
//
// An index only grows: every head descends from the one before. A client that
// keeps the last commit it has verified can hold the next head against it, and
// does not have to trust whoever serves the repository. See [Follow].
//
// # What is allowed
//
//   - The head is the same, or descends from the known commit.
//   - The history was cut off, and that was declared: a squash. Its commit has
//     no parent, and has the files of the old head but for a record in
//     config.json, see [index.Squash]. The record names the old head and is
//     signed by a key that the old head has under trust/index. The old head is
//     kept on a branch, so that whoever knows an older commit can see that it
//     led there; squashes may follow each other.
//
// # What is not
//
// Everything else is an [*Error] of one of these classes:
//
//   - [ErrRewritten]: the head has nothing to do with the known commit;
//   - [ErrRolledBack]: the head is an older commit, or a squash leaves out what
//     was known already;
//   - [ErrForked]: both descend from a commit, and then went different ways;
//   - [ErrFrozen]: the head is as it was, for longer than the index says that
//     it ever is; see [CheckFresh];
//   - [ErrUnknown]: a lock names a commit that the registry does not have.
//
// A lock names the commit that it was made from. Held against a verified head in
// the same way, it shows whether whoever made the lock saw the same index.
//
// Of a shallow copy not every commit is at hand. What cannot be proved is
// refused: a head that may be older than where the copy begins is a rewritten
// history.
//
// Nothing is fetched here but through [Options], and nothing is written.
package history
