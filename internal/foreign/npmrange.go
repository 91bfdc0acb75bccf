package foreign

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/clydepm/clyde/index"
)

// partial is a version of which numbers may be missing.
type partial struct {
	index.Version
	known int // numbers that are given: 0 to 3
}

// npmPartial is a version in a range of npm; see "Range Grammar" of npm's semver.
var npmPartial = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[v=\s]*([xX*]|0|[1-9][0-9]*)(?:\.([xX*]|0|[1-9][0-9]*)(?:\.([xX*]|0|[1-9][0-9]*)(?:-?((?:[0-9A-Za-z-]+)(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?)?)?$`)
})

func parsePartial(s string) (partial, error) {
	m := npmPartial().FindStringSubmatch(s)
	if m == nil {
		return partial{}, fmt.Errorf("%q is no version", s)
	}
	var p partial
	for i, number := range []*uint64{&p.Major, &p.Minor, &p.Patch} {
		if m[i+1] == "" || strings.ContainsAny(m[i+1], "xX*") {
			return p, nil
		}
		var err error
		if *number, err = strconv.ParseUint(m[i+1], 10, 53); err != nil {
			return partial{}, fmt.Errorf("%q has a number that is too large", s)
		}
		p.known++
	}
	p.Pre = m[4]
	if _, err := index.ParseVersion(p.String()); err != nil {
		return partial{}, err
	}
	return p, nil
}

// next is the first version after all that a partial one stands for.
func (p partial) next() index.Version {
	switch p.known {
	case 1:
		return index.Version{Major: p.Major + 1}
	case 2:
		return index.Version{Major: p.Major, Minor: p.Minor + 1}
	}
	return p.Version
}

func from(v index.Version) interval { return interval{low: bound{v, true}} }

func (i interval) below(v index.Version) interval {
	i.high = &bound{at: v}
	return i
}

// nothing is an empty interval.
func nothing() interval { return from(index.Version{}).below(index.Version{}) }

// comparator is the interval of an operator and a version.
func comparator(operator string, p partial) (interval, error) {
	switch operator {
	case "^", "~", "~>", "=", "":
		return compatible(operator, p), nil
	}
	if p.known == 0 {
		if operator == "<" || operator == ">" {
			return nothing(), nil
		}
		return everything(), nil
	}
	full := p.known == 3
	switch operator {
	case ">=":
		return from(p.Version), nil
	case ">":
		if full {
			return interval{low: bound{at: p.Version}}, nil
		}
		return from(p.next()), nil
	case "<":
		if full && p.Pre == "0" {
			p.Pre = "" // npm's own way to keep out prereleases
		}
		return everything().below(p.Version), nil
	case "<=":
		if full {
			return interval{low: bound{included: true}, high: &bound{p.Version, true}}, nil
		}
		return everything().below(p.next()), nil
	}
	return interval{}, fmt.Errorf("%q is no operator", operator)
}

// compatible is the interval of a version with "^", "~" or nothing before it.
func compatible(operator string, p partial) interval {
	switch {
	case p.known == 0:
		return everything()
	case operator == "^" && (p.known == 3 || p.Major > 0 || p.known == 2 && p.Minor > 0):
		v := p.Version
		v.Pre = ""
		return from(p.Version).below(caretEnd(v))
	case p.known < 3:
		return from(p.Version).below(p.next())
	case operator == "~" || operator == "~>":
		return from(p.Version).below(index.Version{Major: p.Major, Minor: p.Minor + 1})
	}
	return interval{low: bound{p.Version, true}, high: &bound{p.Version, true}}
}

var (
	npmHyphen   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\S+)\s+-\s+(\S+)$`) })
	npmOperator = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\^|~>?|[<>]=?|=)\s+`) })
	npmSimple   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\^|~>?|[<>]=?|=)?(.*)$`) })
)

// npmRange is the requirement that a range of npm amounts to, and whether it is
// narrower.
func npmRange(text string) (req string, narrowed bool, err error) {
	var all []interval
	for alternative := range strings.SplitSeq(text, "||") {
		i, err := npmAlternative(strings.TrimSpace(alternative))
		if err != nil {
			return "", false, err
		}
		all = append(all, i)
	}
	return requirementOf(all)
}

func npmAlternative(text string) (interval, error) {
	if m := npmHyphen().FindStringSubmatch(text); m != nil {
		low, err := parsePartial(m[1])
		if err != nil {
			return interval{}, err
		}
		high, err := parsePartial(m[2])
		if err != nil {
			return interval{}, err
		}
		below, err := comparator("<=", high)
		return from(low.Version).and(below), err
	}
	all := everything()
	for word := range strings.FieldsSeq(npmOperator().ReplaceAllString(text, "$1")) {
		m := npmSimple().FindStringSubmatch(word)
		p, err := parsePartial(m[2])
		if err != nil {
			return interval{}, err
		}
		i, err := comparator(m[1], p)
		if err != nil {
			return interval{}, err
		}
		all = all.and(i)
	}
	return all, nil
}
