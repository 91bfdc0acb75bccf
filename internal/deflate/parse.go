package deflate

import (
	"sync"
	"sync/atomic"
)

// mostLook is how many bytes a step of a parse looks at.
const mostLook = minMatch + maxMatch

// parse turns the bytes of a window into tokens, and takes a match only when there
// is none that is longer a byte later.
type parse struct {
	m      *matcher
	tokens tokens
	full   func() // takes the tokens away when a block has no room for more

	index   int // of the window: what is before it is in tokens, but for a pending byte
	length  int // of the match one byte before index
	offset  int
	pending bool   // the byte before index is not in tokens yet
	run     uint16 // literals since the last match, or since it overflowed
}

func newParse(m *matcher) parse {
	return parse{m: m, tokens: newTokens(), length: minMatch - 1}
}

// flushFull gives the tokens away when they are as many as a block has.
func (p *parse) flushFull() {
	if len(p.tokens.list) == maxTokens {
		p.full()
	}
}

// match returns the match at the index when it is longer than that before, and else
// anything that is not.
func (p *parse) match(before, most int) (length, offset int) {
	if length, offset, ok := p.m.recall(p.index, before); ok {
		return length, offset
	}
	length = minMatch - 1
	if before < minMatch || p.m.longer(p.index, most, before) {
		length, offset = p.m.find(p.index, most)
	}
	p.m.remember(p.index, before, length, offset)
	return length, offset
}

func (p *parse) advance(look int) {
	before, offset := p.length, p.offset
	p.length, p.offset = minMatch-1, 0
	if look > before && before < maxMatch {
		most := min(look, maxMatch)
		p.length, p.offset = p.match(before, most)
	}
	if before >= minMatch && p.length <= before {
		p.emit(before, offset, look)
		return
	}
	if p.length >= minMatch {
		p.run = 0
	}
	if !p.pending {
		p.index++
		p.pending = true
		return
	}
	p.run++
	p.tokens.literal(p.m.window[p.index-1])
	p.flushFull()
	p.index++
	if n := int(p.run) - maxTries; n > 0 {
		p.skip(1 + n>>6)
	}
}

// skip passes over some bytes, for there have been no matches for long.
func (p *parse) skip(n int) {
	for range n {
		if p.index >= p.m.end-1 {
			break
		}
		p.tokens.literal(p.m.window[p.index-1])
		p.flushFull()
		p.index++
	}
	p.tokens.literal(p.m.window[p.index-1])
	p.pending = false
	p.flushFull()
}

// emit adds the match that was found a byte before index.
func (p *parse) emit(length, offset, look int) {
	// See whether the bytes after it and its end have a longer match, and move it.
	const skipped = 2
	window := p.m.window[:]
	if prev, limit := p.index-1, p.m.end-(minMatch-1); length < maxMatch-skipped && prev+length < limit {
		place := -1
		if i := p.m.before(prev+length, p.index); i >= 0 {
			place = i - length
		}
		if prev-place != offset && place > max(0, p.index-windowSize)+skipped {
			end := prev + min(look, maxMatch+skipped)
			if n := matchLength(window[prev+skipped:end], window[place+skipped:]); n > length {
				length, offset = n, prev-place
				for i := skipped - 1; i >= 0; i-- {
					if length < maxMatch && window[prev+i] == window[place+i] {
						length++
						continue
					}
					for j := range i + 1 {
						p.tokens.literal(window[prev+j])
						p.flushFull()
						p.index++
					}
					break
				}
			}
		}
	}
	p.tokens.match(length, offset)
	p.index += length - 1
	p.pending = false
	p.length = minMatch - 1
	p.flushFull()
	p.run = 0
}

// ahead parses the second half of what is new in a window while the first half is
// parsed. Of that only the matches are kept, which are the same whoever looks for
// them: two parses of the same bytes soon ask for the same ones, wherever they
// began. So it makes no difference to the bytes how far it comes.
type ahead struct {
	parse
	done    sync.WaitGroup
	stopped atomic.Bool
}

func newAhead(m *matcher) *ahead {
	m.known = &[2 * windowSize]atomic.Uint64{}
	a := &ahead{parse: newParse(m)}
	a.full = a.tokens.reset
	return a
}

// start parses from the middle between index and the end of the window on.
func (a *ahead) start(index int) {
	a.m.round++
	a.stopped.Store(false)
	a.index = index + (a.m.end-index)/2
	a.length, a.pending, a.run = minMatch-1, false, 0
	a.tokens.reset()
	a.done.Go(func() {
		for look := a.m.end - a.index; look >= mostLook && !a.stopped.Load(); look = a.m.end - a.index {
			a.advance(look)
		}
	})
}

// stop ends that and waits for it.
func (a *ahead) stop() {
	a.stopped.Store(true)
	a.done.Wait()
}
