package foreign

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
)

const (
	arMagic    = "!<arch>\n"
	arHeader   = 60
	maxControl = 16 << 20 // bytes of control.tar, unpacked
)

// arMember is a member of an ar archive; see ar(5).
type arMember struct {
	name string
	data *io.SectionReader
}

// readAr lists the members of an ar archive, which a Debian package is.
func readAr(r io.ReaderAt, size int64) ([]arMember, error) {
	magic := make([]byte, len(arMagic))
	if _, err := r.ReadAt(magic, 0); err != nil || string(magic) != arMagic {
		return nil, errors.New("is no ar archive")
	}
	var members []arMember
	for at := int64(len(arMagic)); at < size; {
		header := make([]byte, arHeader)
		if _, err := r.ReadAt(header, at); err != nil {
			return nil, errors.New("is cut short")
		}
		length, err := strconv.ParseInt(strings.TrimSpace(string(header[48:58])), 10, 64)
		if err != nil || length < 0 || string(header[58:]) != "`\n" || length > size-at-arHeader {
			return nil, errors.New("has a broken header, or is cut short")
		}
		if len(members) == 16 {
			return nil, errors.New("has more members than a Debian package")
		}
		name := strings.TrimSuffix(strings.TrimSpace(string(header[:16])), "/")
		members = append(members, arMember{name, io.NewSectionReader(r, at+arHeader, length)})
		at += arHeader + length + length%2
	}
	return members, nil
}

// deb is a Debian package that is read: what it says, and its files.
type deb struct {
	control map[string]string // by field, in lower case
	scripts []string          // of the maintainer
	data    *io.SectionReader
}

// readDeb reads a Debian package, format 2.0; see deb(5).
func readDeb(r io.ReaderAt, size int64) (*deb, error) {
	members, err := readAr(r, size)
	if err != nil {
		return nil, err
	}
	d := &deb{}
	for _, m := range members {
		switch {
		case strings.HasPrefix(m.name, "control.tar"):
			if err := d.readControl(m.data); err != nil {
				return nil, err
			}
		case strings.HasPrefix(m.name, "data.tar"):
			d.data = m.data
		}
	}
	if len(members) == 0 || members[0].name != "debian-binary" || d.control == nil || d.data == nil {
		return nil, errors.New("is no Debian package: it lacks debian-binary, control.tar or data.tar")
	}
	return d, nil
}

func (d *deb) readControl(r io.Reader) error {
	plain, done, err := archive.Decompress(r)
	if err != nil {
		return fmt.Errorf("control.tar: %w", err)
	}
	defer done()
	files := tar.NewReader(io.LimitReader(plain, maxControl))
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("control.tar: %w", err)
		}
		switch name := path.Clean(h.Name); name {
		case "control":
			data, err := io.ReadAll(files)
			if err != nil {
				return fmt.Errorf("control.tar: %w", err)
			}
			d.control = parseControl(data)
		case "preinst", "postinst", "prerm", "postrm", "config", "triggers":
			d.scripts = append(d.scripts, name)
		}
	}
}

// parseControl reads the one paragraph of a control file; see section 5.1 of
// Debian's policy.
func parseControl(data []byte) map[string]string {
	fields := map[string]string{}
	last := ""
	for line := range strings.Lines(string(bytes.ReplaceAll(data, []byte("\r"), nil))) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			fields[last] += "\n" + strings.TrimSpace(line)
			continue
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			last = strings.ToLower(name)
			fields[last] = strings.TrimSpace(value)
		}
	}
	return fields
}

