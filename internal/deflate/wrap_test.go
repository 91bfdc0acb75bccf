package deflate

import (
	"bytes"
	"fmt"
	"testing"
)

// TestNumbersMayOverflow compresses what stands at the place of a stream where the
// numbers of places overflow.
func TestNumbersMayOverflow(t *testing.T) {
	var data []byte
	for i := range 20_000 {
		data = fmt.Appendf(data, "int value_%d = %d;\n", i%700, i*i)
	}
	var outputs [3]bytes.Buffer
	for i, base := range []uint32{4 * windowSize, 1<<32 - 3*windowSize, 1<<30 - 2*windowSize} {
		w := NewWriter(&outputs[i])
		w.m.base = base
		for _, c := range w.m.chains {
			c.forget(base)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(outputs[i].Bytes(), outputs[0].Bytes()) {
			t.Errorf("other bytes from place %d on", base)
		}
	}
}
