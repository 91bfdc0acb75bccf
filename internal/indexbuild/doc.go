// Package indexbuild makes an index out of a folder of package archives, with no
// network and nothing but what the archives say.
//
// # What is read
//
// Every regular file below the folder whose name ends in ".tar.gz" or ".tgz" is
// taken for an archive, but those below names that begin with a dot, and the
// index itself where it lies in the folder. Archives are read side by side by the
// rules of extraction, so one that would not install is not listed either. An
// archive says who it is by the manifest inside it; its file's name decides
// nothing but which archive of a version is the build for a platform.
//
// # What is written
//
// A line comes from the manifest by the derivation that publishing uses, and is
// judged by the rules for lines that are published. Its time of publishing is the
// newest modification time that the archive records of its files. Archives that
// Pack made record none; their lines have no time. No clock gets into the bytes:
// building again from the same archives gives the same files. New lines are
// appended in the order of versions, and lines that are there stay as they are.
//
// The index is a bare git repository, which moves by one commit and one
// compare-and-swap, or a plain folder, which is written file by file under a
// lock, each file complete or not at all.
//
// # Dependencies
//
// A dependency that names no registry is on the index itself when that, or the
// folder, has a package of the name; otherwise on the overlay, an upstream index
// whose address the line then has. An archive that cannot be read still claims its
// name, so that damage to a private package does not make a public one of the same
// name take its place.
//
// # Problems
//
// A problem keeps one archive, or one line, out and is reported under a stable
// rule; everything else is taken. When an archive and the index disagree, the line
// stays and the problem says how: other bytes, other members, or no archive where
// the line says one is.
//
// # Building again
//
// A record of what was read, outside the index, has the size, modification time
// and digest of each sound archive, and its manifest. An archive with the same size
// and time is not read again, unless it changed so shortly before the run that
// recorded it that the time cannot tell. Losing the record costs time and nothing
// else.
package indexbuild
