//go:build !windows

package archive

import "io/fs"

// executable reports whether a file is packed with mode 0755: as in git, when
// its owner may execute it. Group and others do not count, so the umask has no
// say.
func executable(mode fs.FileMode, _ []byte) bool { return mode&0o100 != 0 }
