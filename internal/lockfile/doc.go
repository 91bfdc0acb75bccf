// Package lockfile reads and writes the lock of a project, format version 1.
//
// A lock, by convention .clyde/lock.jsonl, records what was resolved, so that
// the same bytes are installed everywhere. It is UTF-8 text with one JSON object
// in a line. The first line is the header; every other line is one package.
//
//	{"lock":1,"registries":[…],"dependencies":[…]}
//	{"name":"fmt","version":"10.2.1","registry":"main","cksum":"…","dl":"…"}
//
// # Header
//
//   - lock: the format version, 1.
//   - registries: the registries that packages come from, by the alias the
//     project knows them by: name, url, kind and, for a git registry, the commit
//     of the index that was resolved against; versions is "cargo" where
//     incompatible versions of a package may be locked side by side.
//   - dependencies: what the manifest asked for when the lock was made: name,
//     req, registry, package (if renamed), features, no_default_features,
//     optional, target, kind, version. With it, drift between manifest and lock is seen
//     without resolving; see [Lock.Drift].
//   - features: the manifest's own features, if any.
//
// # Package
//
//   - name, version, registry (an alias of the header);
//   - cksum: SHA-256 of the archive, 64 lower-case hex digits; dl: its URL;
//     size in bytes;
//   - builds: prebuilt archives: platform, dl, cksum, size;
//   - features that are on;
//   - dependencies that are active: name of the package (always another line of
//     the lock), req, target, kind ("build", absent for normal), optional, and
//     the version where more than one that is locked satisfies req;
//   - external: packages of other package managers;
//   - hooks: the programs that its index line says it runs: phase, run, timeout in
//     seconds, platforms.
//
// Empty members are absent. A lock covers every platform; [Lock.Select] picks
// what one platform needs.
//
// # Canonical form
//
// [Lock.Bytes] writes members in the order above without spaces, packages sorted
// by name and version, every list sorted, each line ended by one newline. Nothing depends on
// the time or the machine, so equal locks are equal bytes, and packages that two
// branches add merge line by line.
//
// # Reading
//
// [Parse] accepts any order of lines and members, and nothing that it does not
// know. It refuses a lock that contradicts itself, such as one that a text merge
// put together wrongly: every name must be locked once, or in versions that may
// stand side by side, every dependency must be
// a locked package whose version its requirement admits. It never repairs.
// A format version above [MaxVersion] is a [*NewerVersionError].
//
// # Changes
//
// Version 1 is the first. testdata keeps a lock of every released version.
package lockfile
