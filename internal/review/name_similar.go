package review

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/spelling"
)

// resembler tells whether names could be taken for one name. There are three
// ways, all without regard to case, and with every separator the same:
//
//   - by a slip of the finger: few edits lie between them ([Similarity]);
//   - by their look: they have the same skeleton, that is the same letters when
//     each stands for those that look like it ("rn" is m, "vv" is w, "cl" is d,
//     0 is o, 1 and l are i, 5 is s, 2 is z), without separators and a plural's s,
//     or from five letters on only two neighbours are swapped;
//   - by their parts: they have the same skeletons between their separators, in
//     another order.
//
// It is made for one name and compared with many: most of them are told apart by
// the letters that they have, without a look at the order.
type resembler struct {
	policy   *NamePolicy
	folded   string // "a-b" of "A_b", "acme/a.b" is "acme-a-b"
	letters  uint64 // which there are in folded
	skeleton string
	parts    []string // skeletons, sorted
	weight   uint32   // of the parts together, whatever their order
	popular  []string // folded names that the policy holds others further away from
}

// maxParts bounds the parts of a name that are looked for in another order.
const maxParts = 4

func newResembler(name string, policy *NamePolicy) *resembler {
	r := &resembler{policy: policy, folded: foldScoped(name)}
	r.letters = lettersOf(r.folded)
	r.skeleton = string(appendSkeleton(nil, r.folded))
	r.parts = partsOf(r.folded)
	r.weight = weigh(appendParts(nil, r.folded))
	for _, p := range policy.Popular {
		r.popular = append(r.popular, foldScoped(p))
	}
	return r
}

// foldScoped is [index.Fold] where the slash of a scoped name is a separator,
// too: its archive is named so.
func foldScoped(name string) string { return strings.ReplaceAll(index.Fold(name), "/", "-") }

// resembles reports whether another name, folded by [foldScoped], is similar.
func (r *resembler) resembles(other string) bool {
	return r.near(other) || r.policy.LookAlikes && (r.looksLike(other) || r.swaps(other) || r.reorders(other))
}

// near compares by edits. Letters that only one of two names has cost at least
// half an edit each.
func (r *resembler) near(other string) bool {
	distance := r.policy.distance(len(r.folded), len(other))
	if slices.Contains(r.popular, other) {
		distance++
	}
	if distance == 0 || max(len(r.folded)-len(other), len(other)-len(r.folded)) > distance {
		return false
	}
	return bits.OnesCount64(r.letters^lettersOf(other)) <= 2*distance && spelling.Within(r.folded, other, distance)
}

func (r *resembler) looksLike(other string) bool {
	var buffer [maxFolded]byte
	return string(appendSkeleton(buffer[:0], other)) == r.skeleton
}

// swaps reports whether two neighbours are swapped, which a glance does not
// notice. One edit between names of the same letters is such a swap.
func (r *resembler) swaps(other string) bool {
	return len(other) == len(r.folded) && len(other) >= minSwapped && lettersOf(other) == r.letters &&
		weigh([]byte(other)) == weigh([]byte(r.folded)) && spelling.Within(r.folded, other, 1)
}

// minSwapped is the length from which swapped neighbours are no other word.
const minSwapped = 5

// reorders compares the parts, of which there must be more than one.
func (r *resembler) reorders(other string) bool {
	if len(r.parts) < 2 || len(r.parts) > maxParts {
		return false
	}
	var buffer [maxFolded]byte
	return weigh(appendParts(buffer[:0], other)) == r.weight && slices.Equal(partsOf(other), r.parts)
}

// maxFolded is room for every name that can be read: a scope, a separator and a
// name.
const maxFolded = 2*128 + 1

// lettersOf is the set of bytes of a folded name, one bit each.
func lettersOf(folded string) (set uint64) {
	for i := range len(folded) {
		set |= 1 << (folded[i] & 63)
	}
	return set
}

// appendSkeleton appends the skeleton of a folded name.
func appendSkeleton(dst []byte, folded string) []byte {
	start := len(dst)
	for i := range len(folded) {
		if folded[i] != '-' {
			dst = appendLook(dst, start, folded[i])
		}
	}
	return singular(dst, start)
}

