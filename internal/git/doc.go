// Package git reads and writes git repositories the way an index needs it:
// trees without a checkout, commits by path, and one reference moved by
// compare-and-swap. It is built on go-git and shares a repository safely with
// the git program running at the same time.
//
// # Reading
//
// [Repo.Tree] is a commit's tree as an [io/fs.FS]. Every entry reports its
// object ID, so that two trees are compared without reading what is equal, and
// its exact mode: 0644, 0755, [io/fs.ModeSymlink] (reading it gives the
// target) and [io/fs.ModeIrregular] for a submodule. A tree from outside is
// not trusted: an entry named "..", ".git" or with a NUL, an object or a
// folder beyond the limits of this package make the read fail with an
// [UnsafeError].
//
// # Writing
//
// [Repo.WriteCommit] writes loose objects, each synced to the disk before it
// gets its name, and only the folders on the way to a changed file. Nothing
// refers to a new commit until [Repo.CompareAndSwap] moves a reference to it.
// That follows the protocol of git itself: the file "<ref>.lock" is made
// exclusively, the value is read again under the lock, and a rename makes the
// new value visible. Hooks and reflogs are git's and are left to it.
//
// # Remotes
//
// A remote is a folder, a file:// URL, an https:// URL or an ssh address; see
// [CheckURL]. [Repo.Fetch] brings objects and reports the old and the new
// commit; whether the reference may move there is the caller's decision. A
// push never forces.
//
// [Upload] and [Pack] are for whoever needs the objects of a remote and no
// repository: a conversation with the remote, and the pack that it sends. An
// object of a pack gets its ID by its content, with a hash that notices
// collisions.
package git
