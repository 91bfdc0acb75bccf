package resolve

import (
	"fmt"
	"strings"

	"github.com/clydepm/clyde/index"
)

// clause is the statement of an incompatibility as a sentence in two parts:
// "a 1.0.0" "needs b ^2". When it says no more than that some versions need
// others, the packages and sets are there to link it to another statement.
type clause struct {
	subject, verb string
	from, to      *pkg // nil unless the clause is about versions only
	states, needs set
	feature       string // verb is "needs feature F of to"
}

func (c clause) String() string {
	name, all := strings.CutPrefix(c.subject, everyVersion)
	lacking, lacks := strings.CutPrefix(c.verb, "has no ")
	if all && lacks {
		return "no version of " + name + " has " + lacking
	}
	return c.subject + " " + c.verb
}

// wording puts incompatibilities into words.
type wording struct {
	u    *universe
	root string
}

// name returns the name of a package, with its registry where another registry
// has the name too.
func (w *wording) name(p *family) string {
	if len(w.u.named[index.Fold(p.id.Name)]) > 1 {
		return fmt.Sprintf("%s (registry %s)", p.id.Name, p.id.Registry)
	}
	return p.id.Name
}

// clause puts an incompatibility into words: a fact as what it is, anything else
// by its terms.
func (w *wording) clause(c *incompatibility) clause {
	if c.fact != nil {
		return w.fact(c, c.fact)
	}
	return w.derived(c)
}

// derived reads terms as a sentence: those that say "is selected" or "is on"
// are the condition, the others what the condition needs.
func (w *wording) derived(c *incompatibility) clause {
	held, needed := w.split(c)
	out := clause{}
	switch len(held.parts) {
	case 0:
		out.subject = w.root
	case 1:
		out.subject, out.from, out.states = held.parts[0], held.pkg, held.states
	default:
		out.subject = enumerate(held.parts)
	}
	switch {
	case len(held.parts)+len(needed.parts) == 0:
		out.verb = "cannot be resolved"
	case len(needed.parts) > 0 && len(held.parts) > 1:
		out.verb = "together need " + strings.Join(needed.parts, " or ")
	case len(needed.parts) > 0:
		out.verb = "needs " + strings.Join(needed.parts, " or ")
		if len(needed.parts) == 1 {
			out.to, out.needs = needed.pkg, needed.states
		}
	case len(held.parts) <= 2:
		out.subject, out.verb = excluded(held.parts)
	default:
		out.subject, out.verb = enumerate(held.parts), "cannot be used together"
	}
	return out
}

// excluded says that something cannot be used, alone or with something else.
func excluded(parts []string) (subject, verb string) {
	subject, verb = parts[0], "cannot be used"
	if rest, all := strings.CutPrefix(subject, everyVersion); all {
		subject, verb = "no version of "+rest, "can be used"
	}
	if len(parts) == 1 {
		return subject, verb
	}
	other := parts[1]
	if rest, all := strings.CutPrefix(other, everyVersion); all {
		other = "any version of " + rest
	}
	return subject, verb + " with " + other
}

// side is one half of an incompatibility in words. Its package and states are
// set if its only part is about versions alone.
type side struct {
	parts  []string
	pkg    *pkg
	states set
}

