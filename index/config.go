package index

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Paths of the files of an index that are about the index itself.
const (
	ConfigPath = "config.json"
	PolicyPath = "policy.yaml"
)

// Format versions of the "clyde" object of config.json.
const (
	MinConfigFormat = 1
	MaxConfigFormat = 1
)

// maxConfigSize bounds config.json, in bytes.
const maxConfigSize = 1 << 20

// Config is the file config.json at the top of an index, in Cargo's form with a
// "clyde" object beside it.
type Config struct {
	DL           string // URL or template of the archives; see DownloadURL
	API          string
	AuthRequired bool
	Clyde        ClydeConfig
	Extra        []Member
}

// ClydeConfig is the "clyde" object of config.json. All zero means that there is none.
type ClydeConfig struct {
	Format int    // of the index as a whole
	Name   string // of the registry
	Sparse string // URL under which the index is also served file by file
	Squash *Squash
	// Versions says how many versions of a package may be chosen together:
	// OneVersion, also when it is empty, or CargoVersions.
	Versions string
	Extra    []Member
}

// How many versions of one package may be chosen together.
const (
	OneVersion    = "one-version"
	CargoVersions = "cargo" // one of each class of versions that are compatible, see [Version.Compatible]
)

// ConfigError reports a config.json that cannot be used.
type ConfigError struct {
	Field  string
	Detail string
}

func (e *ConfigError) Error() string {
	if e.Field == "" {
		return ConfigPath + ": " + e.Detail
	}
	return ConfigPath + ": " + e.Field + ": " + e.Detail
}

// ParseConfig reads config.json. Unknown members are kept. The error is a
// [*ConfigError]; a newer format is one of them, because it may change what the
// rest of the index means.
func ParseConfig(data []byte) (*Config, error) {
	if len(data) > maxConfigSize {
		return nil, &ConfigError{"", fmt.Sprintf("longer than %d bytes", maxConfigSize)}
	}
	c := &Config{}
	d := newLineDecoder(data)
	c.Extra = d.object(func(name string) bool {
		switch name {
		case "dl":
			c.DL = d.string()
		case "api":
			c.API = d.string()
		case "auth-required":
			c.AuthRequired = d.bool(false)
		case "clyde":
			c.Clyde = d.clydeConfig()
		default:
			return false
		}
		return true
	})
	d.end()
	if len(d.problems) > 0 {
		return nil, &ConfigError{d.problems[0].Field, d.problems[0].Detail}
	}
	if c.Clyde.Format < 0 || c.Clyde.Format > MaxConfigFormat {
		return nil, &ConfigError{"clyde.format", fmt.Sprintf("is %d, and this program knows formats up to %d", c.Clyde.Format, MaxConfigFormat)}
	}
	switch c.Clyde.Versions {
	case "", OneVersion, CargoVersions:
	default:
		return nil, &ConfigError{"clyde.versions", fmt.Sprintf("is %q, and this program knows %q and %q", c.Clyde.Versions, OneVersion, CargoVersions)}
	}
	if c.Clyde.Name == "*" {
		return nil, &ConfigError{"clyde.name", `is "*", which signatures have for any registry`}
	}
	return c, nil
}

func (d *lineDecoder) clydeConfig() (c ClydeConfig) {
	c.Extra = d.object(func(name string) bool {
		switch name {
		case "format":
			c.Format = int(d.int())
		case "name":
			c.Name = d.string()
		case "sparse":
			c.Sparse = d.string()
		case "squash":
			c.Squash = d.squash()
		case "versions":
			c.Versions = d.string()
		default:
			return false
		}
		return true
	})
	return c
}

// Format returns the text of config.json: indented by two spaces and ended by a
// newline. Empty members are left out, except dl.
func (c *Config) Format() []byte {
	o := newObject(nil)
	o.string("dl", c.DL)
	o.optionalString("api", c.API)
	if c.AuthRequired {
		o.bool("auth-required", true)
	}
	if clyde := c.Clyde.append(nil); !bytes.Equal(clyde, []byte("{}")) {
		o.key("clyde")
		o.dst = append(o.dst, clyde...)
	}
	text := jsontext.Value(o.end(c.Extra))
	// The value is valid JSON by construction unless Extra is not, which Indent
	// leaves as it is.
	_ = text.Indent(jsontext.WithIndent("  "))
	return append(text, '\n')
}

func (c *ClydeConfig) append(dst []byte) []byte {
	o := newObject(dst)
	o.optionalInt("format", int64(c.Format))
	o.optionalString("name", c.Name)
	o.optionalString("sparse", c.Sparse)
	if c.Squash != nil {
		o.key("squash")
		o.dst = c.Squash.append(o.dst)
	}
	o.optionalString("versions", c.Versions)
	return o.end(c.Extra)
}

// DownloadURL returns the URL of an entry's archive: its own "dl", or else the
// one that the index has for all. If that has none of the markers {crate},
// {version}, {prefix}, {lowerprefix} and {sha256-checksum},
// "/{crate}/{version}/download" is appended to it, as cargo does. An index
// without "dl", or one that gives no absolute URL, is a [*ConfigError].
func (c *Config) DownloadURL(e *Entry) (string, error) {
	text := e.DL
	if text == "" {
		text = c.expand(e)
	}
	if text == "" {
		return "", &ConfigError{"dl", fmt.Sprintf("is empty, and %s %s has no dl of its own", e.Name, e.Vers)}
	}
	if u, err := url.Parse(text); err != nil || !u.IsAbs() {
		return "", &ConfigError{"dl", fmt.Sprintf("%q, for %s %s, is not an absolute URL", text, e.Name, e.Vers)}
	}
	return text, nil
}

func (c *Config) expand(e *Entry) string {
	if c.DL == "" {
		return ""
	}
	byDefault := c.DL + "/" + e.Name + "/" + e.Vers + "/download"
	if !strings.Contains(c.DL, "{") {
		return byDefault
	}
	folder, _, scoped := strings.Cut(e.Name, "/")
	if !scoped {
		folder = prefix(e.Name)
	}
	markers := []string{
		"{crate}", e.Name,
		"{version}", e.Vers,
		"{prefix}", folder,
		"{lowerprefix}", lower(folder),
		"{sha256-checksum}", e.Cksum,
	}
	expanded := strings.NewReplacer(markers...).Replace(c.DL)
	if expanded == c.DL {
		return byDefault
	}
	return expanded
}
