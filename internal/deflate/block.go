package deflate

import (
	"encoding/binary"
	"io"
	"math"
)

const (
	// fewTokens are so few that the fixed codes may do.
	fewTokens = 250
	// newTablePenalty is how many times as large, in bits of a shift, the estimate
	// of codes of its own is than what it adds for their being no optimum.
	newTablePenalty = 8
	// maxStored is the size of the largest stored block.
	maxStored = 65535

	lengthOrder = "\x10\x11\x12\x00\x08\x07\x09\x06\x0a\x05\x0b\x04\x0c\x03\x0d\x02\x0e\x01\x0f"
	runCodes    = len(lengthOrder)
	runEnd      = 0xff // after the runs
)

// blocks writes blocks of RFC 1951. Blocks that follow each other and would have
// about the same codes are one: the header is not written again, and the end of
// the block is owed.
type blocks struct {
	w   io.Writer
	err error

	out  []byte
	bits uint64 // that are not in out yet
	n    uint   // how many
	owed int    // size of the header whose block is not ended, or 0

	literals, offsets, runs     *huffman
	fixedLiterals, fixedOffsets *huffman

	run     [literalCount + offsetCount + 1]uint8 // lengths of codes, as they are written
	runFreq [runCodes]uint16
}

func newBlocks(w io.Writer) *blocks {
	return &blocks{
		w: w, out: make([]byte, 0, 256<<10),
		literals: &huffman{}, offsets: &huffman{}, runs: &huffman{},
		fixedLiterals: fixedLiterals(), fixedOffsets: fixedOffsets(),
	}
}

// flush hands over what is whole bytes.
func (b *blocks) flush() {
	if b.err == nil && len(b.out) > 0 {
		_, b.err = b.w.Write(b.out)
	}
	b.out = b.out[:0]
}

func (b *blocks) put(bits uint64, n uint) {
	b.bits |= bits << b.n
	b.n += n
	for b.n >= 8 {
		b.out = append(b.out, byte(b.bits)) //nolint:gosec // the low byte
		b.bits >>= 8
		b.n -= 8
	}
}

func (b *blocks) putCode(c code) { b.put(c.pattern(), c.length()) }

// align fills the last byte.
func (b *blocks) align() {
	if b.n > 0 {
		b.put(0, 8-b.n)
	}
}

// endOwed ends the block before, if that is still to be done.
func (b *blocks) endOwed() {
	if b.owed > 0 {
		b.putCode(b.literals.codes[endOfBlock])
		b.owed = 0
	}
}

// finish ends the stream with an empty block of the fixed codes.
func (b *blocks) finish() error {
	b.endOwed()
	b.put(0b011, 3)
	b.put(0, 7)
	b.align()
	b.flush()
	return b.err
}

// write writes the tokens, which stand for content, or the content as it is. The
// content is nil when it is not at hand any more. The last block of a stream is
// whole.
func (b *blocks) write(t *tokens, content []byte, last bool) {
	if last {
		t.end()
	}
	if b.owed > 0 && !(b.literals.covers(t.literals[:]) && b.offsets.covers(t.offsets[:])) {
		b.endOwed()
	}
	literals, offsets := t.used()
	extra := t.extraBits()
	stored := math.MaxInt
	if content != nil && len(content) <= maxStored {
		stored = (len(content) + 5) * 8
	}
	var size int
	if b.owed > 0 {
		fresh := b.owed + t.estimate()
		fresh += int(b.literals.codes[endOfBlock].length()) + fresh>>newTablePenalty //nolint:gosec // at most maxCodeLength
		size = b.literals.size(t.literals[:]) + b.offsets.size(t.offsets[:]) + extra
		if fresh < size {
			b.endOwed()
			size = fresh
		}
		if len(t.list) < fewTokens {
			if fixed := b.fixedSize(t, extra) + 7; fixed < size {
				b.writeSmall(t, content, stored <= size, last)
				return
			}
		}
		if stored <= size {
			b.store(content)
			return
		}
	}
	if b.owed == 0 {
		header, numRuns := b.newCodes(t, literals, offsets)
		size = header + b.literals.size(t.literals[:]) + b.offsets.size(t.offsets[:]) + extra
		if len(t.list) < fewTokens {
			if fixed := b.fixedSize(t, extra); fixed <= size {
				b.writeSmall(t, content, stored <= fixed, last)
				return
			}
		}
		if stored <= size {
			b.store(content)
			return
		}
		b.writeHeader(literals, offsets, numRuns)
		b.owed = header
	}
	if last {
		b.owed = 0
	}
	b.writeTokens(t, b.literals, b.offsets)
}

// used returns up to which literals and offsets symbols occur. There is an end,
// and an offset, for codes have to have one.
func (t *tokens) used() (literals, offsets int) {
	t.literals[endOfBlock] = 1
	literals, offsets = literalCount, offsetCount
	for t.literals[literals-1] == 0 {
		literals--
	}
	for offsets > 0 && t.offsets[offsets-1] == 0 {
		offsets--
	}
	if offsets == 0 {
		t.offsets[0] = 1
		offsets = 1
	}
	return literals, offsets
}

// fixedSize returns the size of the block with the fixed codes.
func (b *blocks) fixedSize(t *tokens, extra int) int {
	return 3 + b.fixedLiterals.size(t.literals[:]) + b.fixedOffsets.size(t.offsets[:]) + extra
}

