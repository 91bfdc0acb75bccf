package archive

import (
	"bytes"
	"io/fs"
)

// executable reports whether a file is packed with mode 0755: as in git, when
// its owner may execute it. Group and others do not count, so the umask has no
// say. Windows keeps no such bit; there the first bytes decide, which are those
// of a script, or of an ELF or Mach-O file.
func executable(goos string, mode fs.FileMode, head []byte) bool {
	if goos != "windows" {
		return mode&0o100 != 0
	}
	for _, magic := range []string{
		"#!", "\x7fELF",
		"\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}
