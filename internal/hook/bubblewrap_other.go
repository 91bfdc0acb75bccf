//go:build !linux

package hook

import (
	"context"
	"runtime"

	"github.com/clydepm/clyde/internal/process"
)

// bubblewrap is the sandbox of hooks, which is for Linux only.
type bubblewrap struct{ program, why string }

func findBubblewrap(context.Context) bubblewrap {
	return bubblewrap{why: "there is no sandbox for " + runtime.GOOS}
}

func (bubblewrap) wrap(c process.Command, _ Hook, _ folders) process.Command { return c }
