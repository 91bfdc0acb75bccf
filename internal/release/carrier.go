package release

import (
	"bytes"
	"context"
	"fmt"

	"github.com/clydepm/clyde/internal/forge"
)

// Carrier proposes the line of one version by leaving it on the release, for an
// index to collect. It is a forge with one branch and one pull request.
type Carrier struct {
	Release *Release
	Asset   string // name of the asset that has the line
	// Index returns the state of the index that the line is meant for.
	Index func(ctx context.Context) (forge.Snapshot, error)
	// Same reports whether two lines publish the same bytes.
	Same func(one, other []byte) bool
}

// ConflictError reports a published release that carries the line of other
// bytes. It is forge.ErrRefused.
type ConflictError struct{ Tag, Asset string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the release %s carries %s already, for other bytes", e.Tag, e.Asset)
}

// Hint says what to do instead.
func (e *ConflictError) Hint() string {
	return "an index may have that line; release a new version, or delete the asset if you know that none has"
}

// Is makes the error match forge.ErrRefused.
func (e *ConflictError) Is(target error) bool { return target == forge.ErrRefused }

// Head returns the state of the index.
func (c *Carrier) Head(ctx context.Context) (forge.Snapshot, error) { return c.Index(ctx) }

func (c *Carrier) pull() forge.Pull {
	return forge.Pull{URL: c.Release.Page, State: forge.Open, Own: true}
}

// Pulls returns the release when it carries a line.
func (c *Carrier) Pulls(context.Context, string) ([]forge.Pull, error) {
	if _, ok := c.Release.assets[AssetName(c.Asset)]; !ok {
		return nil, nil
	}
	return []forge.Pull{c.pull()}, nil
}

// ReadFile returns the line that the release carries.
func (c *Carrier) ReadFile(ctx context.Context, _ forge.Pull, _ string) ([]byte, error) {
	return c.Release.Read(ctx, c.Asset)
}

// Check reports a *ConflictError when a published release carries the line of
// other bytes. It is to be asked before any archive is put.
func (c *Carrier) Check(ctx context.Context, line []byte) error {
	if c.Release.Draft {
		return nil
	}
	have, err := c.Release.Read(ctx, c.Asset)
	if err != nil || have == nil || c.Same(bytes.TrimSpace(have), bytes.TrimSpace(line)) {
		return err
	}
	return &ConflictError{c.Release.Tag, c.Asset}
}

// Write puts the last line of the commit on the release, and publishes a draft.
func (c *Carrier) Write(ctx context.Context, _ string, commit forge.Commit) (string, error) {
	if err := c.Check(ctx, lastLine(commit.Data)); err != nil {
		return "", err
	}
	return "", c.Replace(ctx, commit)
}

// Replace puts the last line of the commit on the release, whatever it carried,
// and publishes a draft.
func (c *Carrier) Replace(ctx context.Context, commit forge.Commit) error {
	if err := c.Release.PutBytes(ctx, c.Asset, lastLine(commit.Data)); err != nil {
		return err
	}
	return c.Release.Publish(ctx)
}

// lastLine returns the line that was appended, with its line end.
func lastLine(data []byte) []byte {
	body := bytes.TrimSuffix(data, []byte("\n"))
	return data[bytes.LastIndexByte(body, '\n')+1:]
}

// Open returns the release, which says nothing but the line.
func (c *Carrier) Open(ctx context.Context, _ string, text forge.Text) (forge.Pull, error) {
	return c.Update(ctx, c.pull(), text)
}

// Update returns the release, which says nothing but the line.
func (c *Carrier) Update(_ context.Context, pull forge.Pull, text forge.Text) (forge.Pull, error) {
	pull.Text = text
	return pull, nil
}

// ClosePull leaves the line where it is: it is true, and the index has it.
func (c *Carrier) ClosePull(context.Context, forge.Pull, string) error { return nil }

// AutoMerge is nothing that a release can do.
func (c *Carrier) AutoMerge(context.Context, forge.Pull) error {
	return &forge.Error{Kind: forge.ErrRefused, Op: "merge", Detail: "a release is no pull request"}
}

func (c *Carrier) String() string { return c.Release.Page }
