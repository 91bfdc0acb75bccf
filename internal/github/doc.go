// Package github proposes changes to an index on GitHub, or on GitHub
// Enterprise. It is the adapter between the words of package forge and GitHub's
// REST API.
//
// # No clone
//
// An index is read and written through the git data API. [Index.Head] asks for
// the default branch and for its whole tree, names and object IDs only, in one
// call; files are fetched when they are read. [Index.Write] makes a tree on top
// of that of the index, with the new text inline, then a commit, then the
// branch: three calls, and any number of files of the index that it does not
// touch stay where they are. A tree that GitHub cuts short because it is too
// large is completed folder by folder, as it is read.
//
// # Where the branch goes
//
// To the index's own repository where the token may push, and to a fork of the
// token's owner otherwise. GitHub does not tell what an app's token may do, the
// one of a workflow included, so there the answer to the first write does. A
// fork shares its objects with the index: nothing is copied or brought up to
// date, and the branch starts at the index's head. Where no pull request may be
// opened, [*forge.CompareError] has the page on which a person can.
//
// # Repeating
//
// Trees, commits and forks are made again without harm. A branch, a pull
// request and a comment are looked up first when it is not known
// whether they were made. GraphQL is used for auto-merge alone, which REST does
// not have.
package github
