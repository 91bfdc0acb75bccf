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

// recordReader reads a record. What the versions have in common they share, so
// they are to be read only.
type recordReader struct {
	c        cursor
	texts    []string
	deps     []index.Dependency
	lists    [][]*index.Dependency
	features []map[string][]string
	pieces   []string
	versions [][]byte // each with what follows it
	whole    bool     // versions are read for themselves, and not for their releases
}

// readRecord reads what appendRecord wrote. Of each version it looks at what a
// release has; the rest is read when somebody asks for it.
func readRecord(data []byte) (*index.Releases, error) {
	r := &recordReader{c: cursor{rest: data}}
	r.readTexts()
	r.deps = make([]index.Dependency, r.c.items())
	for i := range r.deps {
		r.dependency(&r.deps[i])
	}
	r.readLists()
	r.features = make([]map[string][]string, r.c.items())
	for i := range r.features {
		r.features[i] = r.featureMap()
	}
	releases := make([]index.Release, r.c.items())
	r.versions = make([][]byte, len(releases))
	var e index.Entry
	for i := range releases {
		r.versions[i] = r.c.rest
		deps := r.version(&e)
		releases[i] = index.Release{Name: e.Name, Vers: e.Vers, Yanked: e.Yanked, Links: e.Links, Deps: deps, Features: e.AllFeatures(), Signed: e.Att != nil}
	}
	if len(r.c.rest) > 0 {
		r.c.fail()
	}
	return &index.Releases{List: releases, Entry: r.entry}, r.c.err("a record")
}

// entry reads the whole of a version.
func (r *recordReader) entry(i int) (*index.Entry, error) {
	one := recordReader{c: cursor{rest: r.versions[i]}, texts: r.texts, lists: r.lists, features: r.features, whole: true}
	e := &index.Entry{}
	if deps := one.version(e); len(deps) > 0 {
		e.Deps = make([]index.Dependency, len(deps))
		for d := range deps {
			e.Deps[d] = *deps[d]
		}
	}
	return e, one.c.err("a version")
}

func (r *recordReader) readTexts() {
	lengths := make([]int, r.c.items())
	total := 0
	for i := range lengths {
		lengths[i] = r.c.count(maxRecord)
		total += lengths[i]
	}
	all := string(r.c.take(total))
	if r.c.bad {
		return
	}
	r.texts = make([]string, len(lengths))
	for i, n := range lengths {
		r.texts[i], all = all[:n], all[n:]
	}
}

func (r *recordReader) text() string {
	n := r.c.uvarint()
	if n >= uint64(len(r.texts)) {
		r.c.fail()
		return ""
	}
	return r.texts[n]
}

func (r *recordReader) strings() []string {
	n := r.c.items()
	if n == 0 {
		return nil
	}
	if cap(r.pieces)-len(r.pieces) < n {
		r.pieces = make([]string, 0, max(n, 64))
	}
	start := len(r.pieces)
	for range n {
		r.pieces = append(r.pieces, r.text())
	}
	return r.pieces[start:len(r.pieces):len(r.pieces)]
}

func (r *recordReader) dependency(d *index.Dependency) {
	bits := r.c.byte()
	d.Name, d.Req = r.text(), r.text()
	d.Optional, d.DefaultFeatures = bits&depOptional != 0, bits&depDefaultFeatures != 0
	d.Kind = index.KindNormal
	if bits&depBuild != 0 {
		d.Kind = index.KindBuild
	}
	if bits&depTarget != 0 {
		d.Target = r.text()
	}
	if bits&depRegistry != 0 {
		d.Registry = r.text()
	}
	if bits&depPackage != 0 {
		d.Package = r.text()
	}
	if bits&depKind != 0 {
		d.Kind = r.text()
	}
	d.Features = r.strings()
}

func (r *recordReader) readLists() {
	r.lists = make([][]*index.Dependency, r.c.items())
	var room []*index.Dependency // that lists are cut from
	for i := range r.lists {
		n := r.c.items()
		if n == 0 {
			continue
		}
		if len(room) < n {
			room = make([]*index.Dependency, max(n, 256))
		}
		r.lists[i], room = room[:n:n], room[n:]
		for j := range r.lists[i] {
			number := r.c.uvarint()
			if number >= uint64(len(r.deps)) {
				r.c.fail()
				return
			}
			r.lists[i][j] = &r.deps[number]
		}
	}
}

func (r *recordReader) featureMap() map[string][]string {
	n := r.c.items()
	if n == 0 {
		return nil
	}
	features := make(map[string][]string, n)
	for range n {
		name := r.text()
		features[name] = r.strings()
	}
	return features
}

// numbered reads the number of an item of a table, and takes it from there.
func numbered[T any](r *recordReader, table []T) (item T) {
	n := r.c.uvarint()
	if n >= uint64(len(table)) {
		r.c.fail()
		return item
	}
	return table[n]
}

func (r *recordReader) varint() int64 {
	v, n := binary.Varint(r.c.rest)
	if n <= 0 {
		r.c.fail()
		return 0
	}
	r.c.rest = r.c.rest[n:]
	return v
}

// version reads one version and returns its dependencies. For a release alone
// it leaves out of e what takes memory of its own.
func (r *recordReader) version(e *index.Entry) []*index.Dependency {
	*e = index.Entry{V: 1}
	bits := r.c.byte()
	e.Yanked = bits&hasYanked != 0
	e.Name, e.Vers = r.text(), r.text()
	deps := numbered(r, r.lists)
	e.Features = numbered(r, r.features)
	if bits&hasDigest == 0 {
		e.Cksum = r.text()
	} else if digest := r.c.take(sha256.Size); r.whole {
		e.Cksum = hex.EncodeToString(digest)
	}
	if bits&hasLinks != 0 {
		e.Links = r.text()
	}
	if bits&hasV != 0 {
		e.V = r.c.count(1 << 20)
	}
	if bits&hasFeatures2 != 0 {
		e.Features2 = numbered(r, r.features)
	}
	if bits&hasArchive != 0 {
		e.DL, e.Size, e.Pubtime = r.text(), r.varint(), r.text()
	}
	if bits&hasPlaces != 0 {
		r.places(e)
	}
	if bits&hasNotes != 0 {
		r.notes(e)
	}
	return deps
}

func (r *recordReader) places(e *index.Entry) {
	platforms, external := r.strings(), r.strings()
	e.Type = r.text()
	for range r.c.items() {
		b := index.Build{Platform: r.text(), DL: r.text(), Cksum: r.text(), Size: r.varint()}
		if r.whole {
			e.Builds = append(e.Builds, b)
		}
	}
	e.Platforms, e.External = platforms, external
}

func (r *recordReader) notes(e *index.Entry) {
	which := r.c.byte()
	retired := index.Retired{Reason: r.text(), Message: r.text(), Since: r.text()}
	att := index.Attestation{URL: r.text(), SHA256: r.text()}
	provenance := index.Attestation{URL: r.text(), SHA256: r.text()}
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
		r.hooks(e)
	}
}

func (r *recordReader) hooks(e *index.Entry) {
	for range r.c.items() {
		h := index.Hook{Phase: r.text(), Run: r.strings(), Timeout: r.varint(), Platforms: r.strings()}
		if r.whole {
			e.Hooks = append(e.Hooks, h)
		}
	}
}
