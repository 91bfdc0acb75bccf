package deflate

import (
	"math"
	"math/bits"
)

const (
	offsetCount  = 30  // codes of offsets
	literalCount = 286 // codes of literals, of the end and of lengths
	literalSlots = 512 // a power of two that holds them
	endOfBlock   = 256
	lengthStart  = 257 // the code of the shortest length

	maxCodeLength = 15
	maxTokens     = 1 << 15 // in a block
)

// token is a literal, or a match: the length less 3 in the bits from 22, the code
// of the offset in those from 16, and the offset less 1 below.
type token uint32

const matchToken token = 1 << 30

// tokens are those of a block and how often each symbol occurs in them.
type tokens struct {
	literals [literalCount]uint16 // with the lengths
	offsets  [offsetCount]uint16
	list     []token
	lengths  lengthCodes
}

func newTokens() tokens {
	return tokens{list: make([]token, 0, maxTokens+2), lengths: newLengthCodes()}
}

func (t *tokens) reset() {
	t.literals = [literalCount]uint16{}
	t.offsets = [offsetCount]uint16{}
	t.list = t.list[:0]
}

func (t *tokens) literal(b byte) {
	t.literals[b]++
	t.list = append(t.list, token(b))
}

func (t *tokens) match(length, offset int) {
	symbol := offsetCode(uint32(offset - 1))                               //nolint:gosec // at most windowSize
	t.literals[lengthStart+int(t.lengths.code[(length-minLength)&0xff])]++ // at most maxMatch
	t.offsets[symbol%offsetCount]++
	t.list = append(t.list, matchToken|token(length-minLength)<<22|token(symbol)<<16|token(offset-1)) //nolint:gosec // as above
}

// end adds the end of the block.
func (t *tokens) end() {
	t.literals[endOfBlock]++
	t.list = append(t.list, endOfBlock)
}

// lengthCodes are, for each length less minLength, its code less lengthStart, the
// extra bits, and their number.
type lengthCodes struct {
	code, extra, bits [256]uint8
}

// newLengthCodes builds the table of RFC 1951, 3.2.5.
func newLengthCodes() lengthCodes {
	var l lengthCodes
	for i := range 256 {
		symbol, base := i, i
		if i >= 8 {
			n := bits.Len(uint(i)) - 3 //nolint:gosec // not negative
			symbol = 4*n + i>>n
			base = i >> n << n
			l.bits[i] = uint8(n) //nolint:gosec // at most 5
		}
		l.code[i], l.extra[i] = uint8(symbol), uint8(i-base) //nolint:gosec // at most 255
	}
	l.code[255], l.extra[255], l.bits[255] = 28, 0, 0
	return l
}

// lengthSymbol returns the code, less lengthStart, of a length less minLength.
func lengthSymbol(length int) int {
	if length < 8 {
		return length
	}
	if length == 255 {
		return 28
	}
	n := bits.Len(uint(length)) - 3 //nolint:gosec // not negative
	return 4*n + length>>n
}

// lengthBits returns how many extra bits the code of a length has.
func lengthBits(symbol int) int {
	if symbol < 8 || symbol == 28 {
		return 0
	}
	return symbol/4 - 1
}

// offsetCode returns the code of an offset less 1.
func offsetCode(offset uint32) uint32 {
	if offset < 2 {
		return offset
	}
	n := uint32(bits.Len32(offset)) - 1 //nolint:gosec // at most 31
	return 2*n + offset>>(n-1)&1
}

// offsetBits returns how many extra bits the code of an offset has.
func offsetBits(symbol int) int { return max(0, symbol/2-1) }

// extraBits returns the bits that stand beside the codes.
func (t *tokens) extraBits() int {
	total := 0
	for i, n := range t.literals[lengthStart:] {
		total += int(n) * lengthBits(i)
	}
	for i, n := range t.offsets {
		total += int(n) * offsetBits(i)
	}
	return total
}

// estimate returns about how many bits the block takes with codes of its own.
// Whether those of the block before are used again hangs on it, so every
// operation is one of float32, in this order.
func (t *tokens) estimate() int {
	total := len(t.list)
	if total == 0 {
		return 0
	}
	matches := 0
	shannon := entropy(0, t.literals[:endOfBlock], total) + 15 // for the end
	shannon = entropy(shannon, t.literals[lengthStart:], total)
	for _, n := range t.literals[lengthStart:] {
		matches += int(n)
	}
	if matches > 0 {
		shannon = entropy(shannon, t.offsets[:], matches)
	}
	return int(shannon) + t.extraBits()
}

// entropy adds to a sum what symbols of these frequencies take.
func entropy(sum float32, freq []uint16, total int) float32 {
	inverse := 1 / float32(total)
	for _, v := range freq {
		if v > 0 {
			n := float32(v)
			sum += float32(min(max(-log2(float32(n*inverse)), 1), 15) * n)
		}
	}
	return sum
}

// log2 is an approximation (https://stackoverflow.com/a/28730362). The conversions
// keep the compiler from fusing a multiplication with an addition, as some
// processors can, which rounds otherwise.
func log2(v float32) float32 {
	u := int32(math.Float32bits(v)) //nolint:gosec // the bits of v
	log := float32((u>>23)&255 - 128)
	u &= -0x7f800001
	u += 127 << 23
	f := math.Float32frombits(uint32(u)) //nolint:gosec // as above
	p := float32(-0.34484843*f) + 2.02466578
	q := float32(p*f) - 0.67487759
	return log + q
}
