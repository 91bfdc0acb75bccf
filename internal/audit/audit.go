package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/review"
)

// Check is something that can have happened to a version since it was
// published.
type Check struct {
	ID, Summary string
}

// Checks lists everything that an audit looks for, in the order of a report.
func Checks() []Check {
	return []Check{
		{"audit/archive-replaced", "an archive or build is the one that was published"},
		{"audit/archive-gone", "an archive or build is still there"},
		{"audit/tag-moved", "the tag names the commit that it named"},
		{"audit/tag-gone", "the tag is still there"},
		{"audit/release-gone", "the release is still there"},
		{"audit/repository-gone", "the repository is still there"},
		{"audit/repository-replaced", "the repository under the name is the same one, of the same owner"},
		{"audit/signature-replaced", "the signature is the one that was published"},
		{"audit/signature-gone", "the signature is still there"},
		{"audit/identity", "the signature is good, and of someone who may sign by the owners file of today"},
		{"audit/unreachable", "everything could be looked at"},
	}
}

// Finding is something that happened to a version.
type Finding struct {
	Check   string `json:"check"`
	Status  string `json:"status"` // review.Fail, or review.Skip where nothing is known
	Package string `json:"package"`
	Version string `json:"version"`
	Where   string `json:"where"` // file and line of the index
	Detail  string `json:"detail"`
}

// Report is the outcome of an audit.
type Report struct {
	Verdict  string    `json:"verdict"` // review.Fail when a finding is, else review.Pass
	Checked  int       `json:"checked"`
	Total    int       `json:"total"` // lines that were asked for without a sample
	Seed     string    `json:"seed,omitempty"`
	Next     int       `json:"next,omitempty"` // where the next sample of this seed begins; 0 when all is done
	Findings []Finding `json:"findings"`
}

// Options say how an audit looks at the world.
type Options struct {
	// Gather fetches the evidence about a version, as for a review. Done is
	// called when the evidence is not needed any more.
	Gather func(ctx context.Context, e *index.Entry) (ev *review.Evidence, done func() error, err error)
	// Verify checks a version's signature by the owners file of today. The error
	// matches attest.ErrRejected when it is not acceptable.
	Verify func(e *index.Entry, bundle []byte) error
	Jobs   int                   // versions at a time; at least 1
	Each   func(done, total int) // called after each version; may be nil
}

// Run audits lines. When ctx ends first, the report has what was found until
// then, of all the lines up to the first that was not looked at, and the error
// is that of ctx. Another error is one of this machine.
func Run(ctx context.Context, lines []Line, opts Options) (*Report, error) {
	results := make([][]Finding, len(lines))
	looked := make([]bool, len(lines))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(max(opts.Jobs, 1))
	var counter sync.Mutex
	done := 0
	for i, line := range lines {
		group.Go(func() error {
			if err := limited.Err(); err != nil {
				return err
			}
			found, err := check(limited, line, opts)
			if err != nil {
				return err
			}
			counter.Lock()
			defer counter.Unlock()
			results[i], looked[i] = found, true
			if done++; opts.Each != nil {
				opts.Each(done, len(lines))
			}
			return nil
		})
	}
	err := group.Wait()
	r := &Report{Verdict: review.Pass, Findings: []Finding{}}
	for i := range lines {
		if !looked[i] {
			break
		}
		r.Checked++
		r.Findings = append(r.Findings, results[i]...)
	}
	r.finish()
	return r, err
}

func (r *Report) finish() {
	order := map[string]int{}
	for i, c := range Checks() {
		order[c.ID] = i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(order[a.Check], order[b.Check]), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Detail, b.Detail))
	})
	for _, f := range r.Findings {
		if f.Status == review.Fail {
			r.Verdict = review.Fail
		}
	}
}

// examination compares one line with its evidence.
type examination struct {
	line     Line
	ev       *review.Evidence
	findings []Finding
}

func check(ctx context.Context, line Line, opts Options) (_ []Finding, err error) {
	ev, done, err := opts.Gather(ctx, line.Entry)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", line.Entry.Name, line.Entry.Vers, err)
	}
	defer func() { err = errors.Join(err, done()) }()
	x := &examination{line: line, ev: ev}
	x.archives()
	x.source()
	x.missing()
	return x.findings, x.signature(opts.Verify)
}

func (x *examination) add(check, status, format string, args ...any) {
	x.findings = append(x.findings, Finding{
		Check: check, Status: status, Package: x.line.Entry.Name, Version: x.line.Entry.Vers,
		Where: fmt.Sprintf("%s:%d", x.line.Path, x.line.Number), Detail: fmt.Sprintf(format, args...),
	})
}

