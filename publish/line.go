package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// release is a version on its way into an index.
type release struct {
	entry  *index.Entry // changes when it is signed
	packed []*Archive
	sign   func(ctx context.Context, entry *index.Entry) (*index.Attestation, error)
}

// derive appends the line to the file of its package. A line that is proposed
// already, and says the same, decides the time of publishing.
func (r *release) derive(tree fs.FS, proposed []byte) (derived, error) {
	path, before, err := readPackage(tree, r.entry.Name)
	if err != nil {
		return derived{}, err
	}
	if have := r.find(proposed); have != nil {
		r.entry.Pubtime = have.Pubtime
		if r.sign != nil && have.Att != nil {
			r.entry.Att = have.Att
		}
	}
	line := r.entry.AppendLine(nil)
	d := derived{versions: []string{r.entry.Vers}, lines: [][]byte{line}}
	after, err := AppendLine(before, r.entry)
	if err != nil {
		return d, err
	}
	if d.done = after == nil; d.done {
		return d, nil
	}
	message := Subject("Publish", r.entry.Name, d.versions) + "\n"
	for _, a := range r.packed {
		message += fmt.Sprintf("\nArchive: %s\nSHA-256: %s\nSize: %d bytes, %d files, %d bytes unpacked\n",
			a.URL, a.Summary.SHA256, a.Summary.Size, a.Summary.Files, a.Summary.Unpacked)
	}
	d.change = Change{Path: path, Before: before, After: after, Message: message}
	if before == nil {
		if d.change.Others, err = registeredOwners(tree, r.entry.Name); err != nil {
			return d, err
		}
	}
	if r.sign != nil && r.entry.Att == nil {
		d.judged = slices.Concat(before, r.standIn().AppendLine(nil), []byte("\n"))
	}
	return d, nil
}

// registeredOwners is the owners file that a new package brings when the index has
// it registered: the registration itself. It is nil when there is none.
func registeredOwners(tree fs.FS, name string) (map[string][]byte, error) {
	from, err := index.SourcePath(name)
	if err != nil {
		return nil, err
	}
	to, err := index.OwnersPath(name)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(tree, from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return map[string][]byte{to: data}, err
}

// AppendLine returns the file of a package with one version more, nil when it has
// that version already, as it is. The error is a [*ConflictError] when it has it
// otherwise.
func AppendLine(file []byte, entry *index.Entry) ([]byte, error) {
	done, err := published(file, entry)
	if err != nil || done {
		return nil, err
	}
	return slices.Concat(file, entry.AppendLine(nil), []byte("\n")), nil
}

// Signature says where the signature of a version that is published is, and its
// digest. It is nil when there is none, and before a plan to sign is applied.
func (p *Plan) Signature() *index.Attestation {
	if p.release == nil {
		return nil
	}
	return p.release.entry.Att
}

// standIn is the line as if it were signed. The review has to judge it before
// it is, because signing leaves traces in public logs.
func (r *release) standIn() *index.Entry {
	e := r.entry.Clone()
	e.Att = &index.Attestation{URL: "https://signature.invalid/" + e.Cksum, SHA256: e.Cksum}
	return e
}

// evidence is the packed archives, and the source as it was looked up.
func (r *release) evidence() map[string]*review.Evidence {
	e := &review.Evidence{Early: true, Builds: map[string]*review.File{}}
	for _, a := range r.packed {
		f := &review.File{URL: a.URL, Size: a.Summary.Size, SHA256: a.Summary.SHA256, Open: func() (io.ReadCloser, error) { return os.Open(a.file) }}
		if a.Platform == "" {
			e.Archive = f
		} else {
			e.Builds[a.Platform] = f
		}
	}
	if s := r.entry.Source; s != nil {
		e.Repository = &review.Repository{URL: s.Repository, RepositoryID: s.RepositoryID, OwnerID: s.OwnerID}
	}
	return map[string]*review.Evidence{r.entry.Vers: e}
}

// find returns the line of this version in a file, when it says what ours does.
func (r *release) find(data []byte) *index.Entry {
	for _, have := range index.ParseFile(data).Entries {
		if have.Vers == r.entry.Vers && have.Cksum == r.entry.Cksum && len(differing(have, r.entry)) == 0 {
			return have
		}
	}
	return nil
}

// signed reports whether the line has a signature, its own or that of the same
// line in what is proposed. A signature covers the place of the archive too.
func (r *release) signed(proposed []byte) bool {
	if r.entry.Att == nil {
		return false
	}
	have := r.find(proposed)
	return have == nil || have.DL == r.entry.DL
}

// published reports whether the file has the entry already. It is a
// *ConflictError when the file has that version otherwise.
func published(data []byte, entry *index.Entry) (bool, error) {
	version, err := index.ParseVersion(entry.Vers)
	if err != nil {
		return false, err
	}
	for _, have := range index.ParseFile(data).Entries {
		v, err := index.ParseVersion(have.Vers)
		if err != nil || v.Compare(version) != 0 {
			continue
		}
		conflict := &ConflictError{
			Name: entry.Name, Version: entry.Vers,
			Published: have.Vers, PublishedSHA256: have.Cksum, SHA256: entry.Cksum,
		}
		if have.Vers != entry.Vers || have.Cksum != entry.Cksum {
			return false, conflict
		}
		if conflict.DifferingMembers = differing(have, entry); len(conflict.DifferingMembers) > 0 {
			return false, conflict
		}
		return true, nil
	}
	return false, nil
}

// differing names the members in which two lines of one archive differ. The
// time, the place of the archive, the signature and the status may.
func differing(have, want *index.Entry) []string {
	have, want = have.Clone(), want.Clone()
	for _, e := range []*index.Entry{have, want} {
		e.Pubtime, e.DL, e.Yanked, e.Retired, e.Att = "", "", false, nil, nil
		for i := range e.Builds {
			e.Builds[i].DL = ""
		}
	}
	a, b := have.AppendLine(nil), want.AppendLine(nil)
	if bytes.Equal(a, b) {
		return nil
	}
	return differingMembers(a, b)
}
