package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/terminal"
)

// progress shows downloads on standard error: as a board that changes on a
// terminal, as a line each elsewhere, not at all with -q or --json. The caller
// must call stop at the end; what is written to standard error before it has to
// go through note.
type progress struct {
	a    *app
	live *terminal.Live // nil elsewhere than on a terminal

	mu    sync.Mutex
	board board
	quit  chan struct{} // ends the drawing; nil when nothing is drawn
	drawn sync.WaitGroup
}

func newProgress(a *app) *progress {
	p := &progress{a: a, board: board{plain: !a.speaksUTF8()}}
	if a.drawsOnTerminal() {
		p.live = terminal.NewLive(a.Stderr)
	}
	a.progress = p
	return p
}

// drawsOnTerminal reports whether lines of standard error can be drawn again.
func (a *app) drawsOnTerminal() bool {
	return !a.quiet && !a.json && a.stderrIsTerminal() && a.Getenv("TERM") != "dumb" && enableEscapes(a.Stderr)
}

// speaksUTF8 reports whether the terminal shows more than ASCII.
func (a *app) speaksUTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(a.Getenv(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// Note tells what the run is waiting for, above the board.
func (p *progress) Note(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(message)
}

func (p *progress) note(message string) {
	if p.live != nil {
		_ = p.live.Clear() // it is drawn again with the next tick
	}
	p.a.notef("%s", terminal.Escape(message))
}

// Expect tells of transfers that are to come.
func (p *progress) Expect(transfers int, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.board.expect(transfers, size)
}

// Download shows a transfer that starts.
func (p *progress) Download(name string, size int64) client.Transfer {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &transfer{p: p, shownTransfer: p.board.begin(terminal.Escape(name), size)}
	if p.live != nil && p.quit == nil {
		p.quit = make(chan struct{})
		quit := p.quit
		p.drawn.Go(func() { p.draw(quit) })
	}
	return t
}

// Times of drawing: what is over before the first one is not shown.
const (
	firstDraw = 300 * time.Millisecond
	nextDraw  = 100 * time.Millisecond
)

// draw draws the board until quit is closed.
func (p *progress) draw(quit chan struct{}) {
	wait := firstDraw
	for {
		select {
		case <-quit:
			return
		case now := <-time.After(wait):
			p.redraw(now)
		}
		wait = nextDraw
	}
}

func (p *progress) redraw(now time.Time) {
	width, height := p.a.stderrSize()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.live.Draw(p.board.lines(now, width, height), width)
}

// stop takes the board away.
func (p *progress) stop() {
	p.mu.Lock()
	quit := p.quit
	p.quit = nil
	p.mu.Unlock()
	if quit == nil {
		return
	}
	close(quit)
	p.drawn.Wait()
	_ = p.live.Clear()
}

// stderrSize is the size of the terminal that standard error is, as it is now.
func (a *app) stderrSize() (width, height int) {
	if f, ok := a.Stderr.(*os.File); ok {
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width, height
		}
	}
	return 80, 24
}

// transfer is one download under way.
type transfer struct {
	p *progress
	*shownTransfer
}

func (t *transfer) At(n int64) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.p.board.at(t.shownTransfer, n)
}

func (t *transfer) Advance(n int64) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.n += n
}

// Done takes the transfer off the board. Where there is none it gets a line.
func (t *transfer) Done(err error) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.p.board.end(t.shownTransfer)
	if err == nil && t.p.live == nil && !t.p.a.json {
		t.p.note(fmt.Sprintf("downloaded %s (%s)", t.name, humanize.IBytes(uint64(max(t.n, 0)))))
	}
}
