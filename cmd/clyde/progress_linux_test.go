package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clydepm/clyde/internal/faultnet"
	"github.com/clydepm/clyde/internal/registrytest"
)

// pseudoTerminal is a terminal whose screen can be looked at.
type pseudoTerminal struct {
	*os.File // what programs write to

	mu     sync.Mutex
	screen screen
	all    bytes.Buffer
	done   chan struct{}
}

func newPseudoTerminal(t *testing.T, width, height int) *pseudoTerminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pseudoTerminal{File: slave, screen: screen{width: width}, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.all.Write(buffer[:n])
			p.screen.write(string(buffer[:n]))
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { master.Close() })
	return p
}

func (p *pseudoTerminal) show() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.screen.String()
}

// finish waits until all that was written is on the screen.
func (p *pseudoTerminal) finish() {
	p.Close()
	<-p.done
}

// screen does what a terminal does with the sequences that clyde uses, and fails
// at others.
type screen struct {
	width    int
	lines    [][]rune
	row, col int
	rest     string
}

func (s *screen) String() string {
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(string(line), " \x00") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

func (s *screen) line() *[]rune {
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
	return &s.lines[s.row]
}

func (s *screen) write(text string) {
	text, s.rest = s.rest+text, ""
	sequence := regexp.MustCompile(`^\x1b\[(\d*)([A-Za-z])`)
	for text != "" {
		if m := sequence.FindStringSubmatch(text); m != nil {
			s.act(m[1], m[2])
			text = text[len(m[0]):]
			continue
		}
		if text[0] == 0x1b && len(text) < 8 {
			s.rest = text
			return
		}
		r := []rune(text)[0]
		s.put(r)
		text = text[len(string(r)):]
	}
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.col = 0
	case '\n':
		s.row++
	default:
		if s.col == s.width {
			s.row, s.col = s.row+1, 0
		}
		line := s.line()
		for len(*line) <= s.col {
			*line = append(*line, ' ')
		}
		(*line)[s.col] = r
		s.col++
	}
}

func (s *screen) act(number, command string) {
	n := 1
	_, _ = fmt.Sscan(number, &n)
	line := s.line()
	switch command {
	case "A":
		s.row = max(0, s.row-n)
	case "J":
		s.lines = s.lines[:s.row+1]
		fallthrough
	case "K":
		*line = (*line)[:min(s.col, len(*line))]
	default:
		panic("the test's terminal does not know \\x1b[" + number + command)
	}
}

// slowly serves a folder, archives in pieces.
func slowly(dir string) http.Handler {
	files := webHandler(dir)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/archives/") {
			files.ServeHTTP(w, r)
			return
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		for len(data) > 0 {
			n := min(len(data), 50)
			_, _ = w.Write(data[:n])
			_ = http.NewResponseController(w).Flush()
			data = data[n:]
			select {
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
}

func TestProgressOnATerminal(t *testing.T) {
	dir := webFolder(t)
	for _, cancelled := range []bool{false, true} {
		w := &faultyWeb{program: newProgram(t, t.TempDir()), Server: faultnet.New(t, slowly(dir)), what: "progress"}
		w.prepare(faultyOperations()["install"])
		terminal := newPseudoTerminal(t, 70, 20)
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		env := Env{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: terminal.File, Dir: filepath.Join(w.dir, "project"),
			HTTP: &http.Client{Transport: toBase{strings.TrimPrefix(w.URL, "http://")}}, Now: registrytest.Clock,
			Getenv: func(name string) string {
				return map[string]string{"TERM": "xterm", "LANG": "C.UTF-8"}[name] + w.env[name]
			},
		}
		code := make(chan int, 1)
		go func() { code <- run(ctx, env, []string{"install"}) }()
		var seen string
		for seen == "" {
			select {
			case c := <-code:
				t.Fatalf("exit %d before anything was drawn: %s", c, terminal.show())
			case <-time.After(20 * time.Millisecond):
			}
			if now := terminal.show(); strings.Contains(now, "curl 1.0.0") && strings.Contains(now, "% ") {
				seen = now
			}
		}
		lines := strings.Split(seen, "\n")
		if len(lines) != 4 || !strings.HasPrefix(lines[0], "fetched 0 of 3") || !strings.ContainsAny(seen, "█░") || !strings.Contains(lines[0], " of ") {
			t.Errorf("the board:\n%s", seen)
		}
		if cancelled {
			cancel()
		}
		want := map[bool]int{false: exitOK, true: exitCancelled}[cancelled]
		if c := <-code; c != want {
			t.Errorf("exit %d, want %d: %s", c, want, terminal.show())
		}
		cancel()
		terminal.finish()
		if left := terminal.show(); strings.ContainsAny(left, "█░") || !cancelled && left != "" {
			t.Errorf("at the end the screen shows:\n%s", left)
		}
		if terminal.screen.col != 0 || bytes.Contains(terminal.all.Bytes(), []byte("\x1b[?25l")) {
			t.Errorf("the cursor is in column %d, or hidden", terminal.screen.col)
		}
	}
}

// TestProgressElsewhere shows one line for each package, and none where none is
// wanted.
func TestProgressElsewhere(t *testing.T) {
	dir := webFolder(t)
	for flag, want := range map[string]int{"": 3, "-q": 0, "--json": 0} {
		w := newFaultyWeb(t, "progress "+flag, dir)
		w.prepare(faultyOperations()["install"])
		args := []string{"install"}
		if flag != "" {
			args = append(args, flag)
		}
		out, code := w.do(args...)
		if got := strings.Count(out, "downloaded "+"f") + strings.Count(out, "downloaded z") + strings.Count(out, "downloaded c"); code != exitOK || got != want || strings.Contains(out, "\x1b") {
			t.Errorf("%s: exit %d, %d lines about downloads, want %d:\n%s", flag, code, got, want, out)
		}
	}
}
