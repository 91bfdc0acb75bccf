package indexcache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// A record is the lines of a package as resolving needs them:
//
//	texts          every text once: count, lengths, then all the bytes
//	dependencies   every dependency once
//	lists          every list of dependencies once
//	features       every map of features once
//	versions       one for each line, in their order
//
// Versions of a package repeat each other nearly, so that a record is a small
// part of the lines, and the entries read from it share what is equal.

// Bits of a version.
const (
	hasYanked = 1 << iota
	hasDigest // the checksum is 64 lower-case hex digits, kept as bytes
	hasLinks
	hasV
	hasFeatures2
	hasArchive // dl, size, pubtime
	hasPlaces  // platforms, builds, external
	hasNotes   // retired, att, hooks
)

// Bits of a dependency.
const (
	depOptional = 1 << iota
	depDefaultFeatures
	depBuild
	depTarget
	depRegistry
	depPackage
	depKind // another kind than normal, dev and build
)

// recordWriter collects the tables of a record.
type recordWriter struct {
	texts    table
	deps     table
	lists    table
	features table
	versions []byte
	scratch  []byte

	// Versions repeat their dependencies nearly, so each is compared first with
	// the one in the same place of the version before.
	before        []index.Dependency
	beforeNumbers []uint64
	nowNumbers    []uint64
	beforeList    uint64
	lengths, item []byte
	names         []string

	beforeFeatures map[string][]string
	beforeMap      uint64 // its number
}

// minVersion is how many bytes a version has at least: its bits, name and version,
// what it needs, and the checksum.
const minVersion = 6

// maxKeptNumbers is how many items a table may have to be used again.
const maxKeptNumbers = 256

// table numbers what it is given, equal ones alike.
type table struct {
	numbers map[string]uint64
	bytes   []byte
}

func (t *table) reset() {
	if t.numbers == nil {
		t.numbers = map[string]uint64{}
	}
	if t.bytes = t.bytes[:0]; len(t.numbers) > maxKeptNumbers {
		t.numbers = map[string]uint64{} // clearing takes as long as the map ever was large
	}
	clear(t.numbers)
}

func (t *table) number(item []byte) uint64 {
	if n, ok := t.numbers[string(item)]; ok {
		return n
	}
	n := uint64(len(t.numbers))
	t.numbers[string(item)] = n
	t.bytes = append(t.bytes, item...)
	return n
}

// appendRecord adds the record of a package to b.
func (w *recordWriter) appendRecord(b []byte, entries []*index.Entry) []byte {
	w.texts.reset()
	w.deps.reset()
	w.lists.reset()
	w.features.reset()
	w.versions = w.versions[:0]
	w.before, w.beforeFeatures = nil, nil
	lengths := w.lengths[:0]
	text := func(b []byte, s string) []byte {
		n, ok := w.texts.numbers[s]
		if !ok {
			n = uint64(len(w.texts.numbers))
			w.texts.numbers[s] = n
			w.texts.bytes = append(w.texts.bytes, s...)
			lengths = binary.AppendUvarint(lengths, uint64(len(s)))
		}
		return binary.AppendUvarint(b, n)
	}
	for _, e := range entries {
		w.version(e, text)
	}
	b = binary.AppendUvarint(b, uint64(len(w.texts.numbers)))
	b = append(b, lengths...)
	w.lengths = lengths
	b = append(b, w.texts.bytes...)
	for _, t := range []*table{&w.deps, &w.lists, &w.features} {
		b = binary.AppendUvarint(b, uint64(len(t.numbers)))
		b = append(b, t.bytes...)
	}
	b = binary.AppendUvarint(b, uint64(len(entries)))
	return append(b, w.versions...)
}

type textAppender = func(b []byte, s string) []byte

func appendTexts(b []byte, text textAppender, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = text(b, s)
	}
	return b
}

