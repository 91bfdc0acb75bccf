package archive

import (
	"io/fs"
	"testing"
)

func TestExecutable(t *testing.T) {
	tests := []struct {
		goos string
		mode fs.FileMode
		head string
		want bool
	}{
		{"linux", 0o755, "text", true},
		{"linux", 0o700, "text", true},
		{"linux", 0o655, "#!/bin/sh", false},
		{"darwin", 0o644, "#!/bin/sh", false},
		{"windows", 0o666, "#!/bin/sh", true},
		{"windows", 0o666, "\x7fELF\x02", true},
		{"windows", 0o777, "MZ", false},
		{"windows", 0o777, "", false},
	}
	for _, tt := range tests {
		if got := executable(tt.goos, tt.mode, []byte(tt.head)); got != tt.want {
			t.Errorf("executable(%s, %s, %q) = %v, want %v", tt.goos, tt.mode, tt.head, got, tt.want)
		}
	}
}
