package foreign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
)

// maxMetadata bounds a package.json and a manifest.
const maxMetadata = 4 << 20

// conversion turns one foreign archive into one of clyde.
type conversion struct {
	*importer
	file string // below the root
	temp string // folder for the work
}

func (c *conversion) run(ctx context.Context) ([]Note, error) {
	if err := os.Mkdir(filepath.Join(c.temp, "files"), 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Join(c.temp, "files"))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if strings.HasSuffix(c.file, ".deb") {
		return c.debian(ctx, root)
	}
	f, err := c.root.Open(filepath.FromSlash(c.file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	left, err := archive.ExtractForeign(ctx, f, root, c.opts.Limits)
	if err != nil {
		return nil, err
	}
	folder, err := folderOf(root)
	if err != nil {
		return nil, err
	}
	files, err := root.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	return c.tarball(ctx, files, left)
}

// debian converts a Debian package, whose files stay where they are below /.
func (c *conversion) debian(ctx context.Context, root *os.Root) (notes []Note, err error) {
	return notes, c.withDeb(c.file, func(p *deb) error {
		d, err := describeDeb(c.file, p, c.knows)
		if err != nil {
			return err
		}
		left, err := archive.ExtractForeign(ctx, p.data, root, c.opts.Limits)
		if err != nil {
			return err
		}
		notes, err = c.pack(ctx, root, d, left)
		return err
	})
}

// tarball converts what was in a tarball, by the first description that there is.
func (c *conversion) tarball(ctx context.Context, files *os.Root, left []archive.Refusal) ([]Note, error) {
	beside, err := readSmall(c.root, c.file+".yaml")
	if err == nil {
		return c.described(ctx, files, beside, left)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	inside, err := readSmall(files, manifest.Path)
	if err == nil {
		return nil, c.asItIs(ctx, inside)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	data, err := readSmall(files, "package.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{
			Where: c.file, Detail: fmt.Sprintf("has neither %s nor package.json, and nothing beside it says what it is", manifest.Path),
			Remedy: fmt.Sprintf("write its manifest, with name and version, to %s.yaml", path.Base(c.file)),
		}
	}
	if err != nil {
		return nil, err
	}
	d, err := describeNPM(c.file, data)
	if err != nil {
		return nil, err
	}
	return c.pack(ctx, files, d, left)
}

// described packs a plain tarball with the manifest that is beside it.
func (c *conversion) described(ctx context.Context, files *os.Root, data []byte, left []archive.Refusal) ([]Note, error) {
	m, err := c.parse(c.file+".yaml", data)
	if err != nil {
		return nil, err
	}
	d := &description{where: c.file, Name: m.Name, Version: m.Version}
	return c.packWith(ctx, files, d, data, left)
}

func (c *conversion) parse(file string, data []byte) (*manifest.Manifest, error) {
	m, err := manifest.Parse(file, data)
	if err == nil {
		err = m.CheckPublishable()
	}
	if err != nil {
		return nil, &Error{Where: c.file, Detail: strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")}
	}
	return m, nil
}

// asItIs stores an archive of clyde without a change.
func (c *conversion) asItIs(ctx context.Context, data []byte) error {
	m, err := c.parse(manifest.Path, data)
	if err != nil {
		return err
	}
	f, err := c.root.Open(filepath.FromSlash(c.file))
	if err != nil {
		return err
	}
	defer f.Close()
	temp, err := os.Create(filepath.Join(c.temp, "copy"))
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(temp, sum), f)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return c.opts.Put(ctx, temp.Name(), m.ArchiveName(""), hex.EncodeToString(sum.Sum(nil)))
}

// pack packs files with the description's manifest.
func (c *conversion) pack(ctx context.Context, files *os.Root, d *description, left []archive.Refusal) ([]Note, error) {
	data, err := d.text()
	if err != nil {
		return nil, err
	}
	return c.packWith(ctx, files, d, data, left)
}

func (c *conversion) packWith(ctx context.Context, files *os.Root, d *description, data []byte, left []archive.Refusal) ([]Note, error) {
	for _, l := range left {
		d.note("the link %s is left out: %s", l.Path, l.Detail)
	}
	if err := files.RemoveAll(filepath.FromSlash(path.Dir(manifest.Path))); err != nil {
		return nil, err
	}
	if err := files.Mkdir(path.Dir(manifest.Path), 0o755); err != nil {
		return nil, err
	}
	if err := files.WriteFile(filepath.FromSlash(manifest.Path), data, 0o644); err != nil {
		return nil, err
	}
	// Everything in it has been handed out before: there is nothing to hide.
	opts := archive.PackOptions{Name: d.Name, Version: d.Version, Include: []string{"**"}, AllowSecrets: []string{"**"}, Limits: c.opts.Limits}
	selected, err := archive.Select(files, opts)
	if err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(c.temp, "packed"))
	if err != nil {
		return nil, err
	}
	summary, err := archive.Pack(out, files, selected, opts)
	if err := errors.Join(err, out.Close()); err != nil {
		return nil, err
	}
	return d.notes, c.opts.Put(ctx, out.Name(), index.ArchiveName(d.Name, d.Version), summary.SHA256)
}

// readSmall reads a file of bounded size.
func readSmall(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMetadata+1))
	if err == nil && len(data) > maxMetadata {
		return nil, &Error{Where: name, Detail: fmt.Sprintf("has more than %d bytes", maxMetadata)}
	}
	return data, err
}
