package main

import (
	"strings"
	"testing"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/google/go-cmp/cmp"
)

// newTestBoard is a board two seconds after the first bytes came.
func newTestBoard() (*board, time.Time) {
	b := &board{plain: true}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b.expect(12, 40<<20)
	first := b.begin("zlib 1.3.1", 1<<20)
	first.n = 1 << 20
	b.end(first)
	whole, resumed, unknown := b.begin("fmt 9.1.0", 4<<20), b.begin("boost-container 1.84.0", 30<<20), b.begin("大きさ 1.0.0", 0)
	b.lines(now, 80, 24)
	b.at(resumed, 20<<20)
	whole.n, unknown.n = 2<<20, 300<<10
	resumed.n += 1 << 20
	return b, now.Add(2 * time.Second)
}

func TestBoard(t *testing.T) {
	b, now := newTestBoard()
	for width, want := range map[int][]string{
		110: {
			`fetched 1 of 12           ##################............   60%  24 MiB of 40 MiB     1.6 MiB/s   10s left`,
			`  fmt 9.1.0               ###############...............   50%  2.0 MiB of 4.0 MiB   1.0 MiB/s   2s left`,
			`  boost-container 1.84.0  #####################.........   70%  21 MiB of 30 MiB     512 KiB/s   18s left`,
			`  大きさ 1.0.0            ..............................        300 KiB              150 KiB/s`,
		},
		60: {
			`fetched 1 of 12            60%  24 MiB of 40 MiB`,
			`  fmt 9.1.0                50%  2.0 MiB of 4.0 MiB`,
			`  boost-container 1.84.0   70%  21 MiB of 30 MiB`,
			`  大きさ 1.0.0                  300 KiB`,
		},
		30: {
			`fetched 1 of 12   60%`,
			`  fmt 9.1.0       50%`,
			`  boost-contai…   70%`,
			`  大きさ 1.0.0`,
		},
	} {
		if diff := cmp.Diff(want, b.lines(now, width, 24)); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", width, diff)
		}
	}
}

func TestBoardFitsEveryTerminal(t *testing.T) {
	for width := 1; width < 200; width++ {
		b, now := newTestBoard()
		for range 20 {
			b.begin(strings.Repeat("long-name-", 8), 5<<30)
		}
		for height := range 30 {
			lines := b.lines(now, width, height)
			if len(lines) > max(1, height-1) {
				t.Fatalf("%d lines on %d", len(lines), height)
			}
			for _, line := range lines {
				if width >= 24 && displaywidth.String(line) >= width {
					t.Fatalf("%d columns: %q", width, line)
				}
			}
		}
	}
}
