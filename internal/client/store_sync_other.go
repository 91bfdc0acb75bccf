//go:build !linux

package client

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"
)

// syncJobs is how many files are brought to disk at a time: file systems write
// many waiting files at the cost of few.
const syncJobs = 16

// syncTree brings all that was written below a folder to disk.
func syncTree(dir string) error {
	var folders []string
	group, _ := errgroup.WithContext(context.Background())
	group.SetLimit(syncJobs)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			folders = append(folders, name)
			return nil
		}
		group.Go(func() error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			return errors.Join(f.Sync(), f.Close())
		})
		return nil
	})
	err = errors.Join(err, group.Wait())
	for _, folder := range slices.Backward(folders) {
		err = errors.Join(err, syncDir(folder))
	}
	return err
}
