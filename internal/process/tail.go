package process

// A Tail is a writer that keeps the last bytes written to it.
type Tail struct {
	limit int
	data  []byte
	cut   bool
}

// NewTail returns a Tail that keeps limit bytes.
func NewTail(limit int) *Tail { return &Tail{limit: limit} }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.data = append(t.data, p...)
	if len(t.data) > 2*t.limit { // rarely, so that a long output is not moved at each write
		t.trim()
	}
	return len(p), nil
}

// Bytes returns the last bytes, at most the limit.
func (t *Tail) Bytes() []byte {
	t.trim()
	return t.data
}

// Truncated reports whether more was written than is kept.
func (t *Tail) Truncated() bool {
	t.trim()
	return t.cut
}

func (t *Tail) trim() {
	if over := len(t.data) - t.limit; over > 0 {
		t.data, t.cut = append(t.data[:0], t.data[over:]...), true
	}
}
