package history

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// Graph is the commits that are at hand, by their IDs.
type Graph interface {
	// Parents are the parents of a commit. It reports whether the commit is at
	// hand, which is no error if not.
	Parents(id string) (parents []string, here bool, err error)
	// Tree is the files of a commit that is at hand.
	Tree(id string) (fs.FS, error)
}

// Options are what [Follow] may do and know beyond the commits at hand.
type Options struct {
	// Bring makes the commit that a branch of the registry keeps, and what leads
	// from the known commit to it, at hand. It reports whether the registry still
	// has it. Nil brings nothing.
	Bring func(ctx context.Context, branch, id string) (found bool, err error)
	// Locked says that the commit is not one that was verified here, but one that
	// a lock names.
	Locked bool
}

// Kind says how a head follows the known commit.
type Kind string

// The ways in which a head follows.
const (
	First    Kind = "first"    // no commit was known
	Same     Kind = "same"     // the head is the known commit
	Forward  Kind = "forward"  // the head descends from it
	Squashed Kind = "squashed" // the head descends from a declared squash of what descends from it
)

// Step is how a head follows the known commit.
type Step struct {
	Kind     Kind
	Squashes []Squash // Squashed: newest first
}

// Squash is a declared squash that was followed.
type Squash struct {
	Commit string // that has no parent
	index.Squash
}

// maxSquashes bounds how many squashes are followed in one step.
const maxSquashes = 64

// Follow reports how the head next follows the commit that is known. All of
// next's history is at hand, or all that the known commit does not have. The
// error is an [*Error] when it does not follow, and another when a commit could
// not be read or brought.
func Follow(ctx context.Context, known, next string, g Graph, opts Options) (Step, error) {
	if known == "" {
		return Step{Kind: First}, nil
	}
	f := follower{g: g, opts: opts, known: known, next: next}
	return f.follow(ctx)
}

type follower struct {
	g           Graph
	opts        Options
	known, next string
	squashes    []Squash
}

func (f *follower) follow(ctx context.Context) (Step, error) {
	for head := f.next; ; {
		before, err := reach(ctx, f.g, head, f.known)
		if err != nil {
			return Step{}, err
		}
		if before.found {
			return f.step(head), nil
		}
		squash, why, err := f.declared(ctx, before)
		if err != nil {
			return Step{}, err
		}
		if squash == nil {
			return Step{}, f.refuse(ctx, head, before, why)
		}
		if len(f.squashes) == maxSquashes {
			return Step{}, f.rewritten(fmt.Sprintf("; more than %d squashes are not followed at once", maxSquashes))
		}
		f.squashes = append(f.squashes, *squash)
		head = squash.Head
	}
}

func (f *follower) step(head string) Step {
	switch {
	case len(f.squashes) > 0:
		return Step{Kind: Squashed, Squashes: f.squashes}
	case head == f.known:
		return Step{Kind: Same}
	default:
		return Step{Kind: Forward}
	}
}

// refuse says what became of the known commit, seen from a head that neither
// descends from it nor from a declared squash.
func (f *follower) refuse(ctx context.Context, head string, before *past, why string) error {
	known, err := reach(ctx, f.g, f.known, head)
	if err != nil {
		return err
	}
	if known.found {
		if len(f.squashes) > 0 {
			why = fmt.Sprintf(", of which the squash %s was made", short(f.squashes[len(f.squashes)-1].Commit))
		}
		return f.rolledBack(head, why)
	}
	for _, id := range known.order {
		if before.seen[id] {
			return f.forked(id)
		}
	}
	e := f.rewritten(why)
	e.Partial = !before.whole
	return e
}

// past is what leads to a commit.
type past struct {
	found bool            // what was looked for is in it, and the rest was not looked at
	seen  map[string]bool // every commit, also those that are named only
	order []string        // newest first
	roots []string        // commits without a parent
	whole bool            // every commit was at hand
}

// reach walks back from a commit until it meets the wanted one.
func reach(ctx context.Context, g Graph, from, wanted string) (*past, error) {
	p := &past{seen: map[string]bool{from: true}, order: []string{from}, whole: true}
	for i := 0; i < len(p.order); i++ {
		id := p.order[i]
		if id == wanted {
			p.found = true
			return p, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		parents, here, err := g.Parents(id)
		if err != nil {
			return nil, err
		}
		switch {
		case !here:
			p.whole = false
		case len(parents) == 0:
			p.roots = append(p.roots, id)
		}
		for _, parent := range parents {
			if !p.seen[parent] {
				p.seen[parent] = true
				p.order = append(p.order, parent)
			}
		}
	}
	return p, nil
}
