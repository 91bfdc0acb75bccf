// Package resolve chooses the version of every package that a project needs,
// from the metadata of an index alone, and explains itself when it cannot.
//
// # What a solution is
//
// A solution holds exactly one version of each package name, also when several
// registries offer the name; of a registry that allows it (see [Coexister]),
// one of each class of compatible versions, as Cargo sees them: 1.2 and 1.3 are
// compatible, 1.2 and 2.0 are not, nor are 0.2 and 0.3. It is such that
//
//   - every requirement of the root and of every selected version is met by
//     the selected version of the package it names, in the registry it names;
//   - every feature that is asked for exists on the selected version;
//   - nothing is selected that is not needed.
//
// All dependencies of one version on one package by the same requirement are met
// by the same version. It covers all platforms at once: a dependency for one platform is resolved
// like any other, and its target is kept on the edge for whoever installs.
// Development dependencies count for the root only. Cycles are allowed here;
// [Solution.InstallOrder] names them.
//
// # Candidates
//
// Requirements match as [index.Requirement] says, so a prerelease is a candidate
// only where a requirement names a prerelease of the same release. A yanked
// version is no candidate unless the lock already holds it and it is not to be
// updated. A version is unusable if it needs a package that its registry does
// not have, or has a requirement that cannot be read. Two packages, and two
// versions of a package, that link the same native library exclude each other.
//
// # Features
//
// Features follow Cargo. The features of a version unite over all who ask.
// "default" exists on every version. An optional dependency is a feature of its
// own name unless some feature mentions it as "dep:name". A feature may enable
// a feature ("x"), an optional dependency ("dep:x"), a feature of a dependency
// ("x/feat", which turns an optional dependency on), or a feature of a
// dependency if something else turns that on ("x?/feat").
//
// # Preference
//
// Without a lock, packages are decided with the fewest candidates first, each at
// its newest possible version; of classes side by side, a requirement gets the
// newest that has a possible version. With a lock nothing moves unless it must: the
// set of locked packages that change is minimal, in that no solution changes
// only a part of it. Packages to be updated are exempt; they take the newest
// version that their locked dependants admit, and may push their own
// dependencies along. The result depends on the input alone, never on the order
// in which a [Source] lists versions.
//
// # Method
//
// The algorithm is PubGrub
// (https://github.com/dart-lang/pub/blob/master/doc/solver.md): unit
// propagation over incompatibilities, and on a conflict the derivation of a new
// incompatibility that says why. Every variable has a state "not selected"
// beside its versions, so a term is a set of states; see set.go. A feature of a
// package is a variable of two states, and what a version needs under a feature
// is an incompatibility of three terms. A dependency is stated once for all
// versions of the dependant that share it. Classes of versions that may be
// selected side by side are variables of their own; a dependant whose
// requirement admits several has one more variable, which says what it gets.
//
// # Explanations
//
// A [*Conflict] holds the proof that there is no solution. Its explanation
// reads from facts to conclusion, each line a step; steps used more than once
// are numbered. Ranges are written against the versions that exist.
//
// This package does no I/O: all it knows comes through [Source].
package resolve
