package review

import (
	"bytes"
	"encoding/binary"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/clydepm/clyde/internal/archive"
)

// sharedObject is the name of a library with its version: "libz.so.1.3".
var sharedObject = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\.so(\.[0-9]+)*$`) })

// native says what kind of machine code a file of an archive is, by how it
// starts or, where that tells nothing, by its name; "" for none.
func native(m archive.Member) string {
	for _, magic := range []struct{ start, kind string }{
		{"\x7fELF", "ELF"},
		{"MZ", "PE"},
		{"\xfe\xed\xfa\xce", "Mach-O"},
		{"\xce\xfa\xed\xfe", "Mach-O"},
		{"\xfe\xed\xfa\xcf", "Mach-O"},
		{"\xcf\xfa\xed\xfe", "Mach-O"},
		{"\x00asm", "WebAssembly"},
		{"!<arch>\n", "library of objects"},
		{"!<thin>\n", "library of objects"},
		{"BC\xc0\xde", "LLVM bitcode"},
		{"dex\n", "Dalvik"},
	} {
		if bytes.HasPrefix(m.Head, []byte(magic.start)) && !(magic.kind == "PE" && !isPE(m)) {
			return magic.kind
		}
	}
	if kind := cafebabe(m.Head); kind != "" {
		return kind
	}
	return nativeName(m.Path)
}

// isPE tells an executable of DOS and Windows from a text that starts with its
// two letters: it says where its header is, within the file.
func isPE(m archive.Member) bool {
	const at = 0x3c
	return len(m.Head) >= at+4 && int64(binary.LittleEndian.Uint32(m.Head[at:])) < m.Size
}

// cafebabe tells the two formats apart that start with the same four bytes: a
// Mach-O file for several architectures counts these, a class file of Java has
// its version, which is at least 43, there.
func cafebabe(head []byte) string {
	const most = 43
	if len(head) < 8 || binary.BigEndian.Uint32(head)&^1 != 0xcafebabe {
		return ""
	}
	if binary.BigEndian.Uint32(head[4:]) < most {
		return "Mach-O"
	}
	return "Java class"
}

// nativeName tells by the name alone, as for a file whose start is not that of
// any known format.
func nativeName(name string) string {
	base := strings.ToLower(path.Base(name))
	if sharedObject().MatchString(base) {
		return "shared object"
	}
	return map[string]string{
		".dll": "DLL", ".exe": "executable", ".sys": "driver", ".dylib": "dynamic library", ".node": "Node addon",
		".wasm": "WebAssembly", ".pyd": "Python extension", ".a": "library of objects", ".lib": "library of objects",
		".o": "object", ".jar": "Java archive", ".class": "Java class",
	}[path.Ext(base)]
}