func (w *wording) split(c *incompatibility) (held, needed side) {
	features := map[*pkg][]string{}
	for _, t := range c.terms {
		info := w.u.vars[t.v]
		if info.feature != "" && t.set.positive() {
			features[info.pkg] = append(features[info.pkg], info.feature)
		}
	}
	for _, t := range c.terms {
		info := w.u.vars[t.v]
		p := info.pkg
		switch {
		case info.choice != nil && t.set.positive():
			held.parts = append(held.parts, w.choiceText(info, t.set))
			held.pkg = nil
		case info.choice != nil:
			needed.parts = append(needed.parts, w.choiceText(info, info.full.minus(t.set)))
			needed.pkg = nil
		case info.feature == "" && t.set.positive():
			held.parts = append(held.parts, p.describe(w.name(p.family), t.set)+withFeatures(features[p]))
			held.pkg, held.states = p, t.set
			if len(features[p]) > 0 {
				held.pkg = nil
			}
			delete(features, p)
		case info.feature == "":
			needed.pkg, needed.states = p, info.full.minus(t.set)
			needed.parts = append(needed.parts, p.describeNeeded(w.name(p.family), needed.states))
		case !t.set.positive():
			needed.parts = append(needed.parts, w.ownFeatureText(c, info))
			needed.pkg = nil
		}
	}
	for _, t := range c.terms {
		p := w.u.vars[t.v].pkg
		for _, f := range features[p] {
			held.parts = append(held.parts, w.featureText(f, w.memberName(p)))
			held.pkg = nil
		}
		delete(features, p)
	}
	if len(held.parts) > 1 {
		held.pkg = nil
	}
	if len(needed.parts) > 1 {
		needed.pkg = nil
	}
	return held, needed
}

// choiceText names members of a family that a dependant may get.
func (w *wording) choiceText(info *variableInfo, states set) string {
	return w.name(info.choice.family) + " " + info.choice.text(states)
}

// memberName names a package of which a feature is spoken of, with the class of
// its versions where there are several.
func (w *wording) memberName(p *pkg) string {
	if p.alone() {
		return w.name(p.family)
	}
	return w.name(p.family) + " " + class(p.candidates[0].version)
}

// ownFeatureText names a feature that an incompatibility needs; "its" feature
// if a version of the package needs it of itself.
func (w *wording) ownFeatureText(c *incompatibility, info *variableInfo) string {
	for _, t := range c.terms {
		if t.v == info.pkg.v && t.set.positive() {
			return strings.TrimPrefix(withFeatures([]string{info.feature}), " with ")
		}
	}
	return w.featureText(info.feature, w.memberName(info.pkg))
}

// featureText names a feature of a package.
func (w *wording) featureText(feature, name string) string {
	if dependency, ok := strings.CutPrefix(feature, prefixDep); ok {
		return fmt.Sprintf("the optional dependency %s of %s", dependency, name)
	}
	if feature == defaultFeature {
		return "the default features of " + name
	}
	return fmt.Sprintf("feature %s of %s", feature, name)
}

// withFeatures names the features under which a package is spoken of.
func withFeatures(features []string) string {
	var names, own []string
	for _, f := range features {
		dependency, ok := strings.CutPrefix(f, prefixDep)
		switch {
		case ok:
			own = append(own, "its optional dependency "+dependency)
		case f == defaultFeature:
			own = append(own, "its default features")
		default:
			names = append(names, f)
		}
	}
	switch len(names) {
	case 0:
	case 1:
		own = append(own, "feature "+names[0])
	default:
		own = append(own, "features "+enumerate(names))
	}
	if len(own) == 0 {
		return ""
	}
	return " with " + strings.Join(own, " and ")
}

