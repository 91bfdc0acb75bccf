package foreign

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/clydepm/clyde/index"
)

// bound is one end of an interval of versions.
type bound struct {
	at       index.Version
	included bool
}

// interval is a set of versions without a gap.
type interval struct {
	low  bound
	high *bound // nil: no end
}

func everything() interval { return interval{low: bound{included: true}} }

func (i interval) empty() bool {
	if i.high == nil {
		return false
	}
	c := i.low.at.Compare(i.high.at)
	return c > 0 || c == 0 && !(i.low.included && i.high.included)
}

// and is the intersection of two intervals.
func (i interval) and(j interval) interval {
	if c := j.low.at.Compare(i.low.at); c > 0 || c == 0 && !j.low.included {
		i.low = j.low
	}
	if j.high != nil && (i.high == nil || compareHigh(*j.high, *i.high) < 0) {
		i.high = j.high
	}
	return i
}

func compareHigh(a, b bound) int {
	return cmp.Or(a.at.Compare(b.at), btoi(a.included)-btoi(b.included))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// union joins intervals that overlap or touch. The result is sorted.
func union(all []interval) []interval {
	slices.SortFunc(all, func(a, b interval) int {
		return cmp.Or(a.low.at.Compare(b.low.at), btoi(b.low.included)-btoi(a.low.included))
	})
	var joined []interval
	for _, i := range all {
		if n := len(joined); n > 0 && joined[n-1].touches(i) {
			last := &joined[n-1]
			if i.high == nil || last.high != nil && compareHigh(*i.high, *last.high) > 0 {
				last.high = i.high
			}
			continue
		}
		joined = append(joined, i)
	}
	return joined
}

// touches reports whether nothing lies between an interval and a later one.
func (i interval) touches(later interval) bool {
	if i.high == nil {
		return true
	}
	c := later.low.at.Compare(i.high.at)
	return c < 0 || c == 0 && (later.low.included || i.high.included)
}

// requirement is the interval as Cargo writes it.
func (i interval) requirement() string {
	low := i.low.at
	low.Build = ""
	zero := low == index.Version{}
	switch {
	case i.high == nil && zero && i.low.included:
		return "*"
	case i.high == nil:
		return i.lower()
	case i.low.included && i.high.included && low.Compare(i.high.at) == 0:
		return "=" + low.String()
	case i.low.included && !i.high.included && i.high.at == caretEnd(low):
		return "^" + low.String()
	case i.low.included && !i.high.included && i.high.at == (index.Version{Major: low.Major, Minor: low.Minor + 1}):
		return "~" + low.String()
	case zero && i.low.included:
		return i.upper()
	}
	return i.lower() + ", " + i.upper()
}

func (i interval) lower() string {
	if i.low.included {
		return ">=" + i.low.at.String()
	}
	return ">" + i.low.at.String()
}

func (i interval) upper() string {
	if i.high.included {
		return "<=" + i.high.at.String()
	}
	return "<" + i.high.at.String()
}

// caretEnd is the first version that "^" of a full version does not permit.
func caretEnd(v index.Version) index.Version {
	switch {
	case v.Major > 0:
		return index.Version{Major: v.Major + 1}
	case v.Minor > 0:
		return index.Version{Minor: v.Minor + 1}
	}
	return index.Version{Patch: v.Patch + 1}
}

// requirementOf is the requirement for a set of intervals, and whether it is
// narrower than the set.
func requirementOf(all []interval) (req string, narrowed bool, err error) {
	all = slices.DeleteFunc(all, interval.empty)
	if len(all) == 0 {
		return "", false, fmt.Errorf("no version satisfies it")
	}
	all = union(all)
	return all[len(all)-1].requirement(), len(all) > 1, nil
}
