package git

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/pjbgf/sha1cd"
)

// family is an object that is no difference to another in the pack, with all
// that are differences to it, and to those.
type family struct {
	kind    plumbing.ObjectType
	root    int32                  // of the pack; -1: content is from elsewhere
	content func() ([]byte, error) // if root is -1
	first   []int32                // if root is -1: the differences to it
}

// readInner keeps commits, trees and tags in memory.
func (p *Pack) readInner() error {
	w := p.worker(func(id ID, kind plumbing.ObjectType, content []byte) error {
		p.inner[id] = innerPart{kind, slices.Clone(content)}
		return nil
	})
	for i, o := range p.objects {
		if o.kind != plumbing.CommitObject && o.kind != plumbing.TreeObject && o.kind != plumbing.TagObject {
			continue
		}
		if err := w.family(family{kind: o.kind, root: int32(i)}); err != nil {
			return err
		}
	}
	return p.eachOuterBase(func(f family) error {
		if f.kind == plumbing.BlobObject {
			return nil
		}
		return w.family(f)
	})
}

// eachOuterBase calls visit for the objects outside of the pack that some of
// its objects are differences to.
func (p *Pack) eachOuterBase(visit func(family) error) error {
	for id, first := range p.byRef {
		if _, ok := p.inner[id]; ok || p.base == nil {
			continue
		}
		name, content, err := p.base(id)
		if errors.Is(err, ErrNotFound) {
			continue // a file of the pack, or it is missed when an object is asked for
		}
		if err != nil {
			return err
		}
		kind, err := plumbing.ParseObjectType(name)
		if err != nil {
			return err
		}
		if err := visit(family{kind: kind, root: -1, content: content, first: first}); err != nil {
			return err
		}
	}
	return nil
}

// Tree reads a tree of the pack; false when it has none with that ID.
func (p *Pack) Tree(id ID) (content []byte, ok bool) {
	part, ok := p.inner[id]
	return part.content, ok && part.kind == plumbing.TreeObject
}

// Commit reads a commit of the pack. The error is [ErrNotFound] when it has
// none with that ID.
func (p *Pack) Commit(id Hash) (*CommitInfo, error) {
	part, ok := p.inner[plumbing.NewHash(id)]
	if !ok || part.kind != plumbing.CommitObject {
		return nil, &Error{Op: "read commit", Name: id, Kind: ErrNotFound}
	}
	return ParseCommit(id, part.content)
}

// RawCommit is a commit of the pack as git keeps it.
func (p *Pack) RawCommit(id Hash) []byte { return p.inner[plumbing.NewHash(id)].content }

// Forget gives up the commits and trees of the pack, when only its files and tags
// are wanted any more.
func (p *Pack) Forget() {
	tags := map[ID]innerPart{} // not what is left of a large map
	for id, part := range p.inner {
		if part.kind == plumbing.TagObject {
			tags[id] = part
		}
	}
	p.inner = tags
}

