package conformance

import (
	"context"
	"errors"
	"os"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/manifest"
)

// archives fetches some archives of a package: the newest first, then the
// oldest.
func (c *checker) archives(ctx context.Context, config *index.Config, entries []*index.Entry) {
	if c.opts.Downloader == nil {
		for _, check := range []string{"archive/there", "archive/digest", "archive/sound", "archive/manifest"} {
			c.skipped[check] = "archives were not asked for"
		}
		return
	}
	for n := range min(c.opts.Archives, len(entries)) {
		at := n
		if n == 0 {
			at = len(entries)
		}
		e := entries[at-1]
		address, err := config.DownloadURL(e)
		if err != nil || !isDigest(e.Cksum) {
			continue // told before
		}
		c.archive(ctx, e, client.Archive{Name: e.Name + " " + e.Vers, URL: address, SHA256: e.Cksum, Size: e.Size})
		for _, b := range e.Builds {
			c.archive(ctx, e, client.Archive{Name: e.Name + " " + e.Vers + " for " + b.Platform, URL: b.DL, SHA256: b.Cksum, Size: b.Size})
		}
	}
}

func (c *checker) archive(ctx context.Context, e *index.Entry, a client.Archive) {
	c.report.Archives++
	var contents *archive.Contents
	var unsound error
	err := c.opts.Downloader.Look(ctx, a, func(f *os.File) error {
		contents, unsound = archive.Inspect(ctx, f, archive.DefaultLimits())
		return nil
	})
	switch {
	case errors.Is(err, client.ErrIntegrity):
		c.pass("archive/there")
		c.fail("archive/digest", a.Name, hintOf(err), "%v", err)
		return
	case err != nil:
		c.fail("archive/there", a.Name, hintOf(err), "%v", err)
		return
	}
	c.pass("archive/there")
	c.pass("archive/digest")
	if unsound != nil {
		c.fail("archive/sound", a.Name, "pack it again and publish it as a new version", "%v", unsound)
		return
	}
	c.pass("archive/sound")
	c.manifest(e, a.Name, contents)
}

// manifest compares what an archive says of itself. One without a manifest is
// an archive of another tool, which is no fault.
func (c *checker) manifest(e *index.Entry, where string, contents *archive.Contents) {
	if contents.Manifest == nil {
		c.skipped["archive/manifest"] = "no archive has a manifest"
		return
	}
	m, err := manifest.Parse(manifest.Path, contents.Manifest)
	switch {
	case err != nil:
		c.fail("archive/manifest", where, "", "%v", err)
	case m.Name != e.Name || m.Version != e.Vers:
		c.fail("archive/manifest", where, "the line names another archive than its own", "the archive is of %s %s", m.Name, m.Version)
	default:
		c.pass("archive/manifest")
	}
}
