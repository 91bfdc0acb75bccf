//go:build windows

package archive

import "io/fs"

// executable reports whether a file is packed with mode 0755. Windows keeps no
// such bit, so the content decides.
func executable(_ fs.FileMode, head []byte) bool { return executableContent(head) }
