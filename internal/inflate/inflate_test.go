package inflate

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// pack compresses data.
func pack(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// contents are of the kinds that make all forms of blocks and codes.
func contents() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise, skewed := make([]byte, 200_000), make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for i := range skewed { // long codes
		skewed[i] = byte(min(255, int(random.ExpFloat64()*9)))
	}
	return map[string][]byte{
		"empty": nil, "short": []byte("a"), "noise": noise, "skewed": skewed,
		"run":   bytes.Repeat([]byte{7}, 100_000),
		"words": []byte(strings.Repeat("a word and another one, ", 10_000)),
		"lines": []byte(lines(2000)),
	}
}

func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"name":"hello-%d","vers":"1.%d.0","deps":[{"name":"dep%d","req":"^%d"}],"cksum":"%064x"}`+"\n", i, i, i%7, i%3, i*i*7919)
	}
	return b.String()
}

func TestInflate(t *testing.T) {
	d := NewDecoder()
	for name, data := range contents() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression} {
			packed := append(pack(t, data, level), "rest"...)
			for _, r := range []io.Reader{bytes.NewReader(packed), iotest.OneByteReader(bytes.NewReader(packed)), iotest.DataErrReader(bytes.NewReader(packed))} {
				in := NewInput(r)
				got := make([]byte, len(data))
				if err := d.Inflate(got, in); err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%s at level %d: %v", name, level, err)
				}
				if in.Offset() != int64(len(packed)-4) {
					t.Errorf("%s at level %d: took %d of %d bytes", name, level, in.Offset(), len(packed)-4)
				}
				if rest, err := io.ReadAll(in); string(rest) != "rest" || err != nil {
					t.Errorf("%s at level %d: %q %v is left", name, level, rest, err)
				}
			}
		}
	}
}

// Streams end everywhere in what was read ahead.
func TestInflateManyStreams(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	random := rand.New(rand.NewPCG(3, 4))
	data := []byte(lines(300))
	pieces := make([][]byte, 6000)
	for i := range pieces {
		start := random.IntN(len(data) / 2)
		pieces[i] = data[start : start+random.IntN(300)]
		w.Reset(&packed)
		if _, err := w.Write(pieces[i]); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []io.Reader{bytes.NewReader(packed.Bytes()), iotest.HalfReader(bytes.NewReader(packed.Bytes()))} {
		d, in := NewDecoder(), NewInput(r)
		for i := range pieces {
			got := make([]byte, len(pieces[i]))
			if err := d.Inflate(got, in); err != nil || !bytes.Equal(got, pieces[i]) {
				t.Fatalf("stream %d: %v", i, err)
			}
		}
		if in.Offset() != int64(packed.Len()) || in.Buffered() != 0 {
			t.Errorf("took %d of %d bytes", in.Offset(), packed.Len())
		}
	}
}

// A stream that is cut off, is of another size, or is damaged is never taken for
// a good one.
func TestInflateDamaged(t *testing.T) {
	d := NewDecoder()
	data := []byte(lines(20))
	packed := pack(t, data, flate.BestCompression)
	for n := range packed {
		if err := d.Inflate(make([]byte, len(data)), NewInput(bytes.NewReader(packed[:n]))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut off after %d bytes: %v", n, err)
		}
		broken := bytes.Clone(packed)
		broken[n] ^= 4
		if err := d.Inflate(make([]byte, len(data)), NewInput(bytes.NewReader(broken))); err == nil {
			t.Errorf("byte %d is another one, and nobody noticed", n)
		}
	}
	for _, size := range []int{0, len(data) - 1, len(data) + 1} {
		if err := d.Inflate(make([]byte, size), NewInput(bytes.NewReader(packed))); !errors.Is(err, ErrCorrupt) {
			t.Errorf("unpacked to %d bytes: %v", size, err)
		}
	}
	broken := errors.New("the line is down")
	r := io.MultiReader(bytes.NewReader(packed[:len(packed)/2]), iotest.ErrReader(broken))
	if err := d.Inflate(make([]byte, len(data)), NewInput(r)); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// FuzzInflate holds what is unpacked against the standard library.
func FuzzInflate(f *testing.F) {
	for _, data := range contents() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.DefaultCompression} {
			f.Add(pack(f, data[:min(len(data), 2000)], level))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		var want []byte
		under := bytes.NewReader(stream)
		r, err := zlib.NewReader(under)
		if err == nil {
			if want, err = io.ReadAll(io.LimitReader(r, 1<<22)); len(want) == 1<<22 {
				return
			}
		}
		got := make([]byte, len(want))
		in := NewInput(bytes.NewReader(stream))
		if ours := NewDecoder().Inflate(got, in); (ours == nil) != (err == nil) {
			t.Fatalf("%v, and the standard library says %v", ours, err)
		}
		if err == nil && (!bytes.Equal(got, want) || in.Offset() != int64(len(stream)-under.Len())) {
			t.Fatalf("%d bytes of %d, and the standard library made %d of %d", len(got), in.Offset(), len(want), len(stream)-under.Len())
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	data := []byte(lines(100))
	packed := pack(b, data, flate.DefaultCompression)
	d, got := NewDecoder(), make([]byte, len(data))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	in := NewInput(nil)
	for b.Loop() {
		*in = Input{r: bytes.NewReader(packed), buf: in.buf}
		if err := d.Inflate(got, in); err != nil {
			b.Fatal(err)
		}
	}
}
