package inflate

import (
	"errors"
	"io"
)

// Input is what streams are read from, one after another, with whatever stands
// between them. It reads ahead from the reader below.
type Input struct {
	r        io.Reader
	buf      []byte
	pos, end int   // of what is in buf and was not taken
	passed   int64 // what was taken before the beginning of buf
	err      error // of the reader
}

// inputSize is how much is read ahead at most.
const inputSize = 1 << 16

// givenBack is how much of what was taken a decoder may give back.
const givenBack = 8

// NewInput returns an input over a reader.
func NewInput(r io.Reader) *Input { return &Input{r: r, buf: make([]byte, inputSize)} }

// Offset says how many bytes were taken.
func (in *Input) Offset() int64 { return in.passed + int64(in.pos) }

// Buffered says how many bytes were read ahead.
func (in *Input) Buffered() int { return in.end - in.pos }

// fill reads ahead until n bytes are there, or the reader has no more.
func (in *Input) fill(n int) {
	for empty := 0; in.end-in.pos < n && in.err == nil; {
		if len(in.buf)-in.pos < n || in.pos == in.end {
			gone := max(0, in.pos-givenBack)
			in.passed += int64(gone)
			in.end = copy(in.buf, in.buf[gone:in.end])
			in.pos -= gone
		}
		m, err := in.r.Read(in.buf[in.end:])
		in.end += m
		in.err = err
		if empty++; m > 0 {
			empty = 0
		} else if err == nil && empty == 100 {
			in.err = io.ErrNoProgress
		}
	}
}

// failure is the error of the reader, for whoever needs more than it had.
func (in *Input) failure() error {
	if errors.Is(in.err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return in.err
}

// Read implements [io.Reader].
func (in *Input) Read(b []byte) (int, error) {
	if in.pos == in.end && len(b) > 0 {
		in.fill(1)
	}
	n := copy(b, in.buf[in.pos:in.end])
	in.pos += n
	if n == 0 && len(b) > 0 {
		return 0, in.err
	}
	return n, nil
}

// ReadByte implements [io.ByteReader].
func (in *Input) ReadByte() (byte, error) {
	if in.pos == in.end {
		if in.fill(1); in.pos == in.end {
			return 0, in.err
		}
	}
	in.pos++
	return in.buf[in.pos-1], nil
}
