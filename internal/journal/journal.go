// Package journal keeps the record of what runs did: one line of JSON for each
// step, in the order in which the steps ended.
//
//	{"id":3,"run":"20260102T030405Z-5f2c91aa","step":"fetch","package":"fmt 9.1.0",
//	 "started":"2026-01-02T03:04:05Z","duration_ms":41,"outcome":"ok","detail":"12345 bytes"}
//
// The id counts the steps of one run from 1, in the order in which they began.
// The file is for its owner alone (mode 0600), for it quotes what programs
// printed. Callers put no address with a query and no credential into a detail;
// a detail is cut to its last [MaxDetail] bytes.
//
// A file that grew beyond its limit is renamed to "NAME.1" when a run begins, in
// the place of the one before it, so that a project has two at most. A process
// that is killed may leave half a line; the next run ends it, and [Read] passes
// over it.
package journal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Record is one step of a run.
type Record struct {
	ID         int       `json:"id"`
	Run        string    `json:"run"`
	Step       string    `json:"step"`
	Package    string    `json:"package,omitempty"`
	Started    time.Time `json:"started"`
	DurationMS int64     `json:"duration_ms"`
	Outcome    Outcome   `json:"outcome"`
	Detail     string    `json:"detail,omitempty"`
}

// Outcome says how a step ended.
type Outcome string

// The ways in which a step ends.
const (
	OK        Outcome = "ok"
	Failed    Outcome = "failed"
	Cancelled Outcome = "cancelled"
	Skipped   Outcome = "skipped" // it was not allowed, or there was nothing to do
	Undone    Outcome = "undone"  // what an earlier step did was taken back
)

// MaxDetail bounds the bytes of a detail.
const MaxDetail = 16 << 10

// maxFile is the size beyond which a file is put aside.
const maxFile = 4 << 20

// maxLine bounds a line that is read: a detail of control characters alone is
// six times as long in JSON.
const maxLine = 8 * MaxDetail

// Run records the steps of one run. Its methods may be called by several
// goroutines at once. Nothing is written before [Run.Keep]. A nil Run begins
// steps and records none.
type Run struct {
	id  string
	now func() time.Time

	mu      sync.Mutex
	begun   int
	records []Record
	file    *os.File // nil until Keep
	err     error    // of the first write that failed
}

// Begin starts a run.
func Begin(now func() time.Time) *Run {
	var unique [4]byte
	_, _ = rand.Read(unique[:]) // never fails
	return &Run{id: now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(unique[:]), now: now}
}

// ID names the run.
func (r *Run) ID() string { return r.id }

// Keep writes what was recorded, and from now on each step as it ends, to the
// end of the file. The caller must close the run.
func (r *Run) Keep(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		return nil
	}
	if info, err := os.Lstat(name); err == nil && info.Size() > maxFile {
		if err := os.Rename(name, name+".1"); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := endLine(f); err != nil {
		return errors.Join(fmt.Errorf("journal: %w", err), f.Close())
	}
	r.file = f
	for _, record := range r.records {
		r.write(record)
	}
	return r.err
}

// endLine ends the line that a killed process left half written.
func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte("\n"))
	return err
}

// Close ends the run. The error is the first that writing met.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := errors.Join(r.err, r.file.Close())
	r.file = nil
	return err
}

// Records is what was recorded so far.
func (r *Run) Records() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// Step is a step under way.
type Step struct {
	run    *Run
	record Record
}

// Step begins a step; pkg is "" for one that is not about a package.
func (r *Run) Step(name, pkg string) *Step {
	if r == nil {
		return &Step{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	return &Step{r, Record{ID: r.begun, Run: r.id, Step: name, Package: pkg, Started: r.now().UTC()}}
}

// Done ends the step: well, when err is nil. It returns err.
func (s *Step) Done(err error, detail string) error {
	outcome := OK
	if err != nil {
		outcome = Failed
		if errors.Is(err, context.Canceled) {
			outcome = Cancelled
		}
		detail = strings.TrimPrefix(detail+"\n"+err.Error(), "\n")
	}
	s.End(outcome, detail)
	return err
}

// End ends the step.
func (s *Step) End(outcome Outcome, detail string) {
	if s.run == nil {
		return
	}
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	s.record.DurationMS = s.run.now().Sub(s.record.Started).Milliseconds()
	s.record.Outcome = outcome
	s.record.Detail = strings.ToValidUTF8(detail[max(0, len(detail)-MaxDetail):], "")
	s.run.records = append(s.run.records, s.record)
	if s.run.file != nil {
		s.run.write(s.record)
	}
}

// write appends a line by one write, so that lines of runs side by side do not
// mix.
func (r *Run) write(record Record) {
	line, err := json.Marshal(record)
	if err == nil {
		_, err = r.file.Write(append(line, '\n'))
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("journal: %w", err)
	}
}

// Read reads the records of a journal, oldest first; of none when there is no
// such file. Lines that are no records are passed over.
func Read(name string) (records []Record, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(io.LimitReader(f, 2*maxFile))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var record Record
		if line := bytes.TrimSpace(lines.Bytes()); json.Unmarshal(line, &record) == nil && record.Run != "" {
			records = append(records, record)
		}
	}
	return records, lines.Err()
}
