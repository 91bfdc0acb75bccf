//go:build !linux

package sockettest

import "errors"

// Supported reports whether Forbid works on this system.
const Supported = false

// Forbid fails.
func Forbid() error { return errors.New("sockets cannot be forbidden on this system") }
