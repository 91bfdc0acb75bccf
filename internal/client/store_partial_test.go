package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/faultnet"
)

// partialWorld is a store, and a server with one archive that is large enough to
// be cut.
type partialWorld struct {
	*faultnet.Server
	t       *testing.T
	store   *Store
	data    []byte
	archive Archive
}

func newPartialWorld(t *testing.T) *partialWorld {
	w := &partialWorld{t: t, store: testStore(t)}
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same bytes each time
	var text strings.Builder
	for range 20_000 {
		fmt.Fprintln(&text, source.Uint64())
	}
	data, digest := packed(t, "hello", "1.0.0", map[string]string{"numbers.h": text.String()})
	w.data = data
	w.Server = faultnet.New(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Etag", fmt.Sprintf(`"%s"`, digestOf(w.data)))
		http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(string(w.data)))
	}))
	w.archive = Archive{Name: "hello 1.0.0", URL: w.URL + "/hello.tar.gz", SHA256: digest, Size: int64(len(data))}
	return w
}

func (w *partialWorld) ensure(ctx context.Context) (*recorder, error) {
	d, report := testDownloader(nil)
	_, err := d.Ensure(ctx, w.store, []Archive{w.archive}, w.store.Check)
	return report, err
}

func (w *partialWorld) mustEnsure() *recorder {
	w.t.Helper()
	report, err := w.ensure(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Verify(w.archive.SHA256); err != nil {
		w.t.Error(err)
	}
	if left := w.partials(); len(left) > 0 {
		w.t.Errorf("left behind: %v", left)
	}
	return report
}

func (w *partialWorld) partials() []string {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(w.store.partialDir(), "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// interrupt runs until the server has cut five answers after n bytes each.
func (w *partialWorld) interrupt(n int) {
	w.t.Helper()
	w.Break("/", -1, faultnet.Cut(n))
	if _, err := w.ensure(w.t.Context()); !errors.Is(err, ErrNetwork) {
		w.t.Fatalf("%v, want %v", err, ErrNetwork)
	}
	w.Mend()
	if err := w.store.Check(w.archive.SHA256); !errors.Is(err, fs.ErrNotExist) {
		w.t.Errorf("what is not whole is in the store: %v", err)
	}
}

func (w *partialWorld) wantRanges(want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.Requests("/") {
		got = append(got, r.Header.Get("Range"))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("asked for the ranges %q, want %q", got, want)
	}
}

func TestALaterRunGoesOn(t *testing.T) {
	w := newPartialWorld(t)
	w.interrupt(1000)
	report := w.mustEnsure()
	w.wantRanges("bytes=5000-")
	if report.bytes != w.archive.Size {
		t.Errorf("reported %d bytes of %d", report.bytes, w.archive.Size)
	}
}

func TestGoingOnWithWhatDoesNotFit(t *testing.T) {
	t.Run("the file is another", func(t *testing.T) {
		w := newPartialWorld(t)
		right := w.data
		w.data = append([]byte("something else of before"), right...)[:len(right)]
		w.interrupt(1000)
		w.data = right
		w.mustEnsure()
		w.wantRanges("bytes=5000-")
	})
	t.Run("the bytes are damaged", func(t *testing.T) {
		w := newPartialWorld(t)
		w.interrupt(1000)
		part := filepath.Join(w.store.partialDir(), w.archive.SHA256+".part")
		writeTestFile(t, part, strings.Repeat("\x00", 4000)) // as after a power cut
		report := w.mustEnsure()
		w.wantRanges("bytes=4000-", "")
		if notes := report.told(); len(notes) != 1 || !strings.Contains(notes[0], "starting again") {
			t.Errorf("told: %q", notes)
		}
	})
	t.Run("the address is another", func(t *testing.T) {
		w := newPartialWorld(t)
		w.interrupt(1000)
		w.archive.URL += "?mirror"
		w.mustEnsure()
		w.wantRanges("")
	})
	t.Run("nobody knows of what it is", func(t *testing.T) {
		w := newPartialWorld(t)
		w.interrupt(1000)
		writeTestFile(t, filepath.Join(w.store.partialDir(), w.archive.SHA256+".json"), "{")
		w.mustEnsure()
		w.wantRanges("")
	})
	t.Run("there is more than the archive has", func(t *testing.T) {
		w := newPartialWorld(t)
		w.interrupt(1000)
		writeTestFile(t, filepath.Join(w.store.partialDir(), w.archive.SHA256+".part"), strings.Repeat("x", len(w.data)+1000))
		w.mustEnsure()
	})
	t.Run("all is there", func(t *testing.T) {
		w := newPartialWorld(t)
		w.interrupt(1000)
		writeTestFile(t, filepath.Join(w.store.partialDir(), w.archive.SHA256+".part"), string(w.data))
		w.mustEnsure()
		w.wantRanges()
	})
}

func TestWrongBytesAreNotKept(t *testing.T) {
	w := newPartialWorld(t)
	w.Break("/", -1, faultnet.OtherBytes)
	if _, err := w.ensure(t.Context()); !errors.Is(err, ErrIntegrity) {
		t.Fatalf("%v, want %v", err, ErrIntegrity)
	}
	if left := w.partials(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	w.wantRanges("")
}

func TestCancellingKeepsWhatCame(t *testing.T) {
	w := newPartialWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.Break("/", 1, faultnet.Stall(70_000))
	go func() {
		for ctx.Err() == nil {
			if info, err := os.Stat(filepath.Join(w.store.partialDir(), w.archive.SHA256+".part")); err == nil && info.Size() == 70_000 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := w.ensure(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want %v", err, context.Canceled)
	}
	assertNoTemporaries(t, w.store)
	w.Mend()
	w.mustEnsure()
	w.wantRanges("bytes=70000-")
}

// TestOneOfManyFetches runs many at once, as processes with a cold store do: file
// locks keep those of one process apart too.
func TestOneOfManyFetches(t *testing.T) {
	w := newPartialWorld(t)
	w.Break("/", 1, faultnet.Trickle(0))
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if _, err := w.ensure(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if n := len(w.Requests("/")); n != 1 {
		t.Errorf("%d requests for one archive", n)
	}
	w.mustEnsure()
}

func TestCleanRemovesPartials(t *testing.T) {
	w := newPartialWorld(t)
	w.interrupt(1000)
	cleaned, err := w.store.Clean(t.Context(), true, &recorder{})
	if err != nil || cleaned.Bytes < 5000 || len(w.partials()) == 0 {
		t.Errorf("dry run: %+v, %v", cleaned, err)
	}
	cleaned, err = w.store.Clean(t.Context(), false, &recorder{})
	if err != nil || cleaned.Bytes < 5000 || len(w.partials()) != 0 {
		t.Errorf("%+v, %v; left %v", cleaned, err, w.partials())
	}
}

func TestPartialsAreBounded(t *testing.T) {
	w := newPartialWorld(t)
	w.interrupt(1000)
	now := time.Now()
	for i := range maxPartials + 5 {
		base := filepath.Join(w.store.partialDir(), digestOf([]byte{byte(i)}))
		writeTestFile(t, base+".json", "{}")
		writeTestFile(t, base+".part", "bytes")
		if err := os.Chtimes(base+".part", now, now.Add(-time.Duration(i+1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.store.sweepPartials(now); err != nil {
		t.Fatal(err)
	}
	if n := len(w.partials()); n != 2*maxPartials {
		t.Errorf("%d files are left", n)
	}
	if err := w.store.sweepPartials(now.Add(maxPartialAge - 30*time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := len(w.partials()); n != 2 {
		t.Errorf("of the youngest, %d files are left", n)
	}
}
