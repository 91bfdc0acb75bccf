package resolve

// variable is the number of a solver variable: a package, whose states are its
// candidate versions, or a feature of a package, which is off or on.
type variable int32

// term says that the state of a variable is in a set.
type term struct {
	v   variable
	set set
}

// incompatibility is a set of terms that cannot all hold at once, with at most
// one term for each variable. The one without terms says that there is no
// solution.
type incompatibility struct {
	terms []term
	// Either fact says why the terms exclude each other, or left and right
	// are the two incompatibilities this one follows from.
	fact        *fact
	left, right *incompatibility
	run         int32 // the last run that it was stated in; 0 for none
}

func (c *incompatibility) derived() bool { return c.left != nil }

// conflictWith returns what follows from two incompatibilities that speak of
// variable v with opposite meaning: the rule of resolution.
func (c *incompatibility) conflictWith(other *incompatibility, v variable, full set) *incompatibility {
	joined := &incompatibility{
		terms: make([]term, 0, len(c.terms)+len(other.terms)),
		left:  c, right: other,
	}
	var pivot set
	for _, t := range c.terms {
		if t.v == v {
			pivot = t.set
			continue
		}
		joined.terms = append(joined.terms, t)
	}
	for _, t := range other.terms {
		if t.v == v {
			pivot = pivot.or(t.set)
			continue
		}
		joined.meet(t)
	}
	if !full.within(pivot) {
		joined.terms = append(joined.terms, term{v, pivot})
	}
	return joined
}

// meet adds a term, narrowing the one of the same variable if there is one.
func (c *incompatibility) meet(t term) {
	for i := range c.terms {
		if c.terms[i].v == t.v {
			c.terms[i].set = c.terms[i].set.and(t.set)
			return
		}
	}
	c.terms = append(c.terms, t)
}

// term returns the set that c names for v; c must mention v.
func (c *incompatibility) term(v variable) set {
	for _, t := range c.terms {
		if t.v == v {
			return t.set
		}
	}
	panic("resolve: incompatibility does not mention the variable")
}

// facts returns the facts that c follows from, each once, in a fixed order.
func (c *incompatibility) facts() []*fact {
	var facts []*fact
	seen := map[*incompatibility]bool{}
	rest := []*incompatibility{c}
	for len(rest) > 0 {
		last := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		switch {
		case seen[last]:
		case last.derived():
			rest = append(rest, last.right, last.left)
		default:
			facts = append(facts, last.fact)
		}
		seen[last] = true
	}
	return facts
}
