// Package sockettest takes the right to open sockets from a test's process, so
// that what claims to work offline can be seen to: whoever opens one, of any
// kind, is killed by the kernel, and no error can be swallowed.
//
// It works on Linux, where [Supported] is true. No program code imports it.
package sockettest
