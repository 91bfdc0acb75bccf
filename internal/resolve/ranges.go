package resolve

import (
	"fmt"
	"strings"
)

// maxRanges bounds the ranges that a text lists.
const maxRanges = 4

const everyVersion = "every version of "

// describe writes some candidates of a package as the subject of a sentence:
// "every version of a", "a 1.2.0", "a ^1" or "a >=1.2.0, <2.0.0".
func (p *pkg) describe(name string, states set) string {
	if p.any().within(states) && len(p.candidates) > 1 && p.alone() {
		return everyVersion + name
	}
	return name + " " + p.versionsText(states)
}

// describeNeeded writes some candidates as the object of a need: "a" when any
// version will do.
func (p *pkg) describeNeeded(name string, states set) string {
	if p.any().within(states) && p.alone() {
		return name
	}
	return name + " " + p.versionsText(states)
}

// versionsText writes a set of candidates: up to three one by one, else as the
// requirement that selects them if somebody has written one, else as ranges
// between versions that exist.
func (p *pkg) versionsText(states set) string {
	listed := p.list(states)
	if len(listed) <= 1 {
		return strings.Join(listed, "")
	}
	if p.any().within(states) && !p.alone() {
		return class(p.candidates[0].version)
	}
	if text := p.knownRequirement(states); text != "" {
		return text
	}
	if len(listed) <= 3 {
		return alternatives(listed)
	}
	ranges := p.ranges(states)
	if more := len(ranges) - maxRanges; more > 0 {
		ranges = append(ranges[:maxRanges], fmt.Sprintf("%d more ranges", more))
	}
	return strings.Join(ranges, " or ")
}

func (p *pkg) list(states set) []string {
	var versions []string
	for i, c := range p.candidates {
		if states.has(i + 1) {
			versions = append(versions, c.Vers)
		}
	}
	return versions
}

// knownRequirement returns the shortest requirement seen so far that selects
// exactly these candidates.
func (p *pkg) knownRequirement(states set) string {
	best := ""
	for text, d := range p.parsed {
		if d == nil || len(d.options) != 1 || d.options[0].pkg != p || !d.options[0].states.equal(states) || text == "*" {
			continue
		}
		if best == "" || len(text) < len(best) || len(text) == len(best) && text < best {
			best = text
		}
	}
	return best
}

// ranges writes a set as ranges, oldest first. As in a requirement, a range of
// releases may pass over prereleases.
func (p *pkg) ranges(states set) []string {
	var ranges []string
	for i := 0; i < len(p.candidates); i++ {
		if !states.has(i + 1) {
			continue
		}
		last := p.rangeEnd(states, i)
		ranges = append(ranges, p.rangeText(i, last))
		i = last
	}
	return ranges
}

// rangeEnd returns the last candidate of the range that starts at first.
func (p *pkg) rangeEnd(states set, first int) int {
	last := first
	for i := first + 1; i < len(p.candidates); i++ {
		switch {
		case states.has(i + 1):
			last = i
		case !p.candidates[i].version.Prerelease():
			return last
		}
	}
	return last
}

func (p *pkg) rangeText(first, last int) string {
	next := last + 1
	for next < len(p.candidates) && p.candidates[next].version.Prerelease() {
		next++
	}
	from, below := p.candidates[first].Vers, ""
	if next < len(p.candidates) {
		below = p.candidates[next].Vers
	}
	switch {
	case first == last:
		return from
	case below == "" && !p.alone():
		return ">=" + from + ", " + class(p.candidates[0].version)
	case below == "":
		return ">=" + from
	case first == 0 && p.alone():
		return "<" + below
	}
	return ">=" + from + ", <" + below
}
