// Package indexcache keeps one commit of an index in one file that is read at
// offsets: opening it reads a few hundred bytes, and looking a package up reads
// a few kilobytes, whatever the size of the index.
//
// # File, format version 3
//
// Numbers in the header are big-endian and of fixed size; elsewhere they are
// unsigned varints. Checksums are CRC-32C. The file is
//
//	header       256 bytes; see below
//	heap         frames and records, in any order
//	directory    blocks of up to 64 entries, sorted by path, then nodes
//	names        one summary for each package, in the order of their paths
//	past         how the commits that were shown before differed, newest first
//	commit       the commit as git keeps it
//
// The header has the magic "clydeidx", the format version, its own checksum,
// the ID of the commit and of its tree, the end of the heap, counts, place and
// checksum of the root of the directory and of the last three parts, and how many
// levels of nodes the directory has.
//
// The directory is a B-tree. A node has up to 128 fences: the first path, place and
// checksum of each block, or node of the level below. A node lies behind what it
// refers to, and begins with the path that the one above says; the root is the last
// of all. Looking a path up reads the root, a node of each level below it, and one
// block: two nodes for up to a million files, each of them 3 to 5 kB.
//
// An entry is a file of the commit: its path, mode and object ID, and where its
// content lies: a frame is one zstd frame over the contents of several files,
// about 128 kB of them; config.json has one of its own. The entry of a package's file also has the place of a
// record: what resolving needs of its lines, parsed already; see [File.Entries].
// Every frame, record and block has a checksum in what refers to it, and a
// content is held against its object ID as well, so that no damage is taken for
// data. A reader is given [ErrDamaged] and has the file made again.
//
// From paths, modes and IDs alone the IDs of all folders follow, up to that of
// the commit's tree, which proves that nothing was left out, added or exchanged:
// [File.Prove]. A file is written only after that.
//
// # Writing
//
// A file is never changed. A new state is a new file: [Update] takes the heap
// over as it is, adds what is new, and writes directory and names again; the parts
// of the heap that nothing refers to any more are left behind when they become
// many. The last commits that were shown stay readable: a lock may
// name one of them; see [File.FSAt]. Whoever reads the old file may go on doing so.
//
// # Limits
//
// A content has at most [index.MaxFileSize] bytes. A hostile file costs its
// reader no more memory than a few times that.
//
// # Changes
//
// Version 2 had one list of the fences of all blocks, which every look-up read.
//
// This package does no network and knows of git nothing but object IDs.
package indexcache
