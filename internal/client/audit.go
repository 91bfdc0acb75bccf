package client

import (
	"cmp"
	"slices"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/lockfile"
	"github.com/clydepm/clyde/internal/osv"
)

// AuditReport is what is known against the packages of a lock.
type AuditReport struct {
	Database   string       `json:"database"`
	AsOf       string       `json:"as_of,omitempty"` // when the copy of the database was current
	Records    int          `json:"records"`
	Packages   int          `json:"packages"`
	Findings   []Vulnerable `json:"findings"`
	Ignored    []Vulnerable `json:"ignored"`
	Unused     []Ignore     `json:"unused_ignores"`  // nothing is found that they are about
	Expired    []Ignore     `json:"expired_ignores"` // they do not count any more
	Unreadable []string     `json:"unreadable"`      // reports that cannot be understood
}

// Vulnerable is a report about a locked package.
type Vulnerable struct {
	ID       string   `json:"id"`
	Aliases  []string `json:"aliases,omitempty"`
	Package  string   `json:"package"`
	Version  string   `json:"version"`
	Registry string   `json:"registry"`
	Severity string   `json:"severity,omitempty"`
	Summary  string   `json:"summary,omitempty"`
	Fixed    []string `json:"fixed,omitempty"` // versions with the repair
	URL      string   `json:"url,omitempty"`
	Line     int      `json:"line"`             // of the lock
	Reason   string   `json:"reason,omitempty"` // why it is ignored
}

// Audit says which reports are about packages of the lock. A report that cannot
// be understood, and is about a package of the lock, is unreadable: nobody knows
// whether it is harmless.
func (v *View) Audit(db *Advisories, ignore []Ignore, now time.Time) (*AuditReport, error) {
	lock, err := v.locked()
	if err != nil {
		return nil, err
	}
	r := &AuditReport{
		Database: db.Source, Records: len(db.Records), Packages: len(lock.Packages), Findings: []Vulnerable{},
		Ignored: []Vulnerable{}, Unused: []Ignore{}, Expired: []Ignore{}, Unreadable: append([]string{}, db.Unreadable...),
	}
	if !db.AsOf.IsZero() {
		r.AsOf = db.AsOf.Format(time.RFC3339)
	}
	used := make([]bool, len(ignore))
	for i, p := range lock.Packages {
		for _, record := range db.Records {
			match, err := record.Match(v.auditable(p))
			if err != nil {
				r.Unreadable = append(r.Unreadable, err.Error())
			}
			if match == nil {
				continue
			}
			found := vulnerable(p, match)
			found.Line = i + 2 // the first line is the header
			r.file(found, record, ignore, used, now)
		}
	}
	for i, g := range ignore {
		switch {
		case !now.Before(g.Expires):
			r.Expired = append(r.Expired, g)
		case !used[i]:
			r.Unused = append(r.Unused, g)
		}
	}
	slices.Sort(r.Unreadable)
	r.Unreadable = slices.Compact(r.Unreadable)
	for _, list := range [][]Vulnerable{r.Findings, r.Ignored} {
		slices.SortStableFunc(list, func(a, b Vulnerable) int {
			return cmp.Or(cmp.Compare(a.Package, b.Package), compareVersions(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
		})
	}
	return r, nil
}

// file puts a finding where it belongs.
func (r *AuditReport) file(found Vulnerable, record *osv.Record, ignore []Ignore, used []bool, now time.Time) {
	for i, g := range ignore {
		if !record.Is(g.ID) || g.Package != "" && index.Fold(g.Package) != index.Fold(found.Package) || !now.Before(g.Expires) {
			continue
		}
		used[i] = true
		found.Reason = g.Reason
		r.Ignored = append(r.Ignored, found)
		return
	}
	r.Findings = append(r.Findings, found)
}

func (v *View) auditable(p lockfile.Package) osv.Package {
	version, err := index.ParseVersion(p.Version)
	if err != nil {
		panic(err) // the lock was checked when it was read
	}
	return osv.Package{Name: p.Name, Version: version, Registry: v.registryURL(p.Registry), SameRegistry: sameRegistry}
}

func vulnerable(p lockfile.Package, m *osv.Match) Vulnerable {
	return Vulnerable{
		ID: m.Record.ID, Aliases: m.Record.Aliases, Package: p.Name, Version: p.Version, Registry: p.Registry,
		Severity: m.Severity, Summary: cmp.Or(m.Record.Summary, m.Record.Details), Fixed: m.Fixed, URL: m.Record.URL(),
	}
}
