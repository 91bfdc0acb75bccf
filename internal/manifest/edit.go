package manifest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// ErrCannotEdit is the error of an edit of a manifest that is valid but written
// in a way that cannot be edited in place, such as one that is a single {...}.
var ErrCannotEdit = errors.New("the manifest is written in a way that cannot be edited in place; change it by hand")

// SetDependency returns data with the dependency d in the section of its kind,
// which is made where it is missing; an existing dependency of that name is
// replaced, also when it is of another kind. An empty d.Req is "*". All other
// lines stay as they are. A new line goes to its place in the order of names if
// the section is in that order, else to its end.
//
// The error is [strictyaml.Problems] if data or d is not valid, or wraps
// [ErrCannotEdit].
func SetDependency(data []byte, d Dependency) ([]byte, error) {
	before, err := Parse(Path, data)
	if err != nil {
		return nil, err
	}
	d = d.normal()
	edited := data
	for _, kind := range kinds() {
		if kind == d.Kind {
			edited, err = edit(edited, func(t *text) error { return t.set(d) })
		} else if before.has(kind, d.Name) {
			edited, err = edit(edited, func(t *text) error { return t.remove(sectionOf(kind), d.Name) })
		}
		if err != nil {
			return nil, err
		}
	}
	want := before.without("", d.Name)
	want.Dependencies = append(want.Dependencies, d)
	return edited, verify(edited, want)
}

// RemoveDependency returns data without the dependency that has the name in the
// section of the kind, and reports whether there was one. The section stays,
// even if it is empty then, and so do all comments but those on the lines of
// the dependency itself. Errors are those of [SetDependency].
func RemoveDependency(data []byte, kind, name string) ([]byte, bool, error) {
	before, err := Parse(Path, data)
	if err != nil {
		return nil, false, err
	}
	if !before.has(kind, name) {
		return data, false, nil
	}
	edited, err := edit(data, func(t *text) error { return t.remove(sectionOf(kind), name) })
	if err != nil {
		return nil, false, err
	}
	if err := verify(edited, before.without(kind, name)); err != nil {
		return nil, false, err
	}
	return edited, true, nil
}

func edit(data []byte, change func(*text) error) ([]byte, error) {
	t, err := newText(data)
	if err != nil {
		return nil, err
	}
	if err := change(t); err != nil {
		return nil, err
	}
	return t.data, nil
}

func (m *Manifest) has(kind, name string) bool {
	return slices.ContainsFunc(m.Dependencies, func(d Dependency) bool { return d.Kind == kind && d.Name == name })
}

// without returns the manifest without the dependency of that kind, or of any
// kind if that is "", and name.
func (m *Manifest) without(kind, name string) *Manifest {
	rest := *m
	rest.Dependencies = slices.DeleteFunc(slices.Clone(m.Dependencies), func(d Dependency) bool {
		return d.Name == name && (kind == "" || d.Kind == kind)
	})
	return &rest
}

// normal returns the dependency as Parse returns it.
func (d Dependency) normal() Dependency {
	if d.Kind == "" {
		d.Kind = index.KindNormal
	}
	if d.Req == "" {
		d.Req = "*"
	}
	return d
}

// verify reports whether the edited text is the manifest it was meant to be.
func verify(edited []byte, want *Manifest) error {
	got, err := Parse(Path, edited)
	var problems strictyaml.Problems
	if errors.As(err, &problems) {
		for i := range problems {
			problems[i].Line, problems[i].Column = 0, 0 // in a text that nobody sees
		}
		return problems
	}
	if !reflect.DeepEqual(facts(got), facts(want)) {
		return ErrCannotEdit
	}
	return nil
}

// facts returns the manifest without places and with its dependencies in
// an order of their own.
func facts(m *Manifest) Manifest {
	c := *m
	c.file, c.positions = "", nil
	c.External = slices.Clone(m.External)
	for i := range c.External {
		c.External[i].Line, c.External[i].Column = 0, 0
	}
	c.Dependencies = make([]Dependency, 0, len(m.Dependencies))
	for _, d := range m.Dependencies {
		d.Line, d.Column = 0, 0
		d.Features = append([]string{}, d.Features...)
		d.Platforms = append([]index.Platform{}, d.Platforms...)
		c.Dependencies = append(c.Dependencies, d)
	}
	slices.SortFunc(c.Dependencies, func(a, b Dependency) int { return strings.Compare(a.Name, b.Name) })
	return c
}

func cannotEdit(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrCannotEdit)
}
