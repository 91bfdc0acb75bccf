package publish

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// OwnersOptions say how the owners of a package change. A publisher is named by
// its key, or by the URL of its repository.
type OwnersOptions struct {
	Target
	Name                          string
	Add, Remove                   []review.Publisher
	AddReviewers, RemoveReviewers []string
	// Transfer ends the right of all publishers to publish. Those of Add take
	// over; so do AddReviewers, if there are any.
	Transfer bool
	// Set changes the publisher that Which names, or the only one there is.
	Set   func(*review.Publisher)
	Which review.Publisher
}

// NewOwnersPlan plans to change the owners file of a package, or to make one. Its
// Kind is index.KindTransfer when the package is handed over. Comments, and what
// does not change, stay as they are written.
//
// The error is ErrNotFound when there is no such package or publisher, ErrUsage
// for what no owners file may say, ErrConflict for a publisher that is there with
// other settings, and ErrRefused when nobody would be left.
func NewOwnersPlan(ctx context.Context, opts OwnersOptions) (*Plan, error) {
	if err := index.CheckLookupName(opts.Name); err != nil {
		return nil, &Error{Kind: ErrUsage, Detail: err.Error(), Remedy: "write the package's name, such as hello"}
	}
	p := Plan{Kind: index.KindOwners, Package: opts.Name, target: opts.Target, derive: opts.derive}
	p.branch = branch(string(index.KindOwners), opts.Name, opts.subject())
	if opts.Transfer {
		p.Kind = index.KindTransfer
		p.branch = branch(string(index.KindTransfer), opts.Name, "all")
	}
	return newPlan(ctx, p)
}

// subject tells changes of different things apart: each has a pull request of its
// own, while a change and its undoing share one.
func (o OwnersOptions) subject() string {
	var about []string
	for _, p := range slices.Concat(o.Add, o.Remove, []review.Publisher{o.Which}) {
		about = append(about, plainURL(p.Repository)+p.Key)
	}
	for _, r := range slices.Concat(o.AddReviewers, o.RemoveReviewers) {
		about = append(about, "@"+strings.ToLower(r))
	}
	about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
	slices.Sort(about)
	sum := sha256.Sum256([]byte(strings.Join(about, "\n")))
	return hex.EncodeToString(sum[:6])
}

// ReadOwners reads the owners of a package. They are nil when it has no owners
// file. The error is ErrNotFound when there is no such package, and
// strictyaml.Problems for a faulty file.
func ReadOwners(tree fs.FS, name string) (path string, owners *review.Owners, err error) {
	path, _, owners, err = readOwners(tree, name)
	return path, owners, err
}

func readOwners(tree fs.FS, name string) (path string, data []byte, owners *review.Owners, err error) {
	if _, published, err := readPackage(tree, name); err != nil {
		return "", nil, nil, err
	} else if published == nil {
		return "", nil, nil, &Error{Kind: ErrNotFound, Detail: "there is no package " + name + " in the index"}
	}
	if path, err = index.OwnersPath(name); err != nil {
		return "", nil, nil, err
	}
	data, err = fs.ReadFile(tree, path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil, nil, nil
	}
	if err != nil {
		return path, nil, nil, err
	}
	owners, err = review.ParseOwners(path, data)
	return path, data, owners, err
}

// derive edits the file as it is now. What is proposed already decides when the
// right of a publisher ends.
func (o OwnersOptions) derive(tree fs.FS, proposed []byte) (derived, error) {
	path, before, have, err := readOwners(tree, o.Name)
	if err != nil {
		return derived{}, err
	}
	if have == nil {
		have = &review.Owners{}
	}
	already, err := review.ParseOwners(path, proposed)
	if err != nil {
		already = &review.Owners{}
	}
	want := &review.Owners{Publishers: slices.Clone(have.Publishers), Reviewers: slices.Clone(have.Reviewers)}
	if err := o.apply(want, already); err != nil {
		return derived{}, err
	}
	if reflect.DeepEqual(want, have) {
		return derived{done: true}, nil
	}
	after, err := editOwners(path, before, have, want)
	if err != nil {
		return derived{}, unwritable(err)
	}
	said := differences(have, want)
	title := "Change owners of " + o.Name + ": " + said[0]
	if o.Transfer {
		title = "Transfer " + o.Name + " to " + nameOf(o.Add[0])
	} else if more := len(said) - 1; more > 0 {
		title += fmt.Sprintf(" and %d more", more)
	}
	message := title + "\n\n- " + strings.Join(said, "\n- ") + "\n"
	return derived{change: Change{Path: path, Before: before, After: after, Message: message}, kind: kindOf(path, before, after)}, nil
}

