// Package index reads and writes the clyde index format, versions 1 and 2.
//
// An index is a directory tree, normally a git checkout. It has one file per
// package, and each file has one line per published version, in the order in
// which the versions were published. A line is a JSON object; see [Entry].
// Lines are only ever appended. The only members of a line that may change
// afterwards are "yanked" and "retired".
//
// # Paths
//
// A package is stored under its lower-case name: "1/a", "2/ab", "3/a/abc", and
// "he/ll/hello" for four letters or more. A scoped package "scope/name" is
// stored at "scope/name.json". See [Path].
//
// # Lines
//
// A line is a superset of Cargo's: cargo itself reads it. Members are written
// in the order of the fields of [Entry], without spaces, with the shortest
// string escapes, and left out when they are empty, except for the six which
// Cargo demands (name, vers, deps, cksum, features, yanked). Equal entries are
// therefore equal bytes; see [Entry.AppendLine].
//
// # Versions and requirements
//
// Versions are SemVer 2.0.0. Requirements are Cargo's, with the rules of Rust's
// semver crate for prereleases. Two versions that differ in build metadata only
// are the same version and cannot both be published.
//
// # Compatibility
//
// A reader skips a line whose "v" is greater than [MaxVersion] and keeps members
// that it does not know: they survive being read and written again. A published
// line is held to more than a line that is read; see [CheckLine].
//
// # Deltas
//
// [Changes] compares two trees and [Classify] says what the difference means.
// Anything that is not one of the few allowed changes is a [Violation].
//
// The normative text for other implementations is docs/format.md, and
// testdata/vectors holds examples that they can run.
//
// This package does no I/O beyond [io/fs] and knows nothing of git, networks or
// who may publish.
package index
