package indexcache

import (
	"cmp"
	"encoding/binary"

	"github.com/clydepm/clyde/index"
)

// Summary is what a search knows about a package: its newest version that is
// not yanked and no prerelease, or the nearest to that.
type Summary struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Description string   `json:"description,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
	Yanked      bool     `json:"yanked,omitempty"`  // all its versions are
	Retired     string   `json:"retired,omitempty"` // reason
}

// Summarize picks the version that stands for a package; false when there is
// none.
func Summarize(entries []*index.Entry) (Summary, bool) {
	best := Newest(entries)
	if best == nil {
		return Summary{}, false
	}
	s := Summary{Name: best.Name, Version: best.Vers, Description: best.Description, Keywords: best.Keywords, Yanked: best.Yanked}
	if best.Retired != nil {
		s.Retired = best.Retired.Reason
	}
	return s, true
}

// Summarizer summarizes the files of many packages, one after another.
type Summarizer struct{ reader *index.Reader }

// NewSummarizer returns a summarizer.
func NewSummarizer() *Summarizer { return &Summarizer{index.NewReader()} }

// Summarize is the summary of a package, given its file; false when there is
// none.
func (s *Summarizer) Summarize(name string, content []byte) (Summary, bool) {
	return Summarize(ownEntries(name, s.reader.Read(content).Entries))
}

// Newest is the version that a person means by a bare package name: the
// highest that is not yanked and no prerelease, else the highest that is not
// yanked, else the highest; nil when there is none.
func Newest(entries []*index.Entry) *index.Entry {
	var best *index.Entry
	var bestVersion index.Version
	for _, e := range entries {
		v, err := index.ParseVersion(e.Vers)
		if err != nil {
			continue
		}
		if best == nil || cmp.Or(
			compareBool(!e.Yanked, !best.Yanked),
			compareBool(!v.Prerelease(), !bestVersion.Prerelease()),
			v.Compare(bestVersion),
		) > 0 {
			best, bestVersion = e, v
		}
	}
	return best
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Bits of a summary.
const (
	summaryYanked = 1 << iota
	summaryRetired
	summaryDescription
	summaryKeywords
)

// append adds the summary to the names, after its own length.
func (s *Summary) append(b []byte) []byte {
	bits := byte(0)
	if s.Yanked {
		bits |= summaryYanked
	}
	if s.Retired != "" {
		bits |= summaryRetired
	}
	if s.Description != "" {
		bits |= summaryDescription
	}
	if len(s.Keywords) > 0 {
		bits |= summaryKeywords
	}
	item := append(make([]byte, 0, 128), bits)
	item = appendText(item, s.Name)
	item = appendText(item, s.Version)
	if s.Retired != "" {
		item = appendText(item, s.Retired)
	}
	if s.Description != "" {
		item = appendText(item, s.Description)
	}
	if len(s.Keywords) > 0 {
		item = binary.AppendUvarint(item, uint64(len(s.Keywords)))
		for _, k := range s.Keywords {
			item = appendText(item, k)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(item)))
	return append(b, item...)
}

// Named is a summary as it lies in the file, to be looked at without copying.
// It is valid until the next one.
type Named struct {
	Name, Version, Description []byte
	Yanked                     bool
	retired                    []byte
	keywords                   cursor
}

// Named is the summary as a reader of names gets it.
func (s Summary) Named() Named {
	c := cursor{rest: s.append(nil)}
	n, _ := readNamed(c.take(c.items())) // it has just been written
	return n
}

func readNamed(item []byte) (n Named, ok bool) {
	c := cursor{rest: item}
	bits := c.byte()
	piece := func() []byte { return c.take(c.items()) }
	n.Name, n.Version = piece(), piece()
	n.Yanked = bits&summaryYanked != 0
	if bits&summaryRetired != 0 {
		n.retired = piece()
	}
	if bits&summaryDescription != 0 {
		n.Description = piece()
	}
	if bits&summaryKeywords != 0 {
		n.keywords = c
	}
	return n, !c.bad
}

// Keywords calls visit for each keyword until it reports false.
func (n Named) Keywords(visit func(keyword []byte) bool) {
	c := n.keywords
	for range c.items() {
		if keyword := c.take(c.items()); c.bad || !visit(keyword) {
			return
		}
	}
}

// Summary is a copy that stays valid.
func (n Named) Summary() Summary {
	s := Summary{Name: string(n.Name), Version: string(n.Version), Description: string(n.Description), Yanked: n.Yanked, Retired: string(n.retired)}
	n.Keywords(func(keyword []byte) bool {
		s.Keywords = append(s.Keywords, string(keyword))
		return true
	})
	return s
}
