package deflate_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/clydepm/clyde/internal/deflate"
)

// pinned compresses with the library whose bytes are the format.
func pinned(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// compress writes the data in pieces of the size given.
func compress(tb testing.TB, data []byte, piece int) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := deflate.NewWriter(&b)
	for rest := data; len(rest) > 0; {
		n, err := w.Write(rest[:min(piece, len(rest))])
		if err != nil {
			tb.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func checkSame(tb testing.TB, name string, data []byte) {
	tb.Helper()
	want, got := pinned(tb, data), compress(tb, data, 50_000)
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	tb.Errorf("%s: %d bytes become %d, want %d; they differ from byte %d on", name, len(data), len(got), len(want), at)
}

// bytesAlone skips a test of much content where only goroutines are looked at,
// which takes ten minutes.
func bytesAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("it compares bytes, with no more goroutines than the others")
	}
}

// mixed returns content in which runs, repetitions from near and far, noise of few
// and of many bytes, and text follow each other.
func mixed(random *rand.Rand, size int) []byte {
	var data []byte
	for len(data) < size {
		n := 1 << random.IntN(15)
		switch random.IntN(7) {
		case 0:
			data = append(data, bytes.Repeat([]byte{byte(random.Uint32())}, n)...)
		case 1, 2:
			if len(data) > 0 {
				from := max(0, len(data)-1-random.IntN(40_000))
				data = append(data, data[from:min(len(data), from+n)]...)
			}
		case 3:
			for range n {
				data = append(data, byte(random.Uint32()))
			}
		case 4:
			for range n {
				data = append(data, "ab"[random.IntN(2)])
			}
		case 5:
			data = append(data, bytes.Repeat(data[max(0, len(data)-1-random.IntN(300)):], 1+n>>8)...)
		default:
			for i := range n / 16 {
				data = fmt.Appendf(data, "\tint value_%d = %d; // line %d\n", i, random.IntN(1e6), i)
			}
		}
	}
	return data[:size]
}

func TestBytesAreThoseOfThePinnedLibrary(t *testing.T) {
	bytesAlone(t)
	random := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // the same every time
	for size := range 300 {
		checkSame(t, "small", mixed(random, size))
	}
	for _, around := range []int{1 << 15, 1 << 16, 3 << 15, 1 << 17} {
		for _, more := range []int{-263, -262, -4, -1, 0, 1, 3, 261, 262} {
			checkSame(t, "at the end of a window", mixed(random, around+more))
		}
	}
	for range 12 {
		checkSame(t, "mixed", mixed(random, 400_000))
	}
	noise := make([]byte, 700_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	checkSame(t, "noise", noise)
	// After long noise, places at the end of a window are left out of the chains.
	checkSame(t, "noise that repeats", bytes.Repeat(noise[:33_000], 6))
	checkSame(t, "zeros", make([]byte, 500_000))
	for _, period := range []int{2, 3, 5, 200, 257, 258, 259, 32_767, 32_768, 32_769} {
		checkSame(t, fmt.Sprint("period ", period), bytes.Repeat(noise[:period], 1+200_000/period))
	}
}

// TestSourceIsCompressedAsByThePinnedLibrary compresses the source of this program
// and, where it can be read, the program itself.
func TestSourceIsCompressedAsByThePinnedLibrary(t *testing.T) {
	bytesAlone(t)
	var source []byte
	err := filepath.WalkDir(filepath.Join("..", "archive"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		data, err := os.ReadFile(path)
		source = append(source, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "source", source)
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "program", program[:min(len(program), 2<<20)])
}

func TestPiecesDoNotMatter(t *testing.T) {
	bytesAlone(t)
	data := mixed(rand.New(rand.NewPCG(3, 5)), 200_000) //nolint:gosec // the same every time
	want := compress(t, data, len(data))
	for _, piece := range []int{1, 1000, 65_535, 65_536, 65_537} {
		if !bytes.Equal(compress(t, data, piece), want) {
			t.Errorf("other bytes when it is written in pieces of %d", piece)
		}
	}
}

// failing is a writer that fails after some bytes.
type failing struct{ left int }

var errFull = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestErrorsOfTheWriterAreReported(t *testing.T) {
	data := mixed(rand.New(rand.NewPCG(1, 1)), 600_000) //nolint:gosec // the same every time
	for _, room := range []int{0, 9, 10, 20_000, len(compress(t, data, len(data))) - 1} {
		w := deflate.NewWriter(&failing{room})
		_, err := w.Write(data)
		if room < 20_000 && err == nil {
			t.Errorf("with room for %d bytes Write reports nothing", room)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: %v, want %v", room, err, errFull)
		}
	}
}

// FuzzBytes makes long content of few instructions, which pairs of bytes are.
func FuzzBytes(f *testing.F) {
	f.Add([]byte("text\x00\xff\x01\x80\x02\x20"))
	f.Add(bytes.Repeat([]byte{3, 200, 1, 255, 2, 255}, 40))
	f.Fuzz(func(t *testing.T, program []byte) {
		var data []byte
		for i := 0; i+1 < len(program) && len(data) < 300_000; i += 2 {
			op, n := program[i], int(program[i+1])
			seed := rand.New(rand.NewPCG(uint64(op), uint64(n))) //nolint:gosec // the same every time
			switch op % 4 {
			case 0:
				data = append(data, program[i:]...)
			case 1:
				data = append(data, mixed(seed, n*64)...)
			case 2:
				from := max(0, len(data)-1-n*131)
				data = append(data, data[from:]...)
			default:
				for range n * 32 {
					data = append(data, byte(seed.IntN(1+int(op))))
				}
			}
		}
		checkSame(t, "fuzzed", data)
	})
}

func BenchmarkCompress(b *testing.B) {
	data := mixed(rand.New(rand.NewPCG(9, 9)), 4<<20) //nolint:gosec // the same every time
	for name, run := range map[string]func(){
		"clyde":  func() { compress(b, data, 64<<10) },
		"pinned": func() { pinned(b, data) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				run()
			}
		})
	}
}

func TestProcessorsDoNotMatter(t *testing.T) {
	data := mixed(rand.New(rand.NewPCG(4, 2)), 1_000_000) //nolint:gosec // the same every time
	want := pinned(t, data)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, n := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(n)
		for range 3 {
			if !bytes.Equal(compress(t, data, len(data)), want) {
				t.Errorf("other bytes on %d processors", n)
			}
		}
	}
}