// describeDeb makes the description of a Debian package. Known are the names of
// the packages that are imported, or were.
func describeDeb(where string, p *deb, known func(name string) bool) (*description, error) {
	d := &description{where: where}
	d.Name = debName(p.control["package"])
	if err := index.CheckName(d.Name); err != nil {
		return nil, d.refuse("%v", err)
	}
	version, err := debVersion(p.control["version"])
	if err != nil {
		return nil, d.refuse("%v", err)
	}
	d.Version = version.String()
	summary, _, _ := strings.Cut(p.control["description"], "\n")
	d.describe(summary, p.control["homepage"], "", "", nil, nil)
	switch arch := p.control["architecture"]; arch {
	case "all":
	case "amd64":
		d.Platforms = []string{"linux-x86_64"}
	case "arm64":
		d.Platforms = []string{"linux-aarch64"}
	default:
		return nil, d.refuse("it is for %q, which is no platform of clyde", arch)
	}
	for _, script := range p.scripts {
		d.note("its %s is not run when it is installed", script)
	}
	d.Dependencies = map[string]dependency{}
	for _, field := range []string{"pre-depends", "depends"} {
		for relation := range strings.SplitSeq(p.control[field], ",") {
			if relation = strings.Join(strings.Fields(relation), " "); relation == "" {
				continue
			}
			if err := d.needDeb(relation, known); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// debRelation is one package of a relation: name, architecture, operator and
// version; see section 7.1 of Debian's policy.
var debRelation = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]+)(:[a-z0-9-]+)? ?(?:\( ?(<<|<=|=|>=|>>) ?([^ )]+) ?\))?$`)
})

// needDeb takes over one relation.
func (d *description) needDeb(relation string, known func(string) bool) error {
	first, _, several := strings.Cut(relation, "|")
	m := debRelation().FindStringSubmatch(strings.TrimSpace(first))
	if m == nil {
		return d.refuse("%q is no relation", relation)
	}
	if several {
		d.note("of %q only the first is taken", relation)
	}
	name, operator, version := m[1], m[3], m[4]
	if !known(debName(name)) {
		external := "apt:" + name + operator + version
		d.note("%s is not imported and becomes the external dependency %s", name, external)
		d.ExternalDependencies = append(d.ExternalDependencies, external)
		return nil
	}
	i, err := debInterval(operator, version)
	if err != nil {
		return d.refuse("%q: %v", relation, err)
	}
	key := debName(name)
	if have, ok := d.Dependencies[key]; ok { // a range is two relations
		d.Dependencies[key] = dependency{Version: both(have.Version, i.requirement())}
		return nil
	}
	d.Dependencies[key] = dependency{Version: i.requirement()}
	return nil
}

// both is the requirement that asks for two.
func both(a, b string) string {
	switch {
	case a == "*" || a == b:
		return b
	case b == "*":
		return a
	}
	return a + ", " + b
}

func debInterval(operator, text string) (interval, error) {
	if operator == "" {
		return everything(), nil
	}
	v, err := debVersion(text)
	if err != nil {
		return interval{}, err
	}
	rest := v.Build != ""
	v.Build = ""
	switch operator {
	case "=":
		return interval{low: bound{v, true}, high: &bound{v, true}}, nil
	case ">=":
		return from(v), nil
	case "<=":
		return interval{low: bound{included: true}, high: &bound{v, true}}, nil
	case ">>": // what tells it from an equal version is in the build metadata
		return interval{low: bound{v, rest}}, nil
	}
	return interval{low: bound{included: true}, high: &bound{v, rest}}, nil
}

// debName is the name of a Debian package in an index.
func debName(name string) string {
	var b strings.Builder
	for i, c := range []byte(name) {
		if i > 0 && name[i-1] == '+' && c != '+' {
			b.WriteByte('-')
		}
		if c == '+' {
			b.WriteString("-plus")
		} else {
			b.WriteByte(c)
		}
	}
	return plainName(b.String())
}

// epochWeight is what an epoch adds to the first number of a version.
const epochWeight = 1_000_000

var debNumbers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]+)(?:\.([0-9]+)(?:\.([0-9]+))?)?(.*)$`) })

// debVersion is the version of a Debian package in an index; see the package
// comment.
func debVersion(text string) (index.Version, error) {
	epoch, rest, ok := strings.Cut(text, ":")
	if !ok {
		epoch, rest = "0", text
	}
	e, err := strconv.ParseUint(epoch, 10, 16)
	if err != nil {
		return index.Version{}, fmt.Errorf("%q is no version of Debian", text)
	}
	upstream, revision := rest, ""
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		upstream, revision = rest[:i], rest[i+1:]
	}
	upstream, before, isBefore := strings.Cut(upstream, "~")
	m := debNumbers().FindStringSubmatch(upstream)
	if m == nil {
		return index.Version{}, fmt.Errorf("%q does not begin with a number", text)
	}
	var v index.Version
	for i, number := range []*uint64{&v.Major, &v.Minor, &v.Patch} {
		if m[i+1] == "" {
			continue
		}
		if *number, err = strconv.ParseUint(m[i+1], 10, 48); err != nil {
			return index.Version{}, fmt.Errorf("%q has a number that is too large", text)
		}
	}
	v.Major += e * epochWeight
	if isBefore {
		v.Pre = identifiers(before, true)
		if v.Pre == "" {
			v.Pre = "0"
		}
	}
	v.Build = identifiers(m[4]+"."+revision, false)
	_, err = index.ParseVersion(v.String())
	return v, err
}

// identifiers makes dot-separated identifiers of SemVer out of any text. Of a
// prerelease, numbers have no zeros in front.
func identifiers(text string, numbers bool) string {
	parts := strings.FieldsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	})
	for i, part := range parts {
		if trimmed := strings.TrimLeft(part, "0"); numbers && strings.Trim(part, "0123456789") == "" {
			parts[i] = trimmed
			if trimmed == "" {
				parts[i] = "0"
			}
		}
	}
	return strings.Join(parts, ".")
}
