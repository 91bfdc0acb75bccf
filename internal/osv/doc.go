// Package osv reads reports of vulnerabilities in the OSV format
// (https://ossf.github.io/osv-schema/, version 1) and says which of them are
// about given versions of clyde packages.
//
// # Which package is meant
//
// An entry of "affected" is about a clyde package when
//
//   - its ecosystem is "clyde" and its name that of the package, in whatever
//     registry; or
//   - its ecosystem is "clyde:URL" and URL the address of the package's registry,
//     as the ecosystem of a distribution has its release behind a colon; or
//   - its purl is pkg:clyde/NAME, and the qualifier repository_url, if there is
//     one, the address of the package's registry.
//
// Names are compared as the index does: without case, '-', '_' and '.' alike.
//
// # Which versions are affected
//
// Those listed in "versions", and those of the ranges of the type SEMVER or
// ECOSYSTEM, which are both SemVer 2.0.0 here: walked in the order of versions,
// "introduced" begins, "fixed" ends and "last_affected" ends after that version;
// "limit" bounds the walk. "introduced": "0" is before every version. Ranges of
// commits (GIT) say nothing about versions and are passed over.
//
// Records that were withdrawn are passed over. Fields that are not known are
// ignored; the records come from strangers and are bounded.
package osv