func (w *recordWriter) version(e *index.Entry, text textAppender) {
	digest, isDigest := digestOf(e.Cksum)
	bits := byte(0)
	for _, b := range []struct {
		is  bool
		bit byte
	}{
		{e.Yanked, hasYanked},
		{isDigest, hasDigest},
		{e.Links != "", hasLinks},
		{e.V != 1, hasV},
		{len(e.Features2) > 0, hasFeatures2},
		{e.DL != "" || e.Size != 0 || e.Pubtime != "", hasArchive},
		{len(e.Platforms)+len(e.Builds)+len(e.External)+len(e.Type) > 0, hasPlaces},
		{e.Retired != nil || e.Att != nil || len(e.Hooks) > 0, hasNotes},
	} {
		if b.is {
			bits |= b.bit
		}
	}
	list := w.list(e.Deps, text)
	features := w.featureMap(e.Features, text)
	v := append(w.versions, bits)
	v = text(v, e.Name)
	v = text(v, e.Vers)
	v = binary.AppendUvarint(v, list)
	v = binary.AppendUvarint(v, features)
	if isDigest {
		v = append(v, digest[:]...)
	} else {
		v = text(v, e.Cksum)
	}
	if bits&hasLinks != 0 {
		v = text(v, e.Links)
	}
	if bits&hasV != 0 {
		v = binary.AppendUvarint(v, uint64(e.V))
	}
	if bits&hasFeatures2 != 0 {
		v = binary.AppendUvarint(v, w.featureMap(e.Features2, text))
	}
	if bits&hasArchive != 0 {
		v = text(v, e.DL)
		v = binary.AppendVarint(v, e.Size)
		v = text(v, e.Pubtime)
	}
	if bits&hasPlaces != 0 {
		v = appendPlaces(v, e, text)
	}
	if bits&hasNotes != 0 {
		v = appendNotes(v, e, text)
	}
	w.versions = v
}

// digestOf reads 64 lower-case hex digits.
func digestOf(s string) (digest [32]byte, ok bool) {
	if len(s) != 2*len(digest) || strings.ContainsAny(s, "ABCDEF") {
		return digest, false
	}
	_, err := hex.Decode(digest[:], []byte(s))
	return digest, err == nil
}

func appendPlaces(v []byte, e *index.Entry, text textAppender) []byte {
	v = appendTexts(v, text, e.Platforms)
	v = appendTexts(v, text, e.External)
	v = text(v, e.Type)
	v = binary.AppendUvarint(v, uint64(len(e.Builds)))
	for _, b := range e.Builds {
		v = text(v, b.Platform)
		v = text(v, b.DL)
		v = text(v, b.Cksum)
		v = binary.AppendVarint(v, b.Size)
	}
	return v
}

func appendNotes(v []byte, e *index.Entry, text textAppender) []byte {
	var retired index.Retired
	var att, provenance index.Attestation
	which := byte(0)
	if e.Retired != nil {
		retired, which = *e.Retired, 1
	}
	if e.Att != nil {
		att, which = *e.Att, which|2
	}
	if att.Provenance != nil {
		provenance, which = *att.Provenance, which|4
	}
	if len(e.Hooks) > 0 {
		which |= 8
	}
	v = append(v, which)
	for _, s := range []string{retired.Reason, retired.Message, retired.Since, att.URL, att.SHA256, provenance.URL, provenance.SHA256} {
		v = text(v, s)
	}
	if which&8 != 0 {
		v = appendHooks(v, e.Hooks, text)
	}
	return v
}

func appendHooks(v []byte, hooks []index.Hook, text textAppender) []byte {
	v = binary.AppendUvarint(v, uint64(len(hooks)))
	for _, h := range hooks {
		v = text(v, h.Phase)
		v = appendTexts(v, text, h.Run)
		v = binary.AppendVarint(v, h.Timeout)
		v = appendTexts(v, text, h.Platforms)
	}
	return v
}

// list numbers a list of dependencies. Those of development are left out: they
// count for the root of a resolution alone, which comes from no index.
func (w *recordWriter) list(deps []index.Dependency, text textAppender) uint64 {
	if len(deps) > 0 && len(deps) == len(w.before) && &deps[0] == &w.before[0] {
		return w.beforeList // the entries share it
	}
	item, n := w.item[:0], uint64(0)
	numbers := slices.Grow(w.nowNumbers[:0], len(deps))[:len(deps)]
	for i := range deps {
		d := &deps[i]
		if d.Kind == index.KindDev {
			continue
		}
		if i < len(w.before) && sameDependency(d, &w.before[i]) {
			numbers[i] = w.beforeNumbers[i]
		} else {
			numbers[i] = w.deps.number(w.dependency(d, text))
		}
		item = binary.AppendUvarint(item, numbers[i])
		n++
	}
	w.before, w.beforeNumbers, w.nowNumbers = deps, numbers, w.beforeNumbers
	whole := append(binary.AppendUvarint(w.scratch[:0], n), item...)
	w.item, w.scratch = item, whole
	w.beforeList = w.lists.number(whole)
	return w.beforeList
}

