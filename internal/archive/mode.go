package archive

import "bytes"

// executableContent reports whether the first bytes of a file are those of a
// script, or of an ELF or Mach-O file.
func executableContent(head []byte) bool {
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
