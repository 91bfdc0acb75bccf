// Package conformance checks whether what stands at an address is a registry that
// clyde can install from, whatever its kind.
//
// It asks as a client does, through [client.Registry], so that it sees what a
// client sees: the same checks hold for a git repository, a folder and a server,
// and for what is put in front of them. Nothing is written but what a client
// keeps.
//
// # Checks
//
// Each has a stable ID, see [Checks]. One that fails names the place, what is
// wrong and what to do. Packages are looked at by name: those that are given, or
// what a few searches find. So that a large registry can be checked in a moment,
// only some packages are looked at, and of each some versions' archives: the
// newest and the oldest. What a check could not look at is skipped and says so.
//
// Two checks compare the registry with itself over an update: it has to show
// every version it has shown, unchanged but for "yanked" and "retired".
package conformance
