// Package process runs other programs and ends them with all that they
// started.
//
// A program is run by its path and arguments; no shell is involved. It gets the
// environment that it is given and nothing else, and its input is a file or
// empty.
//
// # The end
//
// Nothing that a program starts outlives it. When it ends, when its time is up,
// or when the context is cancelled, what is left of it is ended:
//
//   - on Unix, its process group: after SIGTERM and a time of grace, SIGKILL;
//   - on Linux, also processes that left the group (setsid), as long as they
//     kept their environment: each run marks it with CLYDE_PROCESS;
//   - on Windows, its job object, at once.
//
// A process on Linux that both leaves its group and empties its environment, or
// on another Unix leaves its group, is not found. Where that must not be, run
// the program in a process namespace of its own, as package hook does.
//
// A program that was started through sudo belongs to another user; its group is
// then ended through sudo too.
//
// # Output
//
// Output is read until the program ends, not until the last process that holds
// the pipe does. A [Tail] keeps the end of it.
package process
