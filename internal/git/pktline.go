package git

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Packets of git's protocols begin with their length in four hex digits; these
// are lengths that stand for something else.
const (
	pktFlush       = "0000"
	pktDelim       = "0001"
	pktResponseEnd = "0002"
)

// maxPkt is the greatest length of a packet, its own four digits included.
const maxPkt = 65520

// appendPkt adds a line of text as a packet.
func appendPkt(b []byte, format string, args ...any) []byte {
	line := fmt.Sprintf(format, args...) + "\n"
	return append(fmt.Appendf(b, "%04x", len(line)+4), line...)
}

// packet is what a remote sent: a payload, or one of the special lengths.
type packet struct {
	payload []byte // valid until the next one
	special string // pktFlush, pktDelim or pktResponseEnd; "" for a payload
}

// line is the payload as text, without its newline.
func (p packet) line() string { return strings.TrimSuffix(string(p.payload), "\n") }

// packetReader reads packets.
type packetReader struct {
	r   *bufio.Reader
	buf []byte
}

func newPacketReader(r io.Reader) *packetReader {
	return &packetReader{r: bufio.NewReaderSize(r, 1<<16)}
}

// read reads the next packet. The error is [io.EOF] at the end. A packet "ERR"
// is an error that the remote reports.
func (p *packetReader) read() (packet, error) {
	var digits [4]byte
	if _, err := io.ReadFull(p.r, digits[:]); err != nil {
		return packet{}, err
	}
	switch s := string(digits[:]); s {
	case pktFlush, pktDelim, pktResponseEnd:
		return packet{special: s}, nil
	}
	var size [2]byte
	if _, err := hex.Decode(size[:], digits[:]); err != nil {
		return packet{}, fmt.Errorf("the remote does not speak git's protocol: %q is no length of a packet", digits)
	}
	n := int(size[0])<<8 | int(size[1])
	if n < 4 || n > maxPkt {
		return packet{}, fmt.Errorf("the remote sends a packet of %d bytes", n)
	}
	if cap(p.buf) < n-4 {
		p.buf = make([]byte, maxPkt)
	}
	payload := p.buf[:n-4]
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return packet{}, noEOF(err)
	}
	if text, ok := strings.CutPrefix(string(payload[:min(len(payload), 1024)]), "ERR "); ok {
		return packet{}, remoteSays(text)
	}
	return packet{payload: payload}, nil
}

// lines reads packets up to a special one, which it returns.
func (p *packetReader) lines(each func(line string) error) (special string, err error) {
	for {
		pkt, err := p.read()
		if err != nil {
			return "", noEOF(err)
		}
		if pkt.special != "" {
			return pkt.special, nil
		}
		if err := each(pkt.line()); err != nil {
			return "", err
		}
	}
}

// noEOF is the error of a conversation that ended where it must not.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// remoteSays is an error in the words of the remote, which may hold anything.
func remoteSays(text string) error {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
	return fmt.Errorf("the remote says: %s", text)
}

// sidebandReader is the pack in a stream of packets whose first byte says what
// they carry: 1 the pack, 2 progress, 3 an error.
type sidebandReader struct {
	packets *packetReader
	rest    []byte
	done    bool
}

func (s *sidebandReader) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.done {
			return 0, io.EOF
		}
		pkt, err := s.packets.read()
		switch {
		case err != nil:
			return 0, noEOF(err)
		case pkt.special != "":
			s.done = true
		case len(pkt.payload) == 0:
		case pkt.payload[0] == 1:
			s.rest = pkt.payload[1:]
		case pkt.payload[0] == 3:
			return 0, remoteSays(string(pkt.payload[1:]))
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
