package deflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Writer compresses what is written to it.
type Writer struct {
	w       io.Writer
	started bool
	sum     uint32
	size    uint32
	m       *matcher
	blocks  *blocks
	tokens  tokens
	literal *huffman // codes of literals in the new half of the window

	index   int // of the window: what is before it is in tokens, but for a pending byte
	start   int // of the block in the window; negative when it is not there any more
	linked  int // up to where the window was when it was linked last
	length  int // of the match one byte before index
	offset  int
	pending bool   // the byte before index is not in tokens yet
	run     uint16 // literals since the last match, or since it overflowed
}

// NewWriter returns a writer that compresses to w. The caller has to close it, which
// does not close w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{
		w: w, m: newMatcher(), blocks: newBlocks(w), tokens: newTokens(), literal: &huffman{}, length: minMatch - 1,
	}
}

// Write compresses p, mostly later.
func (z *Writer) Write(p []byte) (int, error) {
	z.header()
	z.sum = crc32.Update(z.sum, crc32.IEEETable, p)
	z.size += uint32(len(p)) //nolint:gosec // modulo 1<<32 (RFC 1952)
	for rest := p; len(rest) > 0; {
		if z.m.end == 2*windowSize {
			z.step(false)
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
	z.step(true)
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
// may need; with last, all of it.
func (z *Writer) step(last bool) {
	if z.m.end > z.index {
		z.price()
	}
	z.m.index(z.linked, z.index)
	z.linked = z.m.end
	for {
		look := z.m.end - z.index
		if look < minMatch+maxMatch && !last || look == 0 {
			break
		}
		z.advance(look, last)
	}
	if last {
		if z.pending {
			z.tokens.literal(z.m.window[z.index-1])
			z.pending = false
		}
		if len(z.tokens.list) > 0 {
			z.flush(true)
		}
	}
}

// flush writes the tokens as a block.
func (z *Writer) flush(last bool) {
	var content []byte
	if z.start >= 0 && z.start <= z.index {
		content = z.m.window[z.start:z.index]
	}
	z.start = z.index
	z.blocks.write(&z.tokens, content, last)
	z.blocks.flush()
	z.tokens.reset()
}

// flushFull writes the tokens when they are as many as a block has.
func (z *Writer) flushFull(last bool) {
	if len(z.tokens.list) == maxTokens {
		z.flush(last)
	}
}

func (z *Writer) advance(look int, last bool) {
	before, offset := z.length, z.offset
	z.length, z.offset = minMatch-1, 0
	if look > before && before < maxMatch {
		most := min(look, maxMatch)
		if before < minMatch || z.m.longer(z.index, most, before) {
			z.length, z.offset = z.m.find(z.index, most)
		}
	}
	if before >= minMatch && z.length <= before {
		z.emit(before, offset, look, last)
		return
	}
	if z.length >= minMatch {
		z.run = 0
	}
	if !z.pending {
		z.index++
		z.pending = true
		return
	}
	z.run++
	z.tokens.literal(z.m.window[z.index-1])
	z.flushFull(last)
	z.index++
	if n := int(z.run) - maxTries; n > 0 {
		z.skip(1+n>>6, last)
	}
}

// skip passes over some bytes, for there have been no matches for long.
func (z *Writer) skip(n int, last bool) {
	for range n {
		if z.index >= z.m.end-1 {
			break
		}
		z.tokens.literal(z.m.window[z.index-1])
		z.flushFull(last)
		z.index++
	}
	z.tokens.literal(z.m.window[z.index-1])
	z.pending = false
	z.flushFull(last)
}

// emit adds the match that was found a byte before index.
func (z *Writer) emit(length, offset, look int, last bool) {
	// See whether the bytes after it and its end have a longer match, and move it.
	const skipped = 2
	window := z.m.window[:]
	if prev, limit := z.index-1, z.m.end-(minMatch-1); length < maxMatch-skipped && prev+length < limit {
		place := -1
		if i := z.m.before(prev+length, z.index); i >= 0 {
			place = i - length
		}
		if prev-place != offset && place > max(0, z.index-windowSize)+skipped {
			end := prev + min(look, maxMatch+skipped)
			if n := matchLength(window[prev+skipped:end], window[place+skipped:]); n > length {
				length, offset = n, prev-place
				for i := skipped - 1; i >= 0; i-- {
					if length < maxMatch && window[prev+i] == window[place+i] {
						length++
						continue
					}
					for j := range i + 1 {
						z.tokens.literal(window[prev+j])
						z.flushFull(last)
						z.index++
					}
					break
				}
			}
		}
	}
	z.tokens.match(length, offset)
	z.index += length - 1
	z.pending = false
	z.length = minMatch - 1
	z.flushFull(last)
	z.run = 0
}
