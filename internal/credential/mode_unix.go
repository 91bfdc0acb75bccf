//go:build unix

package credential

import (
	"io/fs"
	"os"
	"syscall"
)

// readableByOthers reports whether somebody else than the user can read a file:
// its mode says so, or it is somebody else's. What root
// owns is as good as the own, and root reads what is anybody's.
func readableByOthers(info fs.FileInfo) bool {
	if info.Mode().Perm()&0o077 != 0 {
		return true
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid != 0 && os.Getuid() != 0 && int(stat.Uid) != os.Getuid()
}
