package fetch

import (
	"bytes"
	"context"
)

// Bytes asks for a file that fits into memory.
func (c *Client) Bytes(ctx context.Context, req Request) ([]byte, Answer, error) {
	var b buffer
	answer, err := c.Get(ctx, req, &b)
	if err != nil {
		return nil, answer, err
	}
	return b.Bytes(), answer, nil
}

// maxGrow is how much memory a server gets for announcing a length.
const maxGrow = 1 << 20

type buffer struct{ bytes.Buffer }

// Begin implements [Sink].
func (b *buffer) Begin(offset, total int64, _ Version) error {
	b.Truncate(int(offset))
	b.Grow(int(min(max(total-offset, 0), maxGrow)))
	return nil
}
