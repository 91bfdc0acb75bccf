// Package foreign turns packages that were made for other package managers into
// archives of clyde.
//
// The files of a foreign archive are packed again, reproducibly, together with a
// manifest that is made of what the archive says about itself. Equal foreign
// archives give equal archives. Nothing in an archive is run.
//
// Three kinds are known, told by what is in the file: Debian binary packages, the
// tarballs of npm, and plain tarballs with a manifest beside them, in a file that
// has the archive's name and ".yaml" behind it. An archive that has a manifest of
// clyde's inside is taken as it is.
//
// # Notes and refusals
//
// What a foreign package says and clyde cannot express is a [Note] when a narrower
// or poorer package is still right, and a refusal, an *Error, when it would be
// wrong. Nothing that decides what gets installed is left out without a word.
//
// # Names
//
// npm's "@scope/name" is "scope/name". A "." among the first four characters of a
// plain name becomes "-", as the format wants it, and so does one that stands
// before another. Debian's "+" becomes "-plus", with "-" before what follows: "libstdc++6"
// is "libstdc-plus-plus-6". Of a part with more than 64 characters the first 55 stay,
// followed by "-" and the first 8 hex digits of its SHA-256.
//
// # Versions
//
// npm's versions are SemVer. A Debian version [epoch:]upstream[-revision] becomes
// MAJOR.MINOR.PATCH of the numbers that upstream begins with, missing ones 0;
// "~" and what follows it in upstream becomes a prerelease; all the rest, and the
// revision, becomes build metadata, which does not tell versions apart. An epoch
// adds 1000000 times itself to MAJOR, which keeps the order.
//
// # Requirements
//
// npm's ranges are sets of intervals, and so are requirements but for having one
// interval only. Ranges that are one interval keep their meaning to the letter.
// Of several, joined by "||", neighbours that touch are one; of those that remain
// the highest is taken, with a note: every version it permits is one the author
// permits. Tags other than "latest" and addresses are refused.
//
// Debian's relations become the requirement on the mapped version; of alternatives
// the first is taken, with a note. A dependency on a package that is not among
// those that are imported becomes an external one, "apt:NAME".
//
// # Dependencies
//
// Of npm: "dependencies" and "peerDependencies" are needed, which is right where
// one version of each is installed; "optionalDependencies" and peers marked as
// optional are optional; bundled ones are in the archive; "devDependencies" are for
// the developers of the package only and are not taken. Of Debian: "Depends" and
// "Pre-Depends" are needed; "Recommends" and "Suggests" are not taken.
package foreign
