package hook

import (
	"os"
	"path/filepath"
)

// searchPath is the PATH of hooks. Where Windows is installed is the one thing
// that is asked of the environment of this process.
func searchPath() []string {
	root := systemRoot(os.Getenv)
	return []string{filepath.Join(root, "System32"), root, filepath.Join(root, `System32\WindowsPowerShell\v1.0`)}
}

func systemRoot(getenv func(string) string) string {
	if root := getenv("SystemRoot"); filepath.IsAbs(root) {
		return root
	}
	return `C:\Windows`
}

// programEndings are what a program's file may end in beside its name. Scripts
// of cmd.exe are not among them, as it takes their arguments apart again.
func programEndings() []string { return []string{"", ".exe", ".com"} }

func isProgram(info os.FileInfo) bool { return info.Mode().IsRegular() }

// systemEnvironment is what of a hook's environment differs between systems.
func systemEnvironment(getenv func(string) string, f folders) map[string]string {
	root := systemRoot(getenv)
	return map[string]string{
		"USERPROFILE": f.home, "HOME": f.home, "TEMP": f.temp, "TMP": f.temp,
		"SystemRoot": root, "COMSPEC": filepath.Join(root, `System32\cmd.exe`), "PATHEXT": ".COM;.EXE",
	}
}
