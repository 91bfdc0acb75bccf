package review

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clydepm/clyde/index"
)

// ParseSource reads a registration, the file sources/<path of the package>.yaml.
// It has the form of an owners file and becomes that of the package, so that
// whoever approves a registration approves the name and the publisher. Every
// publisher is a repository with the forge's numbers: a name alone can be taken
// over between the registration and the first version. The error is
// [strictyaml.Problems].
func ParseSource(file string, data []byte) (*Owners, error) {
	o, err := ParseOwners(file, data)
	if err != nil {
		return nil, err
	}
	if len(o.Publishers) == 0 {
		return nil, fmt.Errorf("%s: names no publisher", file)
	}
	for i, p := range o.Publishers {
		if p.Repository == "" || p.RepositoryID == 0 || p.OwnerID == 0 {
			return nil, fmt.Errorf("%s: publishers[%d]: write repository, repository-id and owner-id", file, i)
		}
	}
	return o, nil
}

// register checks a registration that comes, changes or goes. The name, and
// how closely it records who may publish, are judged now, since a person will
// not look at them again.
func (j *judge) register() error {
	change := j.delta.Source
	if change.After == nil {
		return nil
	}
	owners, err := ParseSource(change.Path, change.After.Data)
	if err != nil {
		j.add("sources/valid", change.Path, "'clyde init --register' writes one", "%s", firstLine(err))
	} else {
		for i, p := range owners.Publishers {
			j.pinned(fmt.Sprintf("%s: publishers[%d].", change.Path, i), p)
		}
	}
	name := j.delta.Package
	var wrong *index.NameError
	if err := index.CheckName(name); errors.As(err, &wrong) {
		j.add(wrong.Rule, change.Path, wrong.Hint(), "%s", wrong)
	}
	versions, err := versionsOf(j.in.Head, name)
	if err != nil {
		return err
	}
	if len(versions) > 0 {
		j.add("sources/new", change.Path, "change its owners file instead", "%s is published already", name)
		return nil
	}
	return j.newName()
}

// firstOwners compares the owners file of a new package with its registration.
func (j *judge) firstOwners() error {
	file, err := index.SourcePath(j.delta.Package)
	if err != nil || j.in.Base == nil {
		return err
	}
	registered, err := fs.ReadFile(j.in.Base, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if o := j.delta.Owners; o == nil || o.After == nil || !bytes.Equal(o.After.Data, registered) {
		j.add("sources/owners", file, "add the same text as the package's owners file, or have the registration changed first", "the package is registered, and its owners file is another")
		return nil
	}
	j.registered = true
	return nil
}
