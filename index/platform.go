package index

import (
	"fmt"
	"strings"
)

// Platform is an operating system on an architecture. Its zero value is
// "universal", every platform.
type Platform struct {
	OS   string // linux, macos or windows
	Arch string // x86_64 or aarch64
}

// Platforms returns the platforms that can be named, without "universal".
func Platforms() []Platform {
	return []Platform{
		{"linux", "aarch64"},
		{"linux", "x86_64"},
		{"macos", "aarch64"},
		{"macos", "x86_64"},
		{"windows", "aarch64"},
		{"windows", "x86_64"},
	}
}

// PlatformError reports a text that names no platform.
type PlatformError struct{ Text string }

func (e *PlatformError) Error() string { return fmt.Sprintf("%q is not a platform", e.Text) }

// Hint lists the platforms.
func (e *PlatformError) Hint() string {
	names := []string{"universal"}
	for _, p := range Platforms() {
		names = append(names, p.String())
	}
	return "the platforms are " + strings.Join(names, ", ")
}

// ParsePlatform parses "linux-x86_64" and its like, and "universal". The error
// is a [*PlatformError].
func ParsePlatform(s string) (Platform, error) {
	if s == "universal" {
		return Platform{}, nil
	}
	for _, p := range Platforms() {
		if p.String() == s {
			return p, nil
		}
	}
	return Platform{}, &PlatformError{s}
}

// String returns the platform as it is written in a line.
func (p Platform) String() string {
	if p == (Platform{}) {
		return "universal"
	}
	return p.OS + "-" + p.Arch
}

// PlatformOf returns the platform of Go's names for an operating system and an
// architecture, and reports whether there is one.
func PlatformOf(goos, goarch string) (Platform, bool) {
	if goos == "darwin" {
		goos = "macos"
	}
	switch goarch {
	case "amd64":
		goarch = "x86_64"
	case "arm64":
		goarch = "aarch64"
	}
	p, err := ParsePlatform(goos + "-" + goarch)
	return p, err == nil
}
