package deflate

import (
	"math"
	"math/bits"
)

// code is a code of Huffman's: its length in the low 8 bits and its bits, in the
// order in which they are written, above. Zero stands for no code.
type code uint32

func (c code) length() uint    { return uint(c & 0xff) }
func (c code) pattern() uint64 { return uint64(c >> 8) }
func newCode(n uint16, length uint8) code {
	return code(bits.Reverse16(n<<(16-length)))<<8 | code(length)
}

// huffman makes codes out of frequencies. It is for alphabets of up to
// literalCount symbols.
type huffman struct {
	codes [literalSlots]code // of the symbols, with room to index without a check

	symbols, sorted [literalCount + 1]symbol
	counts          [maxCodeLength + 1]int32
}

// symbol is one that occurs, and how often.
type symbol struct {
	value, freq uint16
}

// generate makes the codes for the frequencies, none longer than longest bits.
// Codes of one length are in the order of the symbols.
func (h *huffman) generate(freq []uint16, longest int32) {
	n := 0
	for i, f := range freq {
		h.codes[i] = 0
		if f != 0 {
			h.symbols[n] = symbol{uint16(i), f} //nolint:gosec // at most literalCount
			n++
		}
	}
	list := h.symbols[:n]
	if n <= 2 { // one bit tells two symbols apart
		for i, s := range list {
			h.codes[s.value] = newCode(uint16(i), 1) //nolint:gosec // 0 or 1
		}
		return
	}
	h.sort(list)
	h.assign(h.lengths(list, longest), list, h.codes[:len(freq)])
}

// sort sorts symbols by their frequency, and those of one frequency by value: in
// two stable passes over the bytes of the frequency.
func (h *huffman) sort(list []symbol) {
	sorted := h.sorted[:len(list)]
	for _, shift := range [2]uint{0, 8} {
		var start [257]int
		for _, s := range list {
			start[s.freq>>shift&0xff+1]++
		}
		for i := range 256 {
			start[i+1] += start[i]
		}
		for _, s := range list {
			at := &start[s.freq>>shift&0xff]
			sorted[*at] = s
			*at++
		}
		list, sorted = sorted, list
	}
}

// level is the state of the tree for one depth.
type level struct {
	last     int32 // the frequency of the last node of this level
	nextLeaf int32 // the frequency of the next symbol to be added to it
	nextPair int32 // and of the next pair of the level below
	needed   int32 // nodes that are to be made before going up
}

// never is a frequency that is never chosen.
const never = math.MaxInt32

// lengths returns how many of the sorted symbols, which are more than two, have
// codes of each length. It is the package-merge algorithm in the form of Larmore
// and Hirschberg's "boundary" variant, after Go's compress/flate.
func (h *huffman) lengths(list []symbol, longest int32) []int32 {
	n := int32(len(list)) //nolint:gosec // at most literalCount
	longest = min(longest, n-1)
	frequency := func(i int32) int32 {
		if i >= n {
			return never
		}
		return int32(list[i].freq)
	}
	var levels [maxCodeLength + 2]level
	// leaves[i][j] is how many symbols are left of the ancestor on level j of the
	// rightmost node of level i.
	var leaves [maxCodeLength + 2][maxCodeLength + 2]int32
	for i := int32(1); i <= longest; i++ {
		levels[i] = level{last: frequency(1), nextLeaf: frequency(2), nextPair: frequency(0) + frequency(1)}
		leaves[i][i] = 2
	}
	levels[1].nextPair = never
	levels[longest].needed = 2*n - 4
	for at := longest; ; {
		l := &levels[at]
		if l.nextPair == never && l.nextLeaf == never {
			// There is nothing left for this level, nor for those below.
			l.needed = 0
			levels[at+1].nextPair = never
			at++
			continue
		}
		before := l.last
		if l.nextLeaf < l.nextPair {
			l.last = l.nextLeaf
			leaves[at][at]++
			l.nextLeaf = frequency(leaves[at][at])
		} else {
			l.last = l.nextPair
			own := leaves[at][at]
			leaves[at] = leaves[at-1]
			leaves[at][at] = own
			levels[at-1].needed = 2
		}
		if l.needed--; l.needed > 0 {
			for levels[at-1].needed > 0 {
				at--
			}
			continue
		}
		if at == longest {
			break
		}
		levels[at+1].nextPair = before + l.last
		at++
	}
	counts := h.counts[:longest+1]
	for i := int32(1); i <= longest; i++ {
		counts[i] = leaves[longest][longest+1-i] - leaves[longest][longest-i]
	}
	return counts
}

// assign gives the sorted symbols their codes, of which counts says how many
// there are of each length (RFC 1951, 3.2.2).
func (h *huffman) assign(counts []int32, list []symbol, codes []code) {
	for length, n := range counts {
		if length == 0 {
			continue
		}
		rest := len(list) - int(n)
		for _, s := range list[rest:] {
			codes[s.value] = code(length) //nolint:gosec // at most maxCodeLength
		}
		list = list[:rest]
	}
	var next [maxCodeLength + 1]uint16
	first := uint16(0)
	for length := 1; length < len(counts); length++ {
		if length > 1 {
			first += uint16(counts[length-1]) //nolint:gosec // at most literalCount
		}
		first <<= 1
		next[length] = first
	}
	for i, c := range codes {
		if c != 0 {
			codes[i] = newCode(next[c], uint8(c)) //nolint:gosec // a length
			next[c]++
		}
	}
}

// size returns the bits that symbols take which are as frequent as freq says.
func (h *huffman) size(freq []uint16) int {
	total := 0
	for i, f := range freq {
		total += int(f) * int(h.codes[i].length()) //nolint:gosec // at most maxCodeLength
	}
	return total
}

// covers reports whether there is a code for all that occurs.
func (h *huffman) covers(freq []uint16) bool {
	for i, f := range freq {
		if f != 0 && h.codes[i] == 0 {
			return false
		}
	}
	return true
}

// fixedLiterals and fixedOffsets return the codes that RFC 1951, 3.2.6, fixes.
func fixedLiterals() *huffman {
	h := &huffman{}
	for i := range uint16(literalCount) {
		switch {
		case i < 144:
			h.codes[i] = newCode(i+48, 8)
		case i < 256:
			h.codes[i] = newCode(i+400-144, 9)
		case i < 280:
			h.codes[i] = newCode(i-256, 7)
		default:
			h.codes[i] = newCode(i+192-280, 8)
		}
	}
	return h
}

func fixedOffsets() *huffman {
	h := &huffman{}
	for i := range uint16(offsetCount) {
		h.codes[i] = newCode(i, 5)
	}
	return h
}