// Files calls the visitors, each in a goroutine of its own, with every file
// whose content is in the pack. The content is valid during the call. An error
// of one ends all.
func (p *Pack) Files(visitors ...func(id ID, content []byte) error) error {
	var roots []int32 // of the families in the pack, of which there may be a million
	for i, o := range p.objects {
		if o.kind == plumbing.BlobObject {
			roots = append(roots, int32(i))
		}
	}
	var outer []family
	err := p.eachOuterBase(func(f family) error {
		if f.kind == plumbing.BlobObject {
			outer = append(outer, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	work := func(w *packWorker, n int) error {
		if n < len(roots) {
			return w.family(family{kind: plumbing.BlobObject, root: roots[n]})
		}
		return w.family(outer[n-len(roots)])
	}
	var next atomic.Int64
	var stop atomic.Bool
	var group sync.WaitGroup
	errs := make([]error, len(visitors))
	for i, visit := range visitors {
		w := p.worker(func(id ID, _ plumbing.ObjectType, content []byte) error { return visit(id, content) })
		group.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(roots)+len(outer)) && !stop.Load(); n = next.Add(1) - 1 {
				if errs[i] = work(w, int(n)); errs[i] != nil {
					stop.Store(true)
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// packWorker puts objects together, for one goroutine.
type packWorker struct {
	pack  *Pack
	visit func(id ID, kind plumbing.ObjectType, content []byte) error
	hash  interface {
		io.Writer
		Reset()
		Sum([]byte) []byte
	}
	levels [][]byte // contents on the way from the root of a family
	delta  []byte
}

func (p *Pack) worker(visit func(id ID, kind plumbing.ObjectType, content []byte) error) *packWorker {
	return &packWorker{pack: p, visit: visit, hash: sha1cd.New()}
}

func (w *packWorker) level(n int) *[]byte {
	for len(w.levels) <= n {
		w.levels = append(w.levels, nil)
	}
	return &w.levels[n]
}

// family visits all objects of a family.
func (w *packWorker) family(f family) error {
	if f.root < 0 {
		content, err := f.content()
		if err != nil {
			return err
		}
		return w.differences(f.kind, content, f.first, 0)
	}
	o := w.pack.objects[f.root]
	content := w.level(0)
	if err := w.load(content, o); err != nil {
		return err
	}
	return w.object(f.kind, f.root, *content, 0)
}

// load reads what stands in the pack for an object.
func (w *packWorker) load(into *[]byte, o packed) error {
	*into = slices.Grow((*into)[:0], int(o.size))[:o.size]
	_, err := w.pack.spool.ReadAt(*into, o.at)
	return err
}

// object visits an object and all that are differences to it.
func (w *packWorker) object(kind plumbing.ObjectType, number int32, content []byte, depth int) error {
	id := w.id(kind, content)
	if err := w.visit(id, kind, content); err != nil {
		return err
	}
	for n := w.pack.children[number]; n >= 0; n = w.pack.objects[n].sibling {
		if err := w.difference(kind, content, n, depth+1); err != nil {
			return err
		}
	}
	return w.differences(kind, content, w.pack.byRef[id], depth)
}

func (w *packWorker) differences(kind plumbing.ObjectType, content []byte, numbers []int32, depth int) error {
	for _, n := range numbers {
		if err := w.difference(kind, content, n, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *packWorker) difference(kind plumbing.ObjectType, base []byte, number int32, depth int) error {
	if depth > maxDeltaDepth {
		return malformed("differences to differences, %d deep", depth)
	}
	if err := w.load(&w.delta, w.pack.objects[number]); err != nil {
		return err
	}
	content, err := applyDelta((*w.level(depth))[:0], base, w.delta)
	if err != nil {
		return err
	}
	w.levels[depth] = content
	return w.object(kind, number, content, depth)
}

// id computes the ID of an object, and refuses one that was made to have the ID
// of another.
func (w *packWorker) id(kind plumbing.ObjectType, content []byte) (id ID) {
	w.hash.Reset()
	_, _ = w.hash.Write(append(strconv.AppendInt(append(kind.Bytes(), ' '), int64(len(content)), 10), 0)) // never fails
	_, _ = w.hash.Write(content)
	copy(id[:], w.hash.Sum(nil))
	return id
}

// errDelta reports a difference that does not fit what it is to.
func errDelta() error { return malformed("a difference does not fit") }

// applyDelta appends to dst what a difference makes of base.
func applyDelta(dst, base, delta []byte) ([]byte, error) {
	from, delta, ok := deltaSize(delta)
	to, delta, ok2 := deltaSize(delta)
	if !ok || !ok2 || from != len(base) {
		return nil, errDelta()
	}
	if to > maxObjectSize {
		return nil, &UnsafeError{Rule: "object/size", Detail: fmt.Sprintf("%d bytes, more than %d", to, maxObjectSize)}
	}
	dst = slices.Grow(dst, to)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var piece []byte
		if op&0x80 != 0 {
			var at, size int
			if at, size, delta, ok = deltaCopy(op, delta); !ok || at > len(base) || size > len(base)-at {
				return nil, errDelta()
			}
			piece = base[at : at+size]
		} else {
			if op == 0 || int(op) > len(delta) {
				return nil, errDelta()
			}
			piece, delta = delta[:op], delta[op:]
		}
		if len(piece) > to-len(dst) {
			return nil, errDelta()
		}
		dst = append(dst, piece...)
	}
	if len(dst) != to {
		return nil, errDelta()
	}
	return dst, nil
}

// deltaSize reads a size, seven bits in each byte.
func deltaSize(delta []byte) (size int, rest []byte, ok bool) {
	for i, b := range delta {
		if i > 4 {
			break
		}
		size |= int(b&0x7f) << (7 * i)
		if b&0x80 == 0 {
			return size, delta[i+1:], true
		}
	}
	return 0, nil, false
}

// deltaCopy reads where and how much of the base is copied: op says which bytes
// of the two numbers are there.
func deltaCopy(op byte, delta []byte) (at, size int, rest []byte, ok bool) {
	for i := range 7 {
		if op&(1<<i) == 0 {
			continue
		}
		if len(delta) == 0 {
			return 0, 0, nil, false
		}
		if i < 4 {
			at |= int(delta[0]) << (8 * i)
		} else {
			size |= int(delta[0]) << (8 * (i - 4))
		}
		delta = delta[1:]
	}
	if size == 0 {
		size = 0x10000
	}
	return at, size, delta, true
}