// kindOf is what the index takes a change of an owners file for.
func kindOf(path string, before, after []byte) index.Kind {
	change := index.FileChange{Path: path, After: &index.Blob{Mode: 0o644, Data: after}}
	if before != nil {
		change.Before = &index.Blob{Mode: 0o644, Data: before}
	}
	delta, _ := index.Classify([]index.FileChange{change})
	return delta.Kind
}

// unwritable words what no owners file may say as what somebody asked for.
func unwritable(err error) error {
	var problems strictyaml.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		return err
	}
	var all []string
	for _, p := range problems {
		all = append(all, p.Field+": "+p.Detail)
	}
	return &Error{Kind: ErrUsage, Detail: strings.Join(all, "; "), Remedy: problems[0].Hint}
}

// apply makes the owners what they are to become.
func (o OwnersOptions) apply(owners, already *review.Owners) error {
	if o.Transfer {
		o.end(owners, already)
	}
	for _, p := range o.Add {
		if err := add(owners, p, o.Transfer); err != nil {
			return err
		}
	}
	for _, p := range o.Remove {
		i := indexOf(owners.Publishers, p)
		if i < 0 {
			continue
		}
		if len(owners.Publishers) == 1 {
			return &Error{Kind: ErrRefused, Detail: "no publisher of " + o.Name + " would be left, so that anyone could publish it", Remedy: "'clyde owner transfer' hands a package over; 'clyde owner set --until' ends a publisher's right"}
		}
		owners.Publishers = slices.Delete(owners.Publishers, i, i+1)
	}
	if o.Set != nil {
		i, err := o.which(owners)
		if err != nil {
			return err
		}
		o.Set(&owners.Publishers[i])
	}
	for i := range owners.Publishers {
		p := &owners.Publishers[i]
		for _, list := range []*[]string{&p.Tags, &p.Triggers, &p.SignerRefs} {
			if len(*list) == 0 {
				*list = nil // as an owners file that is read has it
			}
		}
	}
	return o.applyReviewers(owners)
}

// end has all publishers end now, but those who are to take over.
func (o OwnersOptions) end(owners, already *review.Owners) {
	now := o.Now().UTC().Truncate(time.Second)
	for i := range owners.Publishers {
		p := &owners.Publishers[i]
		if !p.Until.IsZero() || indexOf(o.Add, *p) >= 0 {
			continue
		}
		p.Until = now
		if j := indexOf(already.Publishers, *p); j >= 0 && !already.Publishers[j].Until.IsZero() && already.Publishers[j].Until.Before(now) {
			p.Until = already.Publishers[j].Until
		}
	}
	if len(o.AddReviewers) > 0 {
		owners.Reviewers = nil
	}
}

// add adds a publisher. Of one name there are two only where a package is handed
// over to a repository that has taken the name of the one before.
func add(owners *review.Owners, p review.Publisher, transfer bool) error {
	i := indexOf(owners.Publishers, p)
	if i < 0 && !transfer {
		i = indexOf(owners.Publishers, review.Publisher{Repository: p.Repository, Key: p.Key})
	}
	switch {
	case i < 0:
		owners.Publishers = append(owners.Publishers, p)
	case transfer:
		owners.Publishers[i] = p
	case !reflect.DeepEqual(owners.Publishers[i], p):
		return &Error{Kind: ErrConflict, Detail: nameOf(p) + " is a publisher already, with other settings", Remedy: "'clyde owner show' shows them, 'clyde owner set' changes them"}
	}
	return nil
}

