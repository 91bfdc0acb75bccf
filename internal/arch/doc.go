// Package arch holds the tests of clyde's own shape. It has no code: what it
// states is what `go test ./internal/arch` checks on the files themselves, so
// that a rule which is written down here cannot quietly stop being true.
//
// # Packages
//
//   - Imports between our packages follow one table (imports_test.go). The
//     format and the resolver reach no network and start no process, not even
//     through a library, and no program code reaches a test library.
//   - Every package has one package comment, and it is long enough to be a
//     specification. No package is named for being a drawer of odds and ends.
//   - There is no init function, and no package-level variable that could
//     change: embedded files, sentinel errors, regular expressions, functions
//     that compute a constant once, and unexported tables that nothing assigns
//     to are all there is.
//   - A file has one subject, and so a bounded number of lines.
//
// # Test data
//
//   - Every entry of a testdata folder is named by a test beside it, and every
//     fuzz corpus belongs to a fuzz target that exists.
//   - Every JSON Schema compiles.
//
// # Documents
//
//   - Only the agreed names stand at the top of the repository.
//   - A link from one document to another leads to a file and a heading that
//     exist.
//   - Decision records are numbered without gaps, have their three sections,
//     and stand in their list.
//   - A command that a document shows is run as it is written, in a fresh
//     home, and what the document says it prints is what it prints; a command
//     that needs a network is parsed only (commands_test.go tells how a block
//     says which it is).
//   - The exit codes of the program are those that docs/exit-codes.md tells,
//     each with an example, and the map of rooms is the table of imports.
package arch
