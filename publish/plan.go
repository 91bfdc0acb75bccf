package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// MaxAttempts is how often Apply starts again when the index moves meanwhile.
const MaxAttempts = 200

// Pauses between attempts grow from the first to the last.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// Target says where a change goes, who makes it and when.
type Target struct {
	Destination Destination
	Author      Author
	Now         func() time.Time
	Observe     func(Step) // called before each step of Apply; may be nil
}

// Step is a step of Apply.
type Step string

// The steps, in their order.
const (
	StepStore   Step = "store the archive"
	StepWrite   Step = "write the change"
	StepAdvance Step = "move the index"
	StepRetry   Step = "start again, the index has moved"
	StepDone    Step = "done"
)

// Plan is a change of an index before it is made.
type Plan struct {
	Kind     index.Kind
	Package  string
	Versions []string   // that the change is about
	Done     bool       // nothing has to change; Change and Report are empty then
	Archives []*Archive // of a package that is published: its own, then its builds
	Lines    [][]byte   // the new lines, or the changed ones as they become
	Change   Change
	Report   *review.Report

	target   Target
	base     State
	derive   deriveFunc
	archives FileStore
	attempts int
}

// deriveFunc makes a change from a tree. It is called again when the index has
// moved. The result's Done tells that there is nothing to change.
type deriveFunc func(tree fs.FS) (derived, error)

type derived struct {
	change   Change
	lines    [][]byte
	versions []string
	done     bool
}

// newPlan derives and judges a change of the index as it is now.
func newPlan(ctx context.Context, p Plan) (*Plan, error) {
	p.attempts = MaxAttempts
	if err := p.refresh(ctx); err != nil {
		return nil, err
	}
	return &p, nil
}

// refresh makes the plan again from the present state of the index.
func (p *Plan) refresh(ctx context.Context) error {
	base, err := p.target.Destination.Head(ctx)
	if err != nil {
		return err
	}
	d, err := p.derive(base.Tree)
	if err != nil {
		return err
	}
	p.base, p.Done, p.Change, p.Lines, p.Versions, p.Report = base, d.done, d.change, d.lines, d.versions, nil
	if p.Done {
		return nil
	}
	head := overlay{tree: base.Tree, path: d.change.Path, data: d.change.After}
	p.Report, err = review.Judge(review.Input{Base: base.Tree, Head: head, Now: p.target.Now()})
	return err
}

// Refused returns a *RefusedError when the review refuses the change.
func (p *Plan) Refused() error {
	if p.Report != nil && p.Report.Verdict == review.Fail {
		return &RefusedError{Report: p.Report}
	}
	return nil
}

// Diff returns the change as a unified difference, empty when there is none.
func (p *Plan) Diff() string {
	if p.Done {
		return ""
	}
	before := "a/" + p.Change.Path
	if p.Change.Before == nil {
		before = "/dev/null"
	}
	return udiff.Unified(before, "b/"+p.Change.Path, string(p.Change.Before), string(p.Change.After))
}

// Close removes the packed archives.
func (p *Plan) Close() error { return removeArchives(p.Archives) }

// Applied is what Apply did.
type Applied struct {
	ID       string // of the change at the destination; "" when nothing had to change
	Attempts int
}

// Apply carries the plan out; see the package comment. It reports a
// *RefusedError or a *ConflictError when the plan, or a plan made again from an
// index that has moved, must not be carried out, and ErrConflict when the index
// kept moving.
func (p *Plan) Apply(ctx context.Context) (Applied, error) {
	if err := p.Refused(); err != nil || p.Done {
		return Applied{}, err
	}
	if err := p.store(); err != nil {
		return Applied{}, err
	}
	for attempt := 1; ; attempt++ {
		id, err := p.attempt(ctx)
		if err == nil {
			p.observe(StepDone)
			return Applied{ID: id, Attempts: attempt}, nil
		}
		if !errors.Is(err, ErrMoved) {
			return Applied{}, err
		}
		if attempt == p.attempts {
			return Applied{}, &Error{Kind: ErrConflict, Detail: fmt.Sprintf("the index moved during each of %d attempts", attempt), Remedy: "try again later"}
		}
		p.observe(StepRetry)
		if err := pause(ctx, attempt); err != nil {
			return Applied{}, err
		}
		if err := p.refresh(ctx); err != nil {
			return Applied{}, err
		}
		if err := p.Refused(); err != nil || p.Done {
			return Applied{Attempts: attempt}, err
		}
	}
}

func (p *Plan) store() error {
	for _, a := range p.Archives {
		p.observe(StepStore)
		if err := p.archives.Put(a.file, a.Name, a.Summary.SHA256); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) attempt(ctx context.Context) (id string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	p.observe(StepWrite)
	id, err = p.target.Destination.Write(ctx, p.base, p.Change, p.target.Author, p.target.Now())
	if err != nil {
		return "", err
	}
	p.observe(StepAdvance)
	return id, p.target.Destination.Advance(ctx, p.base, id)
}

func (p *Plan) observe(s Step) {
	if p.target.Observe != nil {
		p.target.Observe(s)
	}
}

// pause waits a random time that grows with the attempts, so that publishers
// who met once do not meet again.
func pause(ctx context.Context, attempt int) error {
	most := min(firstPause<<min(attempt, 10), lastPause)
	timer := time.NewTimer(rand.N(most))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// readPackage reads the file of a package; data is nil when there is none.
func readPackage(tree fs.FS, name string) (path string, data []byte, err error) {
	path, err = index.Path(name)
	if err != nil {
		return "", nil, err
	}
	data, err = fs.ReadFile(tree, path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil, nil
	}
	return path, data, err
}

// subject returns the first line of a commit message.
func subject(verb, name string, versions []string) string {
	const most = 5
	list := strings.Join(versions, ", ")
	if len(versions) > most {
		list = fmt.Sprintf("%s and %d more", strings.Join(versions[:most], ", "), len(versions)-most)
	}
	return verb + " " + name + " " + list
}