func sameDependency(a, b *index.Dependency) bool {
	return a.Req == b.Req && a.Name == b.Name && a.Kind == b.Kind && a.Optional == b.Optional && a.DefaultFeatures == b.DefaultFeatures &&
		a.Target == b.Target && a.Package == b.Package && a.Registry == b.Registry && slices.Equal(a.Features, b.Features)
}

func (w *recordWriter) dependency(d *index.Dependency, text textAppender) []byte {
	bits := byte(0)
	for _, b := range []struct {
		is  bool
		bit byte
	}{
		{d.Optional, depOptional},
		{d.DefaultFeatures, depDefaultFeatures},
		{d.Kind == index.KindBuild, depBuild},
		{d.Target != "", depTarget},
		{d.Registry != "", depRegistry},
		{d.Package != "", depPackage},
		{d.Kind != index.KindNormal && d.Kind != index.KindBuild, depKind},
	} {
		if b.is {
			bits |= b.bit
		}
	}
	b := append(w.scratch[:0], bits)
	b = text(b, d.Name)
	b = text(b, d.Req)
	for _, o := range []struct {
		bit  byte
		text string
	}{{depTarget, d.Target}, {depRegistry, d.Registry}, {depPackage, d.Package}, {depKind, d.Kind}} {
		if bits&o.bit != 0 {
			b = text(b, o.text)
		}
	}
	b = appendTexts(b, text, d.Features)
	w.scratch = b
	return b
}

func (w *recordWriter) featureMap(features map[string][]string, text textAppender) uint64 {
	if w.beforeFeatures != nil && reflect.ValueOf(features).Pointer() == reflect.ValueOf(w.beforeFeatures).Pointer() {
		return w.beforeMap // the entries share it
	}
	item := binary.AppendUvarint(w.item[:0], uint64(len(features)))
	w.names = slices.AppendSeq(w.names[:0], maps.Keys(features))
	slices.Sort(w.names)
	for _, name := range w.names {
		item = text(item, name)
		item = appendTexts(item, text, features[name])
	}
	w.item = item
	w.beforeFeatures, w.beforeMap = features, w.features.number(item)
	return w.beforeMap
}

// record is a record that was looked at once as a whole, so that whatever is read
// of it later makes sense. Most of it nobody asks for. What the versions have in
// common they share, so that it is to be read only.
type record struct {
	index.Releases
	data []byte

	texts    string
	ends     []uint32 // where each text ends
	deps     []uint32 // where each begins
	lists    []uint32
	features []uint32
	versions []uint32
	needs    []needNumbers

	made []*index.Dependency // of deps, as far as they were asked for
	room []index.Dependency
	maps []map[string][]string // of features, likewise
}

// needNumbers are what a version needs: a list, and maps of features.
type needNumbers struct {
	list, features, features2 uint32
	merged                    bool // there are features2
}

// readRecord reads what appendRecord wrote. What a release does not have is read
// when somebody asks for it.
func readRecord(data []byte) (*record, error) {
	r := &record{data: data}
	c := recordCursor{cursor: cursor{rest: data}, record: r}
	c.readTexts()
	var d index.Dependency
	r.deps = c.table(func() { c.dependency(&d) })
	r.lists = c.table(func() { c.list(func(uint32) {}) })
	r.features = c.table(func() { c.featureMap() })
	r.List = make([]index.Release, 0, min(len(c.rest)/minVersion, c.peek()))
	var e index.Entry
	r.versions = c.table(func() {
		numbers := c.version(&e)
		if n := len(r.needs); n == 0 || r.needs[n-1] != numbers {
			r.needs = append(r.needs, numbers)
		}
		r.List = append(r.List, index.Release{Name: e.Name, Vers: e.Vers, Links: e.Links, Needs: len(r.needs) - 1, Yanked: e.Yanked, Signed: e.Att != nil})
	})
	if len(c.rest) > 0 {
		c.fail()
	}
	r.Needs, r.Entry = r.needsOf, r.entry
	return r, c.err("a record")
}

