package packagefolder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
)

// maxManifest bounds the manifest of a folder, in bytes.
const maxManifest = 1 << 20

func hasManifest(root *os.Root, folder string) bool {
	info, err := root.Lstat(filepath.FromSlash(path.Join(folder, manifest.Path)))
	return err == nil && info.Mode().IsRegular()
}

// folder notes an unpacked package.
func (s *Scanned) folder(root *os.Root, name string, files *[]*Archive) error {
	f := &Archive{Path: name, Unpacked: true}
	err := fs.WalkDir(root.FS(), name, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			f.Size += info.Size()
		}
		if info.ModTime().After(f.ModTime) {
			f.ModTime = info.ModTime()
		}
		return nil
	})
	if err != nil {
		s.unreadable(name, err)
		return fs.SkipDir
	}
	*files = append(*files, f)
	return fs.SkipDir
}

// pack finds out what archive a folder makes.
func (a *Archive) pack(ctx context.Context, root *os.Root, limits archive.Limits) error {
	dir, err := root.OpenRoot(filepath.FromSlash(a.Path))
	if err != nil {
		return err
	}
	defer dir.Close()
	sum := sha256.New()
	text, m, packed, err := packTo(ctx, sum, dir, limits)
	if err != nil {
		return err
	}
	a.Packed, a.SHA256, a.Manifest, a.Newest = packed, hex.EncodeToString(sum.Sum(nil)), string(text), archive.ModTime()
	a.Top = archive.Folder(m.Name, m.Version)
	return nil
}

// Pack writes the archive of the unpacked package in a folder.
func Pack(ctx context.Context, w io.Writer, dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	_, _, _, err = packTo(ctx, w, root, archive.Limits{})
	return err
}

func packTo(ctx context.Context, w io.Writer, root *os.Root, limits archive.Limits) (text []byte, m *manifest.Manifest, size int64, err error) {
	file, err := root.Open(filepath.FromSlash(manifest.Path))
	if err != nil {
		return nil, nil, 0, err
	}
	text, err = io.ReadAll(io.LimitReader(file, maxManifest+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, nil, 0, err
	}
	if len(text) > maxManifest {
		return nil, nil, 0, fmt.Errorf("%s has more than %d bytes", manifest.Path, maxManifest)
	}
	if m, err = manifest.Parse(manifest.Path, text); err != nil {
		return text, nil, 0, err
	}
	if err := m.CheckPublishable(); err != nil {
		return text, nil, 0, err
	}
	files, err := archive.Select(root, PackOptions(m, limits))
	if err != nil {
		return text, nil, 0, err
	}
	sum, err := PackFiles(ctx, w, root, m, files, limits)
	return text, m, sum.Size, err
}

// PackOptions returns how the package of a manifest is packed. Its artifacts
// are left out, because they belong to one platform each.
func PackOptions(m *manifest.Manifest, limits archive.Limits) archive.PackOptions {
	return archive.PackOptions{
		Name: m.Name, Version: m.Version,
		Include: m.Include, AllowSecrets: m.AllowSecrets, Limits: limits,
		Exclude: slices.Concat(m.Exclude, slices.Sorted(maps.Values(m.Artifacts))),
	}
}

// PackFiles writes the archive of the files to w until ctx is done.
func PackFiles(ctx context.Context, w io.Writer, root *os.Root, m *manifest.Manifest, files []archive.File, limits archive.Limits) (archive.Summary, error) {
	return archive.Pack(contextWriter{ctx, w}, root, files, PackOptions(m, limits))
}

// contextWriter writes until the context is done.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