// appendParts appends the skeletons of the parts, with "-" after each.
func appendParts(dst []byte, folded string) []byte {
	start := len(dst)
	for i := range len(folded) {
		if folded[i] == '-' {
			dst = append(singular(dst, start), '-')
			start = len(dst)
			continue
		}
		dst = appendLook(dst, start, folded[i])
	}
	return append(singular(dst, start), '-')
}

// appendLook appends what a letter looks like, or with the letter before it,
// which begins no earlier than at start.
func appendLook(dst []byte, start int, c byte) []byte {
	if last := len(dst) - 1; last >= start {
		switch {
		case dst[last] == 'r' && c == 'n':
			dst[last] = 'm'
			return dst
		case dst[last] == 'v' && c == 'v':
			dst[last] = 'w'
			return dst
		case dst[last] == 'c' && (c == 'l' || c == '1'):
			dst[last] = 'd'
			return dst
		}
	}
	switch c {
	case '0':
		c = 'o'
	case '1', 'l':
		c = 'i'
	case '2':
		c = 'z'
	case '5':
		c = 's'
	}
	return append(dst, c)
}

// singular takes the s of a plural away.
func singular(dst []byte, start int) []byte {
	if n := len(dst); n-start > 3 && dst[n-1] == 's' && dst[n-2] != 's' {
		return dst[:n-1]
	}
	return dst
}

// partsOf are the skeletons of the parts, sorted.
func partsOf(folded string) []string {
	parts := strings.FieldsFunc(string(appendParts(nil, folded)), func(r rune) bool { return r == '-' })
	slices.Sort(parts)
	return parts
}

// weigh adds up letters, whatever their order.
func weigh(parts []byte) (weight uint32) {
	for _, c := range parts {
		if c != '-' {
			weight += uint32(c) * uint32(c) * uint32(c)
		}
	}
	return weight
}

// prefixes tells of which prefixes a similar name can be, so that whole folders
// need not be read. It says yes for some of which none is.
type prefixes struct {
	*resembler
	looks []string // skeletons that a similar name begins with, or that begin with its own
}

func newPrefixes(r *resembler) *prefixes {
	p := &prefixes{resembler: r}
	if r.policy.LookAlikes {
		p.looks = []string{r.skeleton}
		if n := len(r.parts); n > 1 && n <= maxParts {
			p.permute(nil, r.parts)
		}
	}
	return p
}

// permute adds every order of the parts, and each part as a plural as well.
func (p *prefixes) permute(chosen []byte, rest []string) {
	if len(rest) == 0 {
		p.looks = append(p.looks, string(chosen))
		return
	}
	for i, part := range rest {
		others := slices.Delete(slices.Clone(rest), i, i+1)
		p.permute(append(slices.Clone(chosen), part...), others)
		p.permute(append(slices.Clone(chosen), part+"s"...), others)
	}
}

// has reports whether a similar name can begin with prefix.
func (p *prefixes) has(prefix string) bool {
	prefix = foldScoped(prefix)
	if p.withinReach(prefix) {
		return true
	}
	var buffer [2][maxFolded]byte
	squeezed, parts := buffer[0][:0], buffer[1][:0]
	start := 0
	for i := range len(prefix) {
		if prefix[i] == '-' {
			start = len(parts)
			continue
		}
		squeezed, parts = appendLook(squeezed, 0, prefix[i]), appendLook(parts, start, prefix[i])
	}
	return slices.ContainsFunc(p.looks, func(look string) bool {
		return begins(look, squeezed) || begins(look, parts)
	})
}

// begins reports whether the skeleton of a name can be look if the name begins
// with letters that look like prefix. The last of these may turn into another
// with the letter after it, or be a plural's s.
func begins(look string, prefix []byte) bool {
	if n := len(prefix); n > 0 && strings.IndexByte("rvcs", prefix[n-1]) >= 0 {
		prefix = prefix[:n-1]
	}
	return strings.HasPrefix(look, string(prefix)) || strings.HasPrefix(string(prefix), look)
}

// withinReach reports whether a name with the prefix can be near enough.
func (p *prefixes) withinReach(prefix string) bool {
	distance := p.policy.distance(len(p.folded), maxFolded)
	if len(p.popular) > 0 {
		distance++
	}
	if p.policy.LookAlikes {
		distance = max(distance, 1)
	}
	return distance > 0 && spelling.WithinPrefix(prefix, p.folded, distance)
}
