// Package archive writes and reads the archives of packages.
//
// # What an archive holds
//
// An archive is a gzip-compressed tar file named name-version.tar.gz with one
// folder, name-version/, that holds the files of the package; a scoped package
// scope/name has scope-name-version. [Folder] gives the folder's name. This is
// the shape that cargo's and HPM's extractors expect.
//
// [Pack] writes equal bytes for equal files, whatever the directory, clock,
// umask, locale, time zone, order of creation or operating system:
//
//   - members are regular files only, sorted by the bytes of their path; there
//     are no directory members, and so no empty directories;
//   - a link to a file inside the tree is packed as that file;
//   - every member has mode 0644 or 0755, user and group 0 without names, and
//     the modification time [ModTime], 1985-10-26T08:15:00Z (npm's choice: late
//     enough for ZIP and FAT in every time zone);
//   - a member is 0755 when the owner may execute the file. Windows keeps no
//     such bit; there a file is executable when it starts with "#!" or with the
//     magic number of an ELF or Mach-O file;
//   - headers are USTAR, or PAX with a path record alone when the path is not
//     ASCII or too long for USTAR;
//   - the gzip header has no name and no operating system, and always the same
//     time, of nothing; the compressor is one whose bytes never change
//     (internal/deflate).
//
// The test of a golden digest stands guard over all of this. Changing it is a
// change of the format.
//
// # What is selected
//
// [Select] walks the tree below a root. These are never packed: .git at any
// level, everything in the top .clyde folder but package.yaml and hooks/, the
// package's own archives in the top folder (name-VERSION.tar.gz), and archives
// that were never finished ([TempPattern]).
// .clyde/package.yaml is always packed and has to be there.
//
// Of the rest, a file is packed when it matches a pattern of Include or, with
// no Include, when the .gitignore files of the tree do not ignore it; and when
// it matches no pattern of Exclude. Include thus brings in files that git
// ignores, such as build results. Ignore files outside the tree and those
// of the user or the machine have no say, nor has the index of a git checkout.
//
// Include and Exclude are doublestar patterns relative to the root: "*" stays
// within a folder, "**" does not, {a,b} and [a-z] are known. A pattern that
// matches a folder covers all that is in it. A leading "./" or "/" and a
// trailing "/" mean nothing.
//
// # What is refused
//
// Select reports all refusals at once, each under a stable rule: links that
// leave the tree, dangle, or lead to a folder or to a file that is never packed;
// devices, pipes and sockets; paths that another operating system cannot hold
// (see below); files that look like secrets, unless AllowSecrets names them;
// and selections that are empty or past the limits.
//
// A path is portable when it is UTF-8, has no character that Windows refuses
// and no control or invisible character, no component that ends with a dot or
// a space or is a Windows device name, is within the limit of length, and stays
// distinct from all others after Unicode normalisation and case folding.
//
// # Reading
//
// [Extract] trusts nothing. It reads within [Limits], writes through [os.Root],
// and makes regular files (0644 or 0755, whatever the umask) and directories
// (0755) only, with the time of extraction. It refuses, each under its own
// rule, everything that Pack would not write and that could harm: paths that
// are absolute or climb, backslashes, drive letters, unportable and duplicate
// paths, more than one top folder, devices, sparse files, bombs, data after the
// end, and archives cut short. Links do occur in archives made elsewhere: a hard
// or symbolic link to a file of the same archive becomes a copy of that
// file, and any other link is refused, so an extracted tree holds no links.
//
// # Changes
//
// Version 1 is the only one so far.
package archive
