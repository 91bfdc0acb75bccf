// Package external brings packages of other package managers: those that a
// package of clyde needs beside those of its own registry.
//
// # Requirements
//
// A [Requirement] is written MANAGER:PACKAGE in the manager's own notation,
// "apt:libssl-dev>=3" or "npm:typescript@^5", and may be for some platforms
// only: "brew:openssl@3; macos-aarch64, macos-x86_64".
//
// # Drivers
//
// What is to be run is data. Package managers are described by [Builtin], which
// is drivers.yaml beside this file, and by files of the person or the machine,
// which add to it or replace what it says ([Drivers.With]). A driver tells
// which programs have to be there, how to ask what is installed and what could
// be, how to try an installation, to do it, and to take it back. docs/
// external-dependencies.md describes the form.
//
// A driver's commands are lists of arguments with placeholders; no shell is
// involved. What is put in for a placeholder comes out of a requirement that
// matched its manager's notation, so it begins with no "-" and has no blank, or
// out of a manager's own output, where it is held to the same notation.
//
// # Planning and installing
//
// [Drivers.Plan] asks and changes nothing: per requirement it gives a [Step]
// with what is there, the exact version that would come, all that would come
// with it, and the commands. [Drivers.Install] carries a step out and looks
// whether the package is there then. [Drivers.Undo] takes away what the step
// brought and was not there at the time of the plan, and nothing else; done
// twice it does nothing the second time.
//
// Managers that install into a folder are given one of clyde's own below
// [Where.Prefix]. Where a step has to make that folder, its Undo removes it.
package external
