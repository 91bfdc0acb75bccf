package main

import (
	"fmt"
	"sync"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// progress shows downloads on standard error: as bars on a terminal, as a line
// each elsewhere, not at all with -q. The caller must call stop before it
// writes to standard error.
type progress struct {
	a    *app
	mu   sync.Mutex
	bars *mpb.Progress // made with the first download, nil elsewhere than on a terminal
}

func newProgress(a *app) *progress { return &progress{a: a} }

// Note tells what the run is waiting for.
func (p *progress) Note(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.a.notef("%s", terminal.Escape(message))
}

// Download shows a transfer that starts.
func (p *progress) Download(name string, size int64) client.Transfer {
	p.mu.Lock()
	defer p.mu.Unlock()
	name = terminal.Escape(name)
	switch {
	case p.a.quiet:
		return silentTransfer{}
	case !p.a.stderrIsTerminal():
		return &lineTransfer{p: p, name: name}
	}
	if p.bars == nil {
		p.bars = mpb.New(mpb.WithOutput(p.a.Stderr), mpb.WithWidth(40))
	}
	return &barTransfer{p.bars.AddBar(
		size,
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f")),
	), size}
}

// stop waits until the bars have been drawn to their end.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bars != nil {
		p.bars.Wait()
		p.bars = nil
	}
}

type silentTransfer struct{}

func (silentTransfer) At(int64)      {}
func (silentTransfer) Advance(int64) {}
func (silentTransfer) Done(error)    {}

// lineTransfer writes one line when it is done.
type lineTransfer struct {
	p    *progress
	name string
	n    int64
}

func (t *lineTransfer) At(n int64)      { t.n = n }
func (t *lineTransfer) Advance(n int64) { t.n += n }

func (t *lineTransfer) Done(err error) {
	if err == nil {
		t.p.Note(fmt.Sprintf("downloaded %s (%s)", t.name, humanize.IBytes(uint64(max(t.n, 0)))))
	}
}

type barTransfer struct {
	bar  *mpb.Bar
	size int64
}

func (t *barTransfer) At(n int64)      { t.bar.SetCurrent(n) }
func (t *barTransfer) Advance(n int64) { t.bar.IncrInt64(n) }

func (t *barTransfer) Done(err error) {
	if err != nil {
		t.bar.Abort(false)
		return
	}
	t.bar.SetTotal(-1, true) // whatever has come is all
}
