package main

import (
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// enableEscapes makes a terminal act on escape sequences, and reports whether it
// does: consoles before Windows 10 do not.
func enableEscapes(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	console := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
