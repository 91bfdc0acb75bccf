//go:build !linux

package registry

import "errors"

// syncFileSystem is for systems that have no such call.
func syncFileSystem(string) error { return errors.ErrUnsupported }
