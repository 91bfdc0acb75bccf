package deflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"runtime"
)

// Writer compresses what is written to it.
type Writer struct {
	parse
	w       io.Writer
	started bool
	last    bool // nothing more is written
	sum     uint32
	size    uint32
	blocks  *blocks
	literal *huffman // codes of literals in the new half of the window
	ahead   *ahead   // nil when there is one processor

	start  int // of the block in the window; negative when it is not there any more
	linked int // up to where the window was when it was linked last
}

// NewWriter returns a writer that compresses to w. The caller has to close it, which
// does not close w.
func NewWriter(w io.Writer) *Writer {
	z := &Writer{w: w, parse: newParse(newMatcher()), blocks: newBlocks(w), literal: &huffman{}}
	z.full = z.flush
	if runtime.GOMAXPROCS(0) > 1 {
		z.ahead = newAhead(z.m)
	}
	return z
}

// Write compresses p, mostly later.
func (z *Writer) Write(p []byte) (int, error) {
	z.header()
	z.sum = crc32.Update(z.sum, crc32.IEEETable, p)
	z.size += uint32(len(p)) //nolint:gosec // modulo 1<<32 (RFC 1952)
	for rest := p; len(rest) > 0; {
		if z.m.end == 2*windowSize {
			z.step()
			z.shift()
		}
		n := copy(z.m.window[z.m.end:2*windowSize], rest)
		z.m.end += n
		rest = rest[n:]
	}
	if z.blocks.err != nil {
		return 0, z.blocks.err
	}
	return len(p), nil
}

func (z *Writer) header() {
	if !z.started {
		z.started = true
		z.blocks.out = append(z.blocks.out, 0x1f, 0x8b, 8, 0, 0x00, 0x09, 0x6e, 0x88, 2, 0xff)
		z.blocks.flush()
	}
}

// Close writes what is left. It does not close the underlying writer.
func (z *Writer) Close() error {
	z.header()
	z.last = true
	z.step()
	if err := z.blocks.finish(); err != nil {
		return err
	}
	_, err := z.w.Write(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, z.sum), z.size))
	return err
}

func (z *Writer) shift() {
	z.m.shift()
	z.index -= windowSize
	z.linked -= windowSize
	z.start -= windowSize
}

// price sets what the bytes of the window cost as literals from index on.
func (z *Writer) price() {
	fresh := z.m.window[z.index:z.m.end]
	var freq [256]uint16
	for _, b := range fresh[:min(len(fresh), maxTokens)] {
		freq[b]++
	}
	z.literal.generate(freq[:], maxCodeLength)
	total := int32(0)
	z.m.cost[z.index] = 0
	for i, b := range fresh {
		total += int32(z.literal.codes[b].length()) //nolint:gosec // at most maxCodeLength
		z.m.cost[z.index+i+1] = total
	}
}

// step turns the window into tokens, but for so many bytes at its end as a match
// may need; in the end, all of it.
func (z *Writer) step() {
	if z.m.end > z.index {
		z.price()
	}
	z.m.index(z.linked, z.index, z.ahead != nil)
	z.linked = z.m.end
	if z.ahead != nil {
		z.ahead.start(z.index)
		defer z.ahead.stop()
	}
	for look := z.m.end - z.index; look >= mostLook || z.last && look > 0; look = z.m.end - z.index {
		z.advance(look)
	}
	if !z.last {
		return
	}
	if z.pending {
		z.tokens.literal(z.m.window[z.index-1])
		z.pending = false
	}
	if len(z.tokens.list) > 0 {
		z.flush()
	}
}

// flush writes the tokens as a block.
func (z *Writer) flush() {
	var content []byte
	if z.start >= 0 && z.start <= z.index {
		content = z.m.window[z.start:z.index]
	}
	z.start = z.index
	z.blocks.write(&z.tokens, content, z.last)
	z.blocks.flush()
	z.tokens.reset()
}
