package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
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

// Target says where a change goes, who makes it and when. It has a Destination,
// which is moved, or a Forge, where a pull request is opened.
type Target struct {
	Destination Destination
	Forge       Forge
	AutoMerge   bool // ask the forge to merge when what the index requires is there
	Author      Author
	Now         func() time.Time
	Observe     func(Step) // called before each step of Apply; may be nil
}

// Head returns the present state of the index that the change is made for.
func (t Target) Head(ctx context.Context) (State, error) {
	if t.Forge != nil {
		return t.Forge.Head(ctx)
	}
	return t.Destination.Head(ctx)
}

// String is the address of the index for people.
func (t Target) String() string {
	if t.Forge != nil {
		return t.Forge.String()
	}
	return t.Destination.String()
}

// Step is a step of Apply.
type Step string

// The steps, in their order.
const (
	StepSign    Step = "sign the archive"
	StepStore   Step = "store the archive"
	StepWrite   Step = "write the change"
	StepAdvance Step = "move the index"
	StepPropose Step = "open or update the pull request"
	StepClose   Step = "close the pull requests that this one replaces"
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
	wanted   string // the version that was named, "" for all
	branch   string // of a change that is about no version
	base     State
	derive   deriveFunc
	proposed []byte   // the file as an open pull request has it, nil when there is none
	release  *release // of a package that is published
	store    Store
	stored   bool
	attempts int
}

// deriveFunc makes a change from a tree. It is called again when the index has
// moved. What is proposed already, which may be nil, decides where a choice is
// free, such as the time. The result's Done tells that there is nothing to
// change.
type deriveFunc func(tree fs.FS, proposed []byte) (derived, error)

type derived struct {
	change   Change
	lines    [][]byte
	versions []string
	done     bool
	kind     index.Kind // "" when it is the plan's
	judged   []byte     // the file for the review, when that is not what is in the change
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
	base, err := p.target.Head(ctx)
	if err != nil {
		return err
	}
	if err := checkIndex(base.Tree, p.target.String()); err != nil {
		return err
	}
	p.base = base
	return p.rederive()
}

// rederive makes the plan again from the state of the index that it knows.
func (p *Plan) rederive() error {
	d, err := p.derive(p.base.Tree, p.proposed)
	if err != nil {
		return err
	}
	p.Done, p.Change, p.Lines, p.Versions, p.Report = d.done, d.change, d.lines, d.versions, nil
	if d.kind != "" {
		p.Kind = d.kind
	}
	if p.Done {
		return nil
	}
	head := overlay{tree: p.base.Tree, path: d.change.Path, data: d.change.After}
	if d.judged != nil {
		head.data = d.judged
	}
	var judged fs.FS = head
	for path, data := range d.change.Others {
		judged = WithFile(judged, path, data)
	}
	p.Report, err = review.Judge(review.Input{Base: p.base.Tree, Head: judged, Now: p.target.Now(), Evidence: p.evidence()})
	return err
}

// evidence is what is known about a version before anything of it is uploaded.
// The review holds the line to it by the rules that the index will use.
func (p *Plan) evidence() map[string]*review.Evidence {
	if p.release == nil {
		return nil
	}
	return p.release.evidence()
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
	text := udiff.Unified(before, "b/"+p.Change.Path, string(p.Change.Before), string(p.Change.After))
	for _, path := range slices.Sorted(maps.Keys(p.Change.Others)) {
		text += udiff.Unified("/dev/null", "b/"+path, "", string(p.Change.Others[path]))
	}
	return text
}

// Close removes the packed archives.
func (p *Plan) Close() error { return removeArchives(p.Archives) }

// Applied is what Apply did.
type Applied struct {
	ID       string // of the change at the destination, or on the branch; "" when nothing was written
	Attempts int
	Proposal *Proposal // at a forge; nil when the index has it all already
}

// Apply carries the plan out; see the package comment. It reports a
// *RefusedError or a *ConflictError when the plan, or a plan made again from an
// index that has moved, must not be carried out, and ErrConflict when the index
// kept moving.
func (p *Plan) Apply(ctx context.Context) (Applied, error) {
	try := p.move
	if p.target.Forge != nil {
		try = p.propose
	}
	for attempt := 1; ; attempt++ {
		applied, err := try(ctx)
		if err == nil {
			p.observe(StepDone)
			applied.Attempts = attempt
			return applied, nil
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
	}
}

// move makes one attempt to move the index.
func (p *Plan) move(ctx context.Context) (Applied, error) {
	if err := p.Refused(); err != nil || p.Done {
		return Applied{}, err
	}
	if err := p.prepare(ctx); err != nil {
		return Applied{}, err
	}
	id, err := p.attempt(ctx)
	return Applied{ID: id}, err
}

// prepare signs the release and stores the archives, once.
func (p *Plan) prepare(ctx context.Context) error {
	if p.release == nil {
		return nil
	}
	if err := p.sign(ctx); err != nil {
		return err
	}
	if p.stored {
		return nil
	}
	for _, a := range p.Archives {
		p.observe(StepStore)
		if err := p.store.Put(ctx, a.file, a.Name, a.Summary.SHA256); err != nil {
			return err
		}
	}
	p.stored = true
	return nil
}

// sign has the line signed, unless it is already, and puts the signature into
// it. The review judges the line again.
func (p *Plan) sign(ctx context.Context) error {
	r := p.release
	if r.sign == nil || r.signed(p.proposed) {
		return nil
	}
	p.observe(StepSign)
	entry := r.entry.Clone()
	entry.Att = nil
	att, err := r.sign(ctx, entry)
	if err != nil {
		return err
	}
	r.entry.Att = att
	if err := p.rederive(); err != nil {
		return err
	}
	return p.Refused()
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

// Subject returns the first line of a commit message: what is done to which
// versions of a package.
func Subject(verb, name string, versions []string) string {
	const most = 5
	list := strings.Join(versions, ", ")
	if len(versions) > most {
		list = fmt.Sprintf("%s and %d more", strings.Join(versions[:most], ", "), len(versions)-most)
	}
	return verb + " " + name + " " + list
}