// fact puts a fact into words.
func (w *wording) fact(c *incompatibility, f *fact) clause {
	out := clause{subject: w.subject(f)}
	if f.pkg != nil && f.need.feature == "" {
		out.from, out.states = f.pkg, f.states
	}
	switch f.kind {
	case factNeed:
		w.need(&out, f)
	case factNoMatch:
		out.verb = fmt.Sprintf("needs %s %s, %s", w.name(f.family), f.reqText(), f.family.whyNoMatch(f.req))
	case factNoPackage:
		out.verb = fmt.Sprintf("needs %s, which registry %s does not have", f.missing.Name, f.missing.Registry)
		if f.missing.Registry == "" {
			out.verb = fmt.Sprintf("needs %s, which does not exist", f.missing.Name)
		}
	case factNoRegistry:
		out.verb = fmt.Sprintf("needs %s from %s, a registry that is not configured", f.need.name(), f.need.dep.Registry)
	case factBadRequirement:
		out.verb = fmt.Sprintf("needs %s %q, which is not a version requirement", w.name(f.family), f.need.dep.Req)
	case factBroken:
		out.verb = fmt.Sprintf("refers to %q, which is neither a feature nor a dependency of it", f.need.want)
		if f.need.dep != nil {
			out.verb = fmt.Sprintf("needs %s on %q, which is not a target", f.need.name(), f.need.want)
		}
	case factLacks:
		out.verb = "has no feature " + f.name
		if dependency, ok := strings.CutPrefix(f.name, prefixDep); ok {
			out.verb = "has no optional dependency " + dependency
		}
	case factOneRegistry:
		out = clause{subject: "only one registry", verb: "can provide " + f.other.id.Name}
	case factLinks:
		out = w.linked(c, f)
	case factPrecise:
		out = clause{subject: w.name(f.pkg.family), verb: "is wanted at precisely " + f.name}
	case factLocked:
		out = clause{subject: w.name(f.pkg.family), verb: "is held at " + f.name}
	}
	return out
}

// subject names the dependant that a fact is about.
func (w *wording) subject(f *fact) string {
	if f.pkg == nil {
		return w.root
	}
	subject := f.pkg.describe(w.name(f.pkg.family), f.states)
	var features []string
	if f.need.feature != "" {
		features = append(features, f.need.feature)
	}
	if f.need.weak {
		features = append(features, prefixDep+f.need.dep.Name)
	}
	return subject + withFeatures(features)
}

// need completes the clause of something that is needed and exists.
func (w *wording) need(out *clause, f *fact) {
	switch f.need.kind {
	case needFeature:
		out.to, out.feature = f.other, f.need.want
		out.verb = "needs " + w.featureText(f.need.want, w.memberName(f.other))
	case needOwn:
		if dependency, ok := strings.CutPrefix(f.need.want, prefixDep); ok {
			out.verb = "turns on its optional dependency " + dependency
			return
		}
		out.verb = "turns on feature " + f.need.want
	default:
		out.to, out.needs = f.other, f.otherStates
		out.verb = "needs " + w.name(f.family) + " " + f.reqText()
		if f.reqText() == "*" {
			out.verb = "needs " + w.name(f.family)
		}
	}
}

// reqText returns the requirement as its author wrote it.
func (f *fact) reqText() string {
	if f.need.dep != nil {
		return f.need.dep.Req
	}
	return f.req.String()
}

func (w *wording) linked(c *incompatibility, f *fact) clause {
	var parts []string
	for _, t := range c.terms {
		p := w.u.vars[t.v].pkg
		parts = append(parts, p.describe(w.name(p.family), t.set))
	}
	return clause{subject: enumerate(parts), verb: "both link the native library " + f.name + ", which only one package may"}
}

// whyNoMatch says why no candidate matches a requirement.
func (f *family) whyNoMatch(req index.Requirement) string {
	var yanked []string
	for _, c := range f.yanked {
		if req.Matches(c.version) {
			yanked = append(yanked, c.Vers)
		}
	}
	switch {
	case len(yanked) == 1:
		return fmt.Sprintf("of which the only version, %s, is yanked", yanked[0])
	case len(yanked) > 1:
		return fmt.Sprintf("of which every version is yanked (%s)", enumerate(yanked[max(0, len(yanked)-3):]))
	case len(f.all) == 0:
		return "of which every version is yanked"
	}
	if pre := f.prereleases(req); len(pre) > 0 {
		return fmt.Sprintf("of which there are only prereleases (%s)", enumerate(pre[max(0, len(pre)-3):]))
	}
	if len(f.all) == 1 {
		return fmt.Sprintf("but the only version is %s", f.all[0].Vers)
	}
	return fmt.Sprintf("which matches none of its versions, %s to %s", f.all[0].Vers, f.all[len(f.all)-1].Vers)
}