// at returns a cursor that reads the whole of what is at a place.
func (r *record) at(place uint32) recordCursor {
	return recordCursor{cursor: cursor{rest: r.data[place:]}, record: r, whole: true}
}

// needsOf reads dependencies that were not asked for before. It is not for use by
// several goroutines at a time.
func (r *record) needsOf(number int) index.Needs {
	n := r.needs[number]
	var e index.Entry
	r.readFeatures(&e, n)
	c := r.at(r.lists[n.list])
	deps := make([]*index.Dependency, 0, c.peek())
	c.list(func(number uint32) { deps = append(deps, r.dependency(number)) })
	return index.Needs{Deps: deps, Features: e.AllFeatures()}
}

func (r *record) readFeatures(e *index.Entry, n needNumbers) {
	e.Features = r.featureMap(n.features)
	if n.merged {
		e.Features2 = r.featureMap(n.features2)
	}
}

// featureMap reads a map of features, each once.
func (r *record) featureMap(number uint32) map[string][]string {
	if r.maps == nil {
		r.maps = make([]map[string][]string, len(r.features))
	}
	if r.maps[number] == nil {
		c := r.at(r.features[number])
		r.maps[number] = c.featureMap()
	}
	return r.maps[number]
}

// dependency reads a dependency, each once.
func (r *record) dependency(number uint32) *index.Dependency {
	if r.made == nil {
		r.made = make([]*index.Dependency, len(r.deps))
	}
	if r.made[number] == nil {
		if len(r.room) == 0 {
			r.room = make([]index.Dependency, 8)
		}
		d := &r.room[0]
		r.room = r.room[1:]
		c := r.at(r.deps[number])
		c.dependency(d)
		r.made[number] = d
	}
	return r.made[number]
}

// entry reads a version, without what it needs.
func (r *record) entry(i int) (*index.Entry, error) {
	e := &index.Entry{}
	c := r.at(r.versions[i])
	c.version(e)
	return e, c.err("a version")
}

// entries reads the whole of all versions.
func (r *record) entries() ([]*index.Entry, error) {
	entries := make([]*index.Entry, len(r.versions))
	for i := range entries {
		e, err := r.entry(i)
		if err != nil {
			return nil, err
		}
		n := r.needs[r.List[i].Needs]
		r.readFeatures(e, n)
		c := r.at(r.lists[n.list])
		c.list(func(number uint32) { e.Deps = append(e.Deps, *r.dependency(number)) })
		entries[i] = e
	}
	return entries, nil
}

// recordCursor reads parts of a record.
type recordCursor struct {
	cursor
	record *record
	whole  bool // what takes memory of its own is read too, and not only looked at
	pieces []string
}

func (c *recordCursor) readTexts() {
	ends, total := make([]uint32, c.items()), 0
	for i := range ends {
		total += c.count(maxRecord - total)
		ends[i] = uint32(total)
	}
	c.record.texts, c.record.ends = string(c.take(total)), ends
	if c.bad {
		c.record.ends = nil
	}
}

// table looks at the items of a table, and returns where each begins.
func (c *recordCursor) table(look func()) []uint32 {
	at := make([]uint32, c.items())
	for i := range at {
		if c.bad {
			return nil // a record that says to have more than it has costs no more
		}
		at[i] = uint32(len(c.record.data) - len(c.rest))
		look()
	}
	return at
}

// peek returns the number that is read next.
func (c *recordCursor) peek() int {
	ahead := c.cursor
	return ahead.items()
}

// number reads the number of an item of a table.
func (c *recordCursor) number(table []uint32) uint32 {
	n := c.uvarint()
	if n >= uint64(len(table)) {
		c.fail()
		return 0
	}
	return uint32(n)
}

func (c *recordCursor) text() string {
	r := c.record
	n := c.number(r.ends)
	switch {
	case c.bad:
		return ""
	case n == 0:
		return r.texts[:r.ends[0]]
	}
	return r.texts[r.ends[n-1]:r.ends[n]]
}

