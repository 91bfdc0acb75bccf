package client

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// AuditConfig says against what packages are audited.
type AuditConfig struct {
	Database string // file, folder or URL of OSV reports; absolute when it is a path
	Ignore   []Ignore
}

// Ignore is a report that a person decided to live with for a while.
type Ignore struct {
	ID      string    `json:"id"`      // of the report, or another name of it
	Package string    `json:"package"` // "" for every package
	Reason  string    `json:"reason"`
	Expires time.Time `json:"expires"` // from then on it does not count any more
	Origin  Origin    `json:"-"`
}

// parseAudit reads the member "audit" of a configuration file. A relative path
// is relative to base.
func parseAudit(v strictyaml.Value, origin Origin, base string) (a AuditConfig) {
	m := v.Mapping("database", "ignore")
	if d := m.Get("database"); d.Present() {
		a.Database = databaseAt(d.Text(), base)
	}
	for _, item := range m.Get("ignore").List() {
		one := item.Mapping("id", "package", "reason", "expires")
		ignore := Ignore{
			ID: one.Require("id", "write id: the ID of a report").Text(), Package: one.Get("package").Text(),
			Reason: strings.TrimSpace(one.Require("reason", "write reason: why it does no harm here").Text()), Origin: origin,
		}
		ignore.Origin.Line, _ = item.Position()
		expires := one.Require("expires", `write expires: a day such as "2027-01-31", on which somebody looks again`)
		if expires.Present() {
			day, err := time.Parse(time.DateOnly, expires.Written())
			if err != nil {
				expires.Report(`write a day such as "2027-01-31"`, "%q is not a day", expires.Written())
			}
			ignore.Expires = day
		}
		a.Ignore = append(a.Ignore, ignore)
	}
	return a
}

// databaseAt makes a path absolute; a URL stays.
func databaseAt(text, base string) string {
	if text == "" || strings.Contains(text, "://") || filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(base, filepath.FromSlash(text))
}
