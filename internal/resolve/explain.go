package resolve

import (
	"fmt"
	"strings"

	"github.com/clydepm/clyde/index"
)

// fact is why an incompatibility holds that follows from nothing else.
type fact struct {
	kind        factKind
	pkg         *pkg // whose versions it is about; nil for the root
	states      set  // which of them
	need        need
	req         index.Requirement // of a needPackage
	family      *family           // what is needed, if it exists
	other       *pkg              // the one member needed, or what is excluded
	otherStates set               // its versions that satisfy req
	missing     *Package          // factNoPackage
	name        string            // the feature, library or version in question
}

// factRoom is an incompatibility that is a fact, in one piece: there are
// thousands.
type factRoom struct {
	incompatibility
	room fact
	few  [3]term
}

// newFact returns an incompatibility without terms yet.
func (u *universe) newFact(f fact) *incompatibility {
	r := u.facts.one()
	r.room = f
	r.fact, r.terms = &r.room, r.few[:0]
	return &r.incompatibility
}

// alone returns c as the only one of its kind.
func (u *universe) alone(c *incompatibility) []*incompatibility {
	one := u.lists.some(1)
	one[0] = c
	return one
}

type factKind uint8

const (
	factNeed           factKind = iota // pkg needs other
	factNoMatch                        // pkg needs other, of which no candidate matches
	factNoPackage                      // pkg needs a package that does not exist
	factNoRegistry                     // pkg needs a package of a registry that is not configured
	factBadRequirement                 // pkg needs other by a requirement that cannot be read
	factBroken                         // a feature of pkg refers to nothing
	factLacks                          // pkg has no such feature
	factOneRegistry                    // pkg and other have one name
	factLinks                          // pkg and other link one native library
	factPrecise                        // the user asked for this version of pkg
	factLocked                         // the lock has this version of pkg
	factChoice                         // pkg has what it needs of family from other
)

// step is a node of a proof as it is told: an incompatibility, and the two steps
// it follows from, if it is not a fact.
type step struct {
	*incompatibility
	left, right *step
	uses        int // how many steps refer to it
}

func (s *step) derived() bool { return s.left != nil }

// story turns a proof into steps. Steps that only say that an optional
// dependency is a feature of its own name, or which versions a choice among
// several stands for, are left out.
func story(c *incompatibility, known map[*incompatibility]*step) *step {
	if s, ok := known[c]; ok {
		return s
	}
	s := &step{incompatibility: c}
	if c.derived() {
		switch {
		case c.left.obvious():
			s = story(c.right, known)
		case c.right.obvious():
			s = story(c.left, known)
		default:
			s.left, s.right = story(c.left, known), story(c.right, known)
			s.left.uses++
			s.right.uses++
		}
	}
	known[c] = s
	return s
}

// obvious reports whether c need not be told.
func (c *incompatibility) obvious() bool {
	if c.fact != nil && c.fact.kind == factChoice {
		return true
	}
	return c.fact != nil && c.fact.kind == factNeed && c.fact.need.kind == needOwn &&
		c.fact.need.dependencyItself()
}

// narrator writes the steps of a proof as lines, as Dart's reporter does
// (https://github.com/dart-lang/pub/blob/master/doc/solver.md#error-reporting).
type narrator struct {
	wording
	last    *step
	lines   []line
	numbers map[*step]int
}

type line struct {
	text   string
	number int // 0: not referred to
}

// explain writes a proof.
func (u *universe) explain(proof *incompatibility) string {
	root := u.opts.Root
	if root == "" {
		root = "this project"
	}
	n := &narrator{wording: wording{u, root}, numbers: map[*step]int{}}
	n.last = story(proof, map[*incompatibility]*step{})
	if !n.last.derived() {
		return "Because " + n.say(n.last) + ", " + root + " cannot be resolved."
	}
	n.tell(n.last, false)
	return n.text()
}

// tell writes the lines that lead to a step, and the step.
func (n *narrator) tell(s *step, conclusion bool) {
	numbered := conclusion || s.uses > 1
	then := "And"
	if conclusion || s == n.last {
		then = "So,"
	}
	switch left, right := s.left, s.right; {
	case left.derived() && right.derived():
		n.tellBoth(s, numbered, then)
	case left.derived() || right.derived():
		n.tellOne(s, numbered, then)
	default:
		n.write(s, numbered, "Because "+n.join(left.incompatibility, right.incompatibility)+", ")
	}
}

