//go:build unix

package hook

import "os"

// searchPath is the PATH of hooks.
func searchPath() []string { return []string{"/usr/local/bin", "/usr/bin", "/bin"} }

// programEndings are what a program's file may end in beside its name.
func programEndings() []string { return []string{""} }

func isProgram(info os.FileInfo) bool { return info.Mode().IsRegular() && info.Mode()&0o111 != 0 }

// systemEnvironment is what of a hook's environment differs between systems.
func systemEnvironment(_ func(string) string, f folders) map[string]string {
	return map[string]string{"HOME": f.home, "TMPDIR": f.temp}
}