// archives compares the archives with the line. The digest of what is larger
// than the line says is not known, and need not be.
func (x *examination) archives() {
	e := x.line.Entry
	x.compare("the archive", x.ev.Archive, e.Cksum)
	for _, b := range e.Builds {
		x.compare("the build for "+b.Platform, x.ev.Builds[b.Platform], b.Cksum)
	}
}

func (x *examination) compare(what string, f *review.File, cksum string) {
	if f != nil && f.SHA256 != cksum {
		x.add("audit/archive-replaced", review.Fail, "%s at %s has the digest %s, and was published with %s", what, f.URL, f.SHA256, cksum)
	}
}

// source compares the repository and the tag with the line.
func (x *examination) source() {
	s := x.line.Entry.Source
	if s == nil {
		return
	}
	if r := x.ev.Repository; r != nil {
		x.number("the repository", s.Repository, r.RepositoryID, s.RepositoryID)
		x.number("the owner", s.Repository, r.OwnerID, s.OwnerID)
	}
	switch tag := x.ev.Tag; {
	case tag == nil:
	case s.Commit != "" && tag.Commit != s.Commit:
		x.add("audit/tag-moved", review.Fail, "%s of %s names commit %s, and was published from %s", s.Ref, s.Repository, tag.Commit, s.Commit)
	case s.TagObject != "" && tag.Object != s.TagObject:
		x.add("audit/tag-moved", review.Fail, "%s of %s is the tag object %s, and was published from %s", s.Ref, s.Repository, orNone(tag.Object), s.TagObject)
	}
}

func orNone(id string) string { return cmp.Or(id, "(none)") }

// number compares a number of the forge, where both sides know it.
func (x *examination) number(what, repository string, now, published int64) {
	if now != 0 && published != 0 && now != published {
		x.add("audit/repository-replaced", review.Fail, "%s of %s has the number %d, and had %d: the name belongs to someone else now", what, repository, now, published)
	}
}

// gone are the words of evidence for what is not there, unlike for what could
// not be asked.
func gone(detail string) bool {
	return slices.Contains([]string{"not found", "404 Not Found", "410 Gone"}, detail)
}

// missing reports what could not be had.
func (x *examination) missing() {
	for _, m := range x.ev.Missing {
		switch check := x.accident(m); {
		case m.What == "previous" || m.What == "release" && !x.released():
			// is a version of its own; never had one
		case check == "":
			x.add("audit/unreachable", review.Skip, "%s: %s", m.What, m.Detail)
		default:
			x.add(check, review.Fail, "%s: %s", m.What, m.Detail)
		}
	}
}

// accident is what has happened to something that could not be had, "" when
// that is not known.
func (x *examination) accident(m review.Missing) string {
	kind, platform, isBuild := strings.Cut(m.What, ".")
	size := x.line.Entry.Size
	for _, b := range x.line.Entry.Builds {
		if isBuild && b.Platform == platform {
			size = b.Size
		}
	}
	switch {
	case (kind == "archive" || kind == "builds") && size > 0 && m.Detail == fmt.Sprintf("more than %d bytes", size):
		return "audit/archive-replaced"
	case !gone(m.Detail):
		return ""
	}
	return map[string]string{
		"archive": "audit/archive-gone", "builds": "audit/archive-gone", "tag": "audit/tag-gone", "release": "audit/release-gone",
		"repository": "audit/repository-gone", "bundle": "audit/signature-gone",
	}[kind]
}

// released reports whether the version's files were those of a release.
func (x *examination) released() bool {
	e := x.line.Entry
	if e.Source == nil {
		return false
	}
	releases := strings.TrimSuffix(e.Source.Repository, ".git") + "/releases/"
	return strings.HasPrefix(e.DL, releases) || e.Att != nil && strings.HasPrefix(e.Att.URL, releases)
}

// signature checks the signature by who may sign today. One with other bytes
// than the line says is not looked into.
func (x *examination) signature(verify func(*index.Entry, []byte) error) error {
	e := x.line.Entry
	if e.Att == nil || x.ev.Bundle == nil {
		return nil
	}
	sum := sha256.Sum256(x.ev.Bundle)
	if digest := hex.EncodeToString(sum[:]); digest != e.Att.SHA256 {
		x.add("audit/signature-replaced", review.Fail, "the signature at %s has the digest %s, and was published with %s", e.Att.URL, digest, e.Att.SHA256)
		return nil
	}
	var rejected *attest.RejectedError
	switch err := verify(e, x.ev.Bundle); {
	case errors.As(err, &rejected):
		for _, c := range rejected.Failed {
			x.add("audit/identity", review.Fail, "%s: %s", c.ID, c.Detail)
		}
	case errors.Is(err, attest.ErrRejected):
		x.add("audit/identity", review.Fail, "%s", err)
	default:
		return err
	}
	return nil
}
