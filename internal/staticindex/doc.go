// Package staticindex is what a static export of an index has beside the files
// of Cargo's sparse protocol: files that let a client follow the index with one
// small request, see that nothing is held back, and begin with one download.
//
// A server needs no program for it. All files lie in the root folder, where no
// package can be:
//
//	changes.jsonl          the head and the change log
//	names.jsonl            one summary a line for each package, sorted by path
//	packed-v3-DIGEST.index all files of the commit, see internal/indexcache; the
//	                       digest is the SHA-256 of the file, in hex
//
// Every file but the packed one also has its gzip form beside it, with ".gz" at
// the end of its name, for servers that send such a file as it is.
//
// # Head
//
// The first line of changes.jsonl is an envelope around a statement in JSON,
// [Head]: the name of the registry, the commit, the time, until when the
// statement holds, and what the packed file is. A signature is by a key under
// trust/index, in the encoding of DSSE version 1 with [PayloadType]. Without a
// key there is no expiry, and the time is that of the commit: then equal indexes
// give equal files.
//
// A git repository has the same envelope, without packed files, as the message of
// an annotated tag at [HeadRef]: it is fetched together with the branch and renewed
// without a commit.
//
// # Change log
//
// Each further line is a commit, the head first and then the first parent of the
// line before. It has the commit as git keeps it, whose SHA-1 is its ID: the
// lines are a chain, so a client sees that the head descends from what it knew.
// "files" are the files that differ from the first parent, by path, with the ID
// of the blob, or null when the file is gone; before the ID stands the mode when
// it is not 100644. "blobs" has the contents of those that are no files of
// packages, by ID, in base64. A commit that is too large to be told has no
// "files", and so has one without a parent; the log ends there. It also ends
// after [MaxCommits] commits and about [MaxLog] bytes.
//
// A client that knows a commit of the log gets the files of packages that
// changed since, and the ID of the whole tree proves that it missed none.
package staticindex