// tellBoth writes a step that follows from two derived steps.
func (n *narrator) tellBoth(s *step, numbered bool, then string) {
	left, right := s.left, s.right
	leftNumber, rightNumber := n.numbers[left], n.numbers[right]
	switch {
	case leftNumber > 0 && rightNumber > 0:
		n.write(s, numbered, fmt.Sprintf("Because %s (%d) and %s (%d), ", n.say(left), leftNumber, n.say(right), rightNumber))
	case leftNumber > 0 || rightNumber > 0:
		told, untold := left, right
		if rightNumber > 0 {
			told, untold = right, left
		}
		n.tell(untold, false)
		n.write(s, numbered, fmt.Sprintf("%s because %s (%d), ", then, n.say(told), n.numbers[told]))
	case left.short() || right.short():
		first, second := left, right
		if left.short() {
			first, second = right, left
		}
		n.tell(first, false)
		n.tell(second, false)
		n.write(s, numbered, "Thus, ")
	default:
		n.tell(left, true)
		n.lines = append(n.lines, line{})
		n.tell(right, false)
		n.write(s, numbered, fmt.Sprintf("%s because %s (%d), ", then, n.say(left), n.numbers[left]))
	}
}

// tellOne writes a step that follows from a derived step and a fact.
func (n *narrator) tellOne(s *step, numbered bool, then string) {
	derived, fact := s.left, s.right
	if !derived.derived() {
		derived, fact = fact, derived
	}
	if number := n.numbers[derived]; number > 0 {
		n.write(s, numbered, fmt.Sprintf("Because %s and %s (%d), ", n.say(fact), n.say(derived), number))
		return
	}
	if derived.uses == 1 && derived.left.derived() != derived.right.derived() {
		earlier, skipped := derived.left, derived.right
		if !earlier.derived() {
			earlier, skipped = skipped, earlier
		}
		if n.numbers[earlier] == 0 {
			n.tell(earlier, false)
			n.write(s, numbered, fmt.Sprintf("%s because %s, ", then, n.join(skipped.incompatibility, fact.incompatibility)))
			return
		}
	}
	n.tell(derived, false)
	n.write(s, numbered, fmt.Sprintf("%s because %s, ", then, n.say(fact)))
}

// short reports whether a step takes a single line.
func (s *step) short() bool { return !s.left.derived() && !s.right.derived() }

func (n *narrator) say(s *step) string { return n.clause(s.incompatibility).String() }

// write ends a line with the step it concludes.
func (n *narrator) write(s *step, numbered bool, reasons string) {
	l := line{text: reasons + n.say(s) + "."}
	if numbered {
		l.number = len(n.numbers) + 1
		n.numbers[s] = l.number
	}
	n.lines = append(n.lines, l)
}

// join puts two statements into one: "a needs b ^1, which needs c ^2", "a needs
// b ^1 with feature x", "a needs b and c", or "... and ...".
func (n *narrator) join(a, b *incompatibility) string {
	first, second := n.clause(a), n.clause(b)
	if second.leadsTo(first) {
		first, second = second, first
	}
	switch {
	case first.leadsTo(second):
		return first.String() + ", which " + second.verb
	case first.subject == second.subject && first.to != nil && first.to == second.to && second.feature != "" && first.feature == "":
		return first.String() + withFeatures([]string{second.feature})
	case first.subject == second.subject && first.to != nil && first.to == second.to && first.feature != "" && second.feature == "":
		return second.String() + withFeatures([]string{first.feature})
	case first.subject == second.subject && strings.HasPrefix(first.verb, "needs ") && strings.HasPrefix(second.verb, "needs "):
		return first.String() + " and " + strings.TrimPrefix(second.verb, "needs ")
	}
	if strings.Contains(first.verb, ", ") {
		first, second = second, first
	}
	if strings.Contains(first.verb, ", ") {
		return first.String() + ", and " + second.String()
	}
	return first.String() + " and " + second.String()
}

// leadsTo reports whether all that c needs is what d speaks of.
func (c clause) leadsTo(d clause) bool {
	return c.to != nil && c.to == d.from && c.feature == "" && c.needs.within(d.states)
}

// A proof longer than maxLines is more than anybody reads; of such a one only the
// end is written, which speaks of what the root asks for.
const (
	maxLines  = 80
	keptLines = 40
)

// text puts the lines together. Numbers stand before the lines that have one.
func (n *narrator) text() string {
	if left := len(n.lines) - keptLines; len(n.lines) > maxLines {
		n.lines = append([]line{{text: fmt.Sprintf("(The first %d lines of the proof are left out.)", left)}}, n.lines[left:]...)
	}
	indent := ""
	if len(n.numbers) > 0 {
		indent = strings.Repeat(" ", len(fmt.Sprintf("(%d) ", len(n.numbers))))
	}
	var b strings.Builder
	for i, l := range n.lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		switch {
		case l.text == "":
			continue
		case l.number > 0:
			fmt.Fprintf(&b, "%-*s", len(indent), fmt.Sprintf("(%d)", l.number))
		default:
			b.WriteString(indent)
		}
		b.WriteString(l.text)
	}
	return b.String()
}