// strings reads texts; none if they are only looked at.
func (c *recordCursor) strings() []string {
	n := c.items()
	if !c.whole {
		for range n {
			c.number(c.record.ends)
		}
		return nil
	}
	if n == 0 {
		return nil
	}
	if cap(c.pieces)-len(c.pieces) < n {
		c.pieces = make([]string, 0, max(n, 8))
	}
	start := len(c.pieces)
	for range n {
		c.pieces = append(c.pieces, c.text())
	}
	return c.pieces[start:len(c.pieces):len(c.pieces)]
}

func (c *recordCursor) dependency(d *index.Dependency) {
	bits := c.byte()
	d.Name, d.Req = c.text(), c.text()
	d.Optional, d.DefaultFeatures = bits&depOptional != 0, bits&depDefaultFeatures != 0
	d.Kind = index.KindNormal
	if bits&depBuild != 0 {
		d.Kind = index.KindBuild
	}
	if bits&depTarget != 0 {
		d.Target = c.text()
	}
	if bits&depRegistry != 0 {
		d.Registry = c.text()
	}
	if bits&depPackage != 0 {
		d.Package = c.text()
	}
	if bits&depKind != 0 {
		d.Kind = c.text()
	}
	d.Features = c.strings()
}

// list visits the dependencies of a list.
func (c *recordCursor) list(visit func(number uint32)) {
	for range c.items() {
		if number := c.number(c.record.deps); !c.bad {
			visit(number)
		}
	}
}

func (c *recordCursor) featureMap() map[string][]string {
	n := c.items()
	if !c.whole {
		for range n {
			c.number(c.record.ends)
			c.strings()
		}
		return nil
	}
	if n == 0 {
		return nil
	}
	features := make(map[string][]string, n)
	for range n {
		name := c.text()
		features[name] = c.strings()
	}
	return features
}

func (c *recordCursor) varint() int64 {
	v, n := binary.Varint(c.rest)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// version reads one version, without what it needs, of which it returns the
// numbers.
func (c *recordCursor) version(e *index.Entry) (numbers needNumbers) {
	*e = index.Entry{V: 1}
	bits := c.byte()
	e.Yanked = bits&hasYanked != 0
	e.Name, e.Vers = c.text(), c.text()
	numbers.list, numbers.features = c.number(c.record.lists), c.number(c.record.features)
	if bits&hasDigest == 0 {
		e.Cksum = c.text()
	} else if digest := c.take(sha256.Size); c.whole {
		e.Cksum = hex.EncodeToString(digest)
	}
	if bits&hasLinks != 0 {
		e.Links = c.text()
	}
	if bits&hasV != 0 {
		e.V = c.count(1 << 20)
	}
	if numbers.merged = bits&hasFeatures2 != 0; numbers.merged {
		numbers.features2 = c.number(c.record.features)
	}
	if bits&hasArchive != 0 {
		e.DL, e.Size, e.Pubtime = c.text(), c.varint(), c.text()
	}
	if bits&hasPlaces != 0 {
		c.places(e)
	}
	if bits&hasNotes != 0 {
		c.notes(e)
	}
	return numbers
}

func (c *recordCursor) places(e *index.Entry) {
	e.Platforms, e.External = c.strings(), c.strings()
	e.Type = c.text()
	for range c.items() {
		b := index.Build{Platform: c.text(), DL: c.text(), Cksum: c.text(), Size: c.varint()}
		if c.whole {
			e.Builds = append(e.Builds, b)
		}
	}
}

func (c *recordCursor) notes(e *index.Entry) {
	which := c.byte()
	retired := index.Retired{Reason: c.text(), Message: c.text(), Since: c.text()}
	att := index.Attestation{URL: c.text(), SHA256: c.text()}
	provenance := index.Attestation{URL: c.text(), SHA256: c.text()}
	if which&4 != 0 {
		att.Provenance = &provenance
	}
	if which&1 != 0 {
		e.Retired = &retired
	}
	if which&2 != 0 {
		e.Att = &att
	}
	if which&8 != 0 {
		c.hooks(e)
	}
}

func (c *recordCursor) hooks(e *index.Entry) {
	for range c.items() {
		h := index.Hook{Phase: c.text(), Run: c.strings(), Timeout: c.varint(), Platforms: c.strings()}
		if c.whole {
			e.Hooks = append(e.Hooks, h)
		}
	}
}
