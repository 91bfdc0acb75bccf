package deflate

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// matcher finds matches in a window: 64 KiB, of which the second half is new.
type matcher struct {
	window window
	end    int    // of what is in it
	base   uint32 // number of the first place in the stream

	chains []*chain
	rank   [2 * windowSize]uint16 // of a place in the first chain, modulo 1<<16
	best   [maxMatch + 1]uint8    // chain of what is longer than so many bytes

	cost [2*windowSize + 1]int32 // of the bytes up to a place, as literals, in bits

	known *[2 * windowSize]atomic.Uint64 // matches that were found in a round; may be nil
	round uint64
}

func newMatcher() *matcher {
	m := &matcher{base: 4 * windowSize}
	for _, size := range chainSizes() {
		m.chains = append(m.chains, newChain(size))
	}
	for length := range m.best {
		for i, c := range m.chains {
			if c.size <= length+1 {
				m.best[length] = uint8(i) //nolint:gosec // a few chains
			}
		}
	}
	return m
}

// chainSizes returns for how many bytes there are chains. Those of more than four
// bytes find the same matches, for what they pass over has fewer bytes in common
// than the match that is to be surpassed.
func chainSizes() []int { return []int{minMatch, 8, 16} }

// index links the places up to the end of the window, which are new from place
// "from" on. The stream has been written up to index, and the places that were too
// near the end to be linked when that passed over them are left out. Nobody else may use
// the matcher meanwhile.
func (m *matcher) index(from, index int, parallel bool) {
	var others sync.WaitGroup
	longer := func() {
		for _, c := range m.chains[1:] {
			m.link(c, from, index)
		}
	}
	if parallel {
		others.Go(longer)
	} else {
		longer()
	}
	first := m.chains[0]
	start := m.link(first, from, index)
	for p := start; p <= m.end-minMatch; p++ {
		m.rank[p] = 0
		if d := int(first.back[p]); d > 0 {
			m.rank[p] = m.rank[p-d] + 1
		}
	}
	others.Wait()
}

// link adds the new places to a chain, and returns the first of those that are not
// from before a hole.
func (m *matcher) link(c *chain, from, index int) (resume int) {
	hole := max(0, from-minMatch+1)
	resume = max(hole, index)
	to := max(0, m.end-c.size+1)
	c.add(&m.window, max(0, from-c.size+1), min(hole, to), m.base)
	c.add(&m.window, resume, to, m.base)
	return resume
}

// remember keeps what was found at a place for the parse with the match before it.
func (m *matcher) remember(pos, before, length, offset int) {
	if m.known != nil {
		m.known[pos].Store((m.round<<9|uint64(before))<<26 | uint64(length)<<17 | uint64(offset)) //nolint:gosec // lengths and an offset
	}
}

// recall returns what is remembered of this round.
func (m *matcher) recall(pos, before int) (length, offset int, ok bool) {
	if m.known == nil {
		return 0, 0, false
	}
	e := m.known[pos].Load()
	return int(e >> 17 & 0x1ff), int(e & 0x1ffff), e>>26 == m.round<<9|uint64(before) //nolint:gosec // as above
}

// shift drops the first half of the window.
func (m *matcher) shift() {
	copy(m.window[:windowSize], m.window[windowSize:2*windowSize])
	copy(m.rank[:windowSize], m.rank[windowSize:])
	m.end -= windowSize
	m.base += windowSize
	for _, c := range m.chains {
		c.shift()
		if m.base%(1<<30) < windowSize {
			c.forget(m.base + uint32(m.end)) //nolint:gosec // at most windowSize
		}
	}
}

// find returns the match at a place that saves the most, of those that are longer
// than all others that save something and are nearer; length is less than minMatch
// when there is none. At most look bytes are compared.
func (m *matcher) find(pos, look int) (length, offset int) {
	window, cost := m.window[:pos+look], m.cost[pos:pos+look+1]
	least := max(0, pos-windowSize)
	length, gain, seen := minMatch-1, int32(4), pos
	rank := m.rank[pos]
	for {
		c := m.chains[m.best[length]]
		i := pos
		if seen < pos && c.size <= length {
			i = seen
		}
		tail := binary.LittleEndian.Uint32(window[pos+length-3:])
		var better bool
		for steps := 0; ; steps++ {
			d := int(c.back[i])
			if i -= d; d == 0 || i < least {
				return length, offset
			}
			if i >= seen {
				continue
			}
			if binary.LittleEndian.Uint32(window[i+length-3:]) != tail {
				if steps > maxTries && rank-m.rank[i] > maxTries && same(window, i, pos) {
					return length, offset
				}
				continue
			}
			n := matchLength(window[pos:], window[i:])
			if n <= length {
				continue
			}
			if rank-m.rank[i] > maxTries {
				return length, offset
			}
			saved := cost[n] - cost[0] - matchCost(n, pos-i)
			if saved > gain {
				length, offset, gain, seen, better = n, pos-i, saved, i, true
				break
			}
		}
		if !better || length >= look {
			return length, offset
		}
	}
}

func same(window []byte, i, j int) bool {
	return binary.LittleEndian.Uint32(window[i:]) == binary.LittleEndian.Uint32(window[j:])
}

// matchCost returns about how many bits a match takes. An offset of windowSize is
// taken for a nearer one.
func matchCost(length, offset int) int32 {
	const base = 3
	symbol := offsetCode(uint32(offset)) //nolint:gosec // at most windowSize
	if offset == windowSize {
		symbol = 14
	}
	return int32(offsetBits(int(symbol))+lengthBits(lengthSymbol(length-minLength))) + base //nolint:gosec // at most 31
}

// longer reports whether find can return a match of more than length bytes. When
// it says no, that is so.
func (m *matcher) longer(pos, look, length int) bool {
	if length >= look {
		return false
	}
	window := m.window[:pos+look]
	least := max(0, pos-windowSize)
	c := m.chains[m.best[length]]
	tail := binary.LittleEndian.Uint32(window[pos+length-3:])
	for i, steps := pos, 0; steps <= maxTries; steps++ {
		d := int(c.back[i])
		if i -= d; d == 0 || i < least {
			return false
		}
		if binary.LittleEndian.Uint32(window[i+length-3:]) == tail && matchLength(window[pos:], window[i:]) > length {
			return true
		}
	}
	return true
}

// before returns the last place up to limit that is linked with place p, or -1.
func (m *matcher) before(p, limit int) int {
	for back := &m.chains[0].back; p > limit; {
		d := int(back[p])
		if d == 0 {
			return -1
		}
		p -= d
	}
	return p
}