// which finds the publisher that is to be changed.
func (o OwnersOptions) which(owners *review.Owners) (int, error) {
	if o.Which.Repository == "" && o.Which.Key == "" && len(owners.Publishers) == 1 {
		return 0, nil
	}
	i := indexOf(owners.Publishers, o.Which)
	if i >= 0 {
		return i, nil
	}
	var names []string
	for _, p := range owners.Publishers {
		names = append(names, nameOf(p))
	}
	there := "there is none; 'clyde owner add' adds one"
	if len(names) > 0 {
		there = "there are " + strings.Join(names, ", ")
	}
	if o.Which.Repository == "" && o.Which.Key == "" {
		return 0, &Error{Kind: ErrUsage, Detail: "which publisher of " + o.Name + "?", Remedy: there}
	}
	return 0, &Error{Kind: ErrNotFound, Detail: fmt.Sprintf("%s is no publisher of %s", nameOf(o.Which), o.Name), Remedy: there}
}

// applyReviewers changes who approves.
func (o OwnersOptions) applyReviewers(owners *review.Owners) error {
	for _, r := range o.AddReviewers {
		if !slices.ContainsFunc(owners.Reviewers, func(have string) bool { return strings.EqualFold(have, r) }) {
			owners.Reviewers = append(owners.Reviewers, r)
		}
	}
	owners.Reviewers = slices.DeleteFunc(owners.Reviewers, func(have string) bool {
		return slices.ContainsFunc(o.RemoveReviewers, func(r string) bool { return strings.EqualFold(r, have) })
	})
	if len(owners.Reviewers) > 0 {
		return nil
	}
	owners.Reviewers = nil
	if len(owners.Publishers) == 0 && len(o.RemoveReviewers) > 0 {
		return &Error{Kind: ErrRefused, Detail: "no owner of " + o.Name + " would be left", Remedy: "add another one first"}
	}
	return nil
}

// indexOf finds the publisher with the key, or the repository and numbers, of
// another. A number that one of them does not have is any.
func indexOf(all []review.Publisher, p review.Publisher) int {
	same := func(a, b int64) bool { return a == 0 || b == 0 || a == b }
	return slices.IndexFunc(all, func(have review.Publisher) bool {
		return have.Key == p.Key && plainURL(have.Repository) == plainURL(p.Repository) &&
			same(have.RepositoryID, p.RepositoryID) && same(have.OwnerID, p.OwnerID)
	})
}

func plainURL(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(s), "/"), ".git")
}

// nameOf is what people call a publisher.
func nameOf(p review.Publisher) string { return cmp.Or(p.Repository, "key "+p.Key) }

// differences says what changes, one sentence each.
func differences(have, want *review.Owners) []string {
	var said []string
	for _, p := range have.Publishers {
		i := indexOf(want.Publishers, p)
		switch {
		case i < 0:
			said = append(said, "remove publisher "+nameOf(p))
		case !reflect.DeepEqual(p, want.Publishers[i]):
			said = append(said, settingsSaid(p, want.Publishers[i])...)
		}
	}
	for _, p := range want.Publishers {
		if indexOf(have.Publishers, p) < 0 {
			said = append(said, "add publisher "+nameOf(p))
		}
	}
	for _, r := range have.Reviewers {
		if !slices.Contains(want.Reviewers, r) {
			said = append(said, "remove reviewer "+r)
		}
	}
	for _, r := range want.Reviewers {
		if !slices.Contains(have.Reviewers, r) {
			said = append(said, "add reviewer "+r)
		}
	}
	return said
}

// settingsSaid says which settings of a publisher change.
func settingsSaid(have, want review.Publisher) []string {
	var said []string
	before, after := settings(have), settings(want)
	for _, name := range settingNames() {
		switch {
		case before[name] == after[name]:
		case after[name] == "":
			said = append(said, fmt.Sprintf("remove %s of publisher %s", name, nameOf(have)))
		default:
			said = append(said, fmt.Sprintf("set %s of publisher %s to %s", name, nameOf(have), strings.TrimSpace(after[name])))
		}
	}
	return said
}
