package client

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// Generations kept beside the active one.
const (
	defaultKeep = 5
	maxKeep     = 100
)

// keepSetting is how many generations are kept to go back to.
func keepSetting() setting {
	return setting{
		key: "keep", variable: "CLYDE_KEEP",
		show: func(c *Config) any { return c.Keep },
		fromText: func(c *Config, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxKeep {
				return fmt.Errorf("%q is not a number from 1 to %d", text, maxKeep)
			}
			c.Keep = n
			return nil
		},
		fromYAML: func(v strictyaml.Value, _ string) func(*Config) {
			n := v.Int(1, maxKeep, defaultKeep)
			return func(c *Config) { c.Keep = n }
		},
	}
}

// platformSetting is what is installed for, when it is not this machine.
func platformSetting() setting {
	return setting{
		key: "platform", variable: "CLYDE_PLATFORM",
		show: func(c *Config) any {
			p, err := c.InstallPlatform()
			if err != nil {
				return ""
			}
			return p.String()
		},
		fromText: func(c *Config, text string) (err error) {
			c.Platform, err = ParseInstallPlatform(text)
			return err
		},
		fromYAML: func(v strictyaml.Value, _ string) func(*Config) {
			p := platformValue(v)
			return func(c *Config) { c.Platform = p }
		},
	}
}

// ParseInstallPlatform reads a platform that something can be installed for: one,
// not "universal".
func ParseInstallPlatform(text string) (index.Platform, error) {
	p, err := index.ParsePlatform(text)
	if err == nil && p == (index.Platform{}) {
		err = fmt.Errorf("%q is not one platform; write for example %q", text, "linux-x86_64")
	}
	return p, err
}

// InstallPlatform is the platform to install for: the one set, or this machine's.
func (c *Config) InstallPlatform() (index.Platform, error) {
	if c.Platform != (index.Platform{}) {
		return c.Platform, nil
	}
	if p, ok := index.PlatformOf(runtime.GOOS, runtime.GOARCH); ok {
		return p, nil
	}
	return index.Platform{}, &Error{
		Class: ErrUsage, Message: fmt.Sprintf("clyde has no name for the platform %s/%s", runtime.GOOS, runtime.GOARCH),
		Remedy: "say what to install for, such as CLYDE_PLATFORM=linux-x86_64",
	}
}

// vendorSetting is the vendored folder of a project, relative to it; "" on the
// command line turns it off.
func vendorSetting() setting {
	return setting{
		key: "vendor", variable: "CLYDE_VENDOR", shared: true,
		show: func(c *Config) any { return c.Vendor },
		fromText: func(c *Config, text string) error {
			if text != "" && !filepath.IsAbs(text) {
				return fmt.Errorf("%q is not an absolute path", text)
			}
			c.Vendor = text
			if text != "" {
				c.Vendor = filepath.Clean(text)
			}
			return nil
		},
		fromYAML: func(v strictyaml.Value, base string) func(*Config) {
			dir := v.Text()
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(filepath.Dir(base), filepath.FromSlash(dir))
			}
			return func(c *Config) { c.Vendor = filepath.Clean(dir) }
		},
	}
}
