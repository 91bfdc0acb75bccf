package inflate

import "math/bits"

// code is an entry of a table: the bits it takes, what it is, how many bits
// follow it, and a value.
//
//	bits  0-3   length of the code
//	bits  4-7   kind
//	bits  8-15  bits that follow and are added to the value
//	bits 16-31  literal, length, distance, or place of another table
type code uint32

// Kinds of codes. Zero is a code that does not exist.
const (
	literal  code = (iota + 1) << 4
	match         // a length or a distance
	finish        // the end of a block
	link          // the code is longer than the index of the table
	kindMask = code(0xf0)
)

func (c code) length() uint { return uint(c & 15) }
func (c code) extra() uint  { return uint(c >> 8 & 0xff) }
func (c code) value() int   { return int(c >> 16) }

const maxCodeLength = 15

// table finds a code by the bits that come next. Codes longer than its index
// are in tables of their own behind it.
type table struct {
	codes []code
	bits  uint // of the index
	room  []code
}

// build makes the table of a Huffman code, given the lengths of the codes of all
// symbols and what the symbols mean. The index has at most limit bits. It reports
// whether there is such a code.
func (t *table) build(lengths []uint8, meaning []code, limit uint) bool {
	var count, next [maxCodeLength + 2]uint16
	for _, n := range lengths {
		count[n]++
	}
	longest := uint(maxCodeLength)
	for longest > 0 && count[longest] == 0 {
		longest--
	}
	count[0] = 0
	free := 1 // codes of this length that are not the beginning of a shorter one
	for n := uint(1); n <= longest; n++ {
		next[n+1] = (next[n] + count[n]) << 1
		if free = free<<1 - int(count[n]); free < 0 {
			return false
		}
	}
	// A code with one symbol leaves half of the room free; none at all is a table
	// that must not be used.
	if free > 0 && longest > 1 {
		return false
	}
	t.bits = min(longest, limit)
	t.codes = append(t.room[:0], make([]code, 1<<t.bits)...)
	for symbol, n := range lengths {
		if n > 0 {
			t.add(bits.Reverse16(next[n])>>(16-n), uint(n), longest, meaning[symbol])
			next[n]++
		}
	}
	t.room = t.codes
	return true
}

// add puts a code, with its first bit lowest, into the table.
func (t *table) add(reversed uint16, n, longest uint, what code) {
	what |= code(n)
	if n <= t.bits {
		for i := uint(reversed); i < 1<<t.bits; i += 1 << n {
			t.codes[i] = what
		}
		return
	}
	further := longest - t.bits
	first := &t.codes[uint(reversed)&(1<<t.bits-1)]
	if *first == 0 {
		*first = link | code(len(t.codes))<<16 | code(further)<<8
		t.codes = append(t.codes, make([]code, 1<<further)...)
		first = &t.codes[uint(reversed)&(1<<t.bits-1)]
	}
	inner := t.codes[first.value():]
	for i := uint(reversed) >> t.bits; i < 1<<further; i += 1 << (n - t.bits) {
		inner[i] = what
	}
}
