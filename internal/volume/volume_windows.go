package volume

import (
	"fmt"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

func free(path string) (int64, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var available uint64
	if err := windows.GetDiskFreeSpaceEx(name, &available, nil, nil); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", path, err)
	}
	return int64(min(available, math.MaxInt64)), nil
}

// writable knows the read-only attribute of files only: what access lists say
// shows when something is written.
func writable(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() && info.Mode()&0o200 == 0 {
		err = &fs.PathError{Op: "write", Path: path, Err: fs.ErrPermission}
	}
	return err
}
