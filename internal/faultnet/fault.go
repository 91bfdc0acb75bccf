package faultnet

import (
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Fault spoils an answer.
type Fault func(x *Exchange)

// part is the first n bytes of the good answer, or all of a shorter one.
func (x *Exchange) part(n int) []byte { return x.Body[:min(n, len(x.Body))] }

// Cut closes the connection after n bytes of the body.
func Cut(n int) Fault {
	return func(x *Exchange) {
		x.goodHead(int64(len(x.Body)))
		x.send(x.part(n))
	}
}

// Reset resets the connection after n bytes of the body.
func Reset(n int) Fault {
	return func(x *Exchange) {
		x.goodHead(int64(len(x.Body)))
		x.send(x.part(n))
		if tcp, ok := x.conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
}

// HangUp closes the connection without an answer.
func HangUp(*Exchange) {}

// Stall sends n bytes of the body and then nothing any more.
func Stall(n int) Fault {
	return func(x *Exchange) {
		x.goodHead(int64(len(x.Body)))
		if x.send(x.part(n)) {
			x.linger()
		}
	}
}

// Silence sends nothing at all.
func Silence(x *Exchange) { x.linger() }

// Trickle sends a byte at a time, with a pause after each.
func Trickle(pause time.Duration) Fault {
	return func(x *Exchange) {
		x.goodHead(int64(len(x.Body)))
		for i := range x.Body {
			if !x.send(x.Body[i:i+1]) || !x.wait(pause) {
				return
			}
		}
	}
}

// Truncate answers with the first n bytes, as if that were all.
func Truncate(n int) Fault {
	return func(x *Exchange) {
		x.goodHead(int64(len(x.part(n))))
		x.send(x.part(n))
	}
}

// EndEarly announces no length and ends after n bytes.
func EndEarly(n int) Fault {
	return func(x *Exchange) {
		x.goodHead(-1)
		x.send(x.part(n))
	}
}

// Length announces by so many bytes more or, when negative, fewer than it sends.
func Length(more int) Fault {
	return func(x *Exchange) {
		x.goodHead(max(int64(len(x.Body)+more), 0))
		x.send(x.Body)
	}
}

// Endless announces no length and never ends.
func Endless(x *Exchange) {
	x.goodHead(-1)
	for block := make([]byte, 64<<10); x.send(block); {
		select {
		case <-x.stop:
			return
		default:
		}
	}
}

// Status answers with a status and headers, and a page instead of the file.
func Status(code int, header map[string]string) Fault {
	return func(x *Exchange) {
		h := http.Header{"Content-Type": {"text/html"}}
		for name, value := range header {
			h.Set(name, value)
		}
		page := []byte("<html>" + http.StatusText(code) + "</html>\n")
		x.head(code, h, int64(len(page)))
		x.send(page)
	}
}

// Redirect sends to an address; a path is one of this server.
func Redirect(code int, to string) Fault { return Status(code, map[string]string{"Location": to}) }

// RedirectLoop sends back and forth between the path and another.
func RedirectLoop(x *Exchange) {
	const twin = "-again"
	to, again := strings.CutSuffix(x.Request.URL.Path, twin)
	if !again {
		to += twin
	}
	Redirect(http.StatusFound, to)(x)
}

// OtherBytes changes a byte in the middle of the file.
func OtherBytes(x *Exchange) {
	other := bytes.Clone(x.Body)
	if len(other) > 0 {
		other[len(other)/2] ^= 0x40
	}
	x.goodHead(int64(len(other)))
	x.send(other)
}

// Page answers with a page of its own and status 200, as portals do.
func Page(x *Exchange) { Status(http.StatusOK, nil)(x) }

// Encoded compresses the file, whether that was asked for or not.
func Encoded(encoding string) Fault {
	return func(x *Exchange) {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(x.Body)
		_ = w.Close()
		h := x.Good.Header.Clone()
		h.Set("Content-Encoding", encoding)
		x.head(http.StatusOK, h, int64(packed.Len()))
		x.send(packed.Bytes())
	}
}

// OtherRange answers every question for a range with one that begins elsewhere.
func OtherRange(x *Exchange) {
	h := x.Good.Header.Clone()
	h.Set("Content-Range", "bytes 1-2/3")
	x.head(http.StatusPartialContent, h, int64(len(x.Body)))
	x.send(x.Body)
}

// Garbage answers with what is no HTTP.
func Garbage(x *Exchange) { x.send([]byte("SSH-2.0-OpenSSH_9.6\r\n")) }

func silent() *log.Logger { return log.New(io.Discard, "", 0) }
