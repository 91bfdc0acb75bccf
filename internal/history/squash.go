package history

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

// declared finds the squash that a history begins with. There is none when the
// result is nil; why then says, in a form to append, what is wrong with what
// looks like one.
func (f *follower) declared(ctx context.Context, before *past) (_ *Squash, why string, _ error) {
	if !before.whole || len(before.roots) != 1 {
		return nil, "", nil
	}
	root := before.roots[0]
	after, err := f.g.Tree(root)
	if err != nil {
		return nil, "", err
	}
	config := readConfig(after)
	if config == nil || config.Clyde.Squash == nil {
		return nil, "", nil
	}
	record := *config.Clyde.Squash
	refused := func(format string, args ...any) (*Squash, string, error) {
		return nil, "; it declares a squash that does not hold: " + fmt.Sprintf(format, args...), nil
	}
	if err := record.Check(); err != nil {
		return refused("%v", err)
	}
	found, err := f.bring(ctx, record)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return refused("the old head %s is not on the branch %s of the registry", short(record.Head), record.Snapshot)
	}
	old, err := f.g.Tree(record.Head)
	if err != nil {
		return nil, "", err
	}
	problem, err := SquashProblem(old, after)
	if err != nil {
		return nil, "", err
	}
	if problem != nil {
		return refused("%v", problem)
	}
	return &Squash{root, record}, "", nil
}

// bring makes the old head of a squash at hand.
func (f *follower) bring(ctx context.Context, record index.Squash) (found bool, err error) {
	if _, here, err := f.g.Parents(record.Head); here || err != nil || f.opts.Bring == nil {
		return here, err
	}
	found, err = f.opts.Bring(ctx, record.Snapshot, record.Head)
	if err != nil || !found {
		return false, err
	}
	_, found, err = f.g.Parents(record.Head)
	return found, err
}

// readConfig reads the config.json of a tree; nil when it has none that can be
// read.
func readConfig(tree fs.FS) *index.Config {
	data, err := fs.ReadFile(tree, index.ConfigPath)
	if err != nil {
		return nil
	}
	config, err := index.ParseConfig(data)
	if err != nil {
		return nil
	}
	return config
}

// SquashProblem reports why the files after are not those of a declared squash
// of the files before: something else than the record changed, or no key that
// was there before signed it. It does not look at the commits. The second
// error is that of a tree that cannot be read.
func SquashProblem(before, after fs.FS) (problem, err error) {
	changes, err := index.Changes(before, after)
	if err != nil {
		return nil, err
	}
	delta, violations := index.Classify(changes)
	switch {
	case len(violations) > 0:
		return fmt.Errorf("its files are not those of the old head: %s", violations[0]), nil
	case delta.Kind != index.KindSquash:
		return fmt.Errorf("its change of %s is no squash", changes[0].Path), nil
	}
	return SquashSignature(before, delta.Squash)
}

// SquashSignature reports why the record of a squash is not signed by a key
// that the files before have under trust/index. The second error is that of a
// tree that cannot be read.
func SquashSignature(before fs.FS, record *index.Squash) (problem, err error) {
	config := readConfig(before)
	if config == nil || config.Clyde.Name == "" {
		return fmt.Errorf("the old head has no %s with the registry's name", index.ConfigPath), nil
	}
	trust, err := fs.Sub(before, "trust")
	if err != nil {
		return nil, err
	}
	keys, err := attest.ReadIndexKeys(trust)
	if err != nil {
		return fmt.Errorf("the keys under trust/%s of the old head: %w", attest.IndexKeysFolder, err), nil
	}
	return keys.Verify(record.Key, index.SquashPayloadType, record.Payload(config.Clyde.Name), record.Signature), nil
}