// writeSmall writes a block of few tokens, with the fixed codes or as it is.
func (b *blocks) writeSmall(t *tokens, content []byte, store, last bool) {
	if store {
		b.store(content)
		return
	}
	b.endOwed()
	b.put(0b010, 3)
	if !last {
		t.end()
	}
	b.writeTokens(t, b.fixedLiterals, b.fixedOffsets)
}

// store writes a block that is not compressed.
func (b *blocks) store(content []byte) {
	b.endOwed()
	b.put(0, 3)
	b.align()
	n := uint16(len(content)) //nolint:gosec // at most maxStored
	b.out = binary.LittleEndian.AppendUint16(b.out, n)
	b.out = binary.LittleEndian.AppendUint16(b.out, ^n)
	b.out = append(b.out, content...)
}

// newCodes makes codes for the tokens, and the lengths of the codes as the header
// has them. It returns the size of the header, and how many codes of runs it has.
func (b *blocks) newCodes(t *tokens, literals, offsets int) (header, numRuns int) {
	b.literals.generate(t.literals[:], maxCodeLength)
	b.offsets.generate(t.offsets[:], maxCodeLength)
	b.findRuns(literals, offsets)
	b.runs.generate(b.runFreq[:], 7)
	numRuns = runCodes
	for numRuns > 4 && b.runFreq[lengthOrder[numRuns-1]] == 0 {
		numRuns--
	}
	header = 3 + 5 + 5 + 4 + 3*numRuns + b.runs.size(b.runFreq[:]) +
		2*int(b.runFreq[16]) + 3*int(b.runFreq[17]) + 7*int(b.runFreq[18])
	return header, numRuns
}

// findRuns puts the lengths of the codes into b.run, as RFC 1951, 3.2.7, has
// them: runs are a code, 16 to 18, and its extra bits.
func (b *blocks) findRuns(literals, offsets int) {
	b.runFreq = [runCodes]uint16{}
	var lengths [literalCount + offsetCount]uint8
	for i, c := range b.literals.codes[:literals] {
		lengths[i] = uint8(c.length()) //nolint:gosec // at most maxCodeLength
	}
	for i, c := range b.offsets.codes[:offsets] {
		lengths[literals+i] = uint8(c.length()) //nolint:gosec // as above
	}
	out := b.run[:0]
	repeat := func(code uint8, n, base int) {
		out = append(out, code, uint8(n-base)) //nolint:gosec // at most 127
		b.runFreq[code]++
	}
	for rest := lengths[:literals+offsets]; len(rest) > 0; {
		length, count := rest[0], 1
		for count < len(rest) && rest[count] == length {
			count++
		}
		rest = rest[count:]
		if length != 0 {
			out = append(out, length)
			b.runFreq[length]++
			for count--; count >= 3; count -= min(6, count) {
				repeat(16, min(6, count), 3)
			}
		} else {
			for ; count >= 11; count -= min(138, count) {
				repeat(18, min(138, count), 11)
			}
			if count >= 3 {
				repeat(17, count, 3)
				count = 0
			}
		}
		for range count {
			out = append(out, length)
			b.runFreq[length]++
		}
	}
	b.run[len(out)] = runEnd
}

func (b *blocks) writeHeader(literals, offsets, numRuns int) {
	b.put(0b100, 3)
	b.put(uint64(literals-lengthStart), 5) //nolint:gosec // there is an end
	b.put(uint64(offsets-1), 5)            //nolint:gosec // there is one
	b.put(uint64(numRuns-4), 4)            //nolint:gosec // at least 4
	for _, c := range []byte(lengthOrder[:numRuns]) {
		b.put(uint64(b.runs.codes[c].length()), 3)
	}
	for i := 0; b.run[i] != runEnd; i++ {
		c := b.run[i]
		b.putCode(b.runs.codes[c])
		if c < 16 {
			continue
		}
		i++
		b.put(uint64(b.run[i]), [...]uint{2, 3, 7}[c-16])
	}
}

// writeTokens writes the tokens in the codes given. The loop keeps the bits to
// itself, and at most seven from one token to the next: a match adds at most 48.
func (b *blocks) writeTokens(t *tokens, literals, offsets *huffman) {
	out, bits, n := b.out, b.bits, b.n
	for _, tok := range t.list {
		if tok < matchToken {
			c := literals.codes[tok%literalSlots]
			bits |= c.pattern() << (n & 63)
			n += c.length()
		} else {
			length, symbol := tok>>22&0xff, tok>>16&0x1f
			c := literals.codes[(lengthStart+int(t.lengths.code[length]))%literalSlots]
			bits |= (c.pattern() | uint64(t.lengths.extra[length])<<(c.length()&63)) << (n & 63)
			n += c.length() + uint(t.lengths.bits[length])

			c = offsets.codes[symbol]
			more := uint(max(0, int(symbol)/2-1)) //nolint:gosec // not negative
			extra := uint64(tok&0xffff) & (1<<more - 1)
			bits |= (c.pattern() | extra<<(c.length()&63)) << (n & 63)
			n += c.length() + more
		}
		// Eight bytes are put down whenever one is whole, and those that are not are
		// overwritten.
		out = binary.LittleEndian.AppendUint64(out, bits)
		out = out[:len(out)-8+int(n>>3)] //nolint:gosec // at most 63
		bits >>= n & 56
		n &= 7
	}
	b.out, b.bits, b.n = out, bits, n
}
