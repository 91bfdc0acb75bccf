package deflate

import (
	"encoding/binary"
	"math/bits"
)

const (
	windowSize = 1 << 15
	minLength  = 3 // of a match in the format
	minMatch   = 4 // of one that is looked for
	maxMatch   = 258

	// maxTries is how many earlier places with the same hash of four bytes are
	// looked at.
	maxTries      = 1024
	hashBits      = 17
	shortHashBits = 15
)

// window is 64 KiB of the stream, of which the second half is new, and room for
// the eight bytes that hashes read.
type window [2*windowSize + 8]byte

// chain links each place of the window with the one before it that begins with
// the same bytes.
type chain struct {
	size  int  // how many bytes
	drop  uint // bits of a hash that are not used
	heads [1 << hashBits]uint32
	back  [2 * windowSize]uint16 // how far before; 0 when there is none in reach
}

// newChain returns a chain for places that have so many bytes in common. That of
// four bytes decides what is looked at, and so what is written; the others only
// what is passed over, and need less of a table.
func newChain(size int) *chain {
	if size == minMatch {
		return &chain{size: size, drop: 32 - hashBits}
	}
	return &chain{size: size, drop: 64 - shortHashBits}
}

// add links the places from one up to another. Place p is number base+p of the
// whole stream, modulo 1<<32.
func (c *chain) add(window *window, from, to int, base uint32) {
	const prime = 0x9E3779B185EBCA87
	switch {
	case from >= to:
	case c.size == minMatch:
		for i, w := from, window[from:to+7]; len(w) >= 8; i, w = i+1, w[1:] {
			c.link(uint32(i), binary.LittleEndian.Uint32(w)*2654435761>>c.drop, base) //nolint:gosec // at most 2*windowSize
		}
	case c.size <= 8:
		unused := uint(64 - 8*c.size) //nolint:gosec // not negative
		for i, w := from, window[from:to+7]; len(w) >= 8; i, w = i+1, w[1:] {
			h := binary.LittleEndian.Uint64(w) << (unused & 63) * prime >> (c.drop & 63)
			c.link(uint32(i), uint32(h), base) //nolint:gosec // as above
		}
	default:
		rest := window[from+c.size-8:]
		for i, w := from, window[from:to+7]; len(w) >= 8 && len(rest) >= 8; i, w, rest = i+1, w[1:], rest[1:] {
			h := (binary.LittleEndian.Uint64(w)*prime ^ bits.RotateLeft64(binary.LittleEndian.Uint64(rest), 29)) * prime >> (c.drop & 63)
			c.link(uint32(i), uint32(h), base) //nolint:gosec // as above
		}
	}
}

// link links place p, whose bytes have the hash given.
func (c *chain) link(p, hash, base uint32) {
	head := &c.heads[hash%(1<<hashBits)]
	d := base + p - *head
	*head = base + p
	if d > min(p, windowSize) {
		d = 0
	}
	c.back[p%(2*windowSize)] = uint16(d) //nolint:gosec // at most windowSize
}

// shift moves the window on by windowSize.
func (c *chain) shift() { copy(c.back[:windowSize], c.back[windowSize:]) }

// forget sees to it that places out of reach of number now stay so when numbers
// overflow. It is called more often than they do.
func (c *chain) forget(now uint32) {
	for h, number := range c.heads {
		if now-number > 2*windowSize {
			c.heads[h] = now - 2*windowSize
		}
	}
}

// matchLength returns how many bytes a and b have in common, at most len(a).
func matchLength(a, b []byte) int {
	b = b[:len(a)]
	n := 0
	for len(a) >= 8 && len(b) >= 8 {
		if diff := binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b); diff != 0 {
			return n + bits.TrailingZeros64(diff)/8
		}
		a, b = a[8:], b[8:]
		n += 8
	}
	for i := range a {
		if a[i] != b[i] {
			return n + i
		}
	}
	return n + len(a)
}
