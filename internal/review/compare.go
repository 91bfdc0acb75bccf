package review

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
)

// Bounds of a [Diff].
const (
	mostDifferences = 200 // of each list
	mostText        = 500 // bytes of one text
)

// sizeFloor is a size that needs nobody's look, however small it was before.
const sizeFloor = 1 << 20

// compare makes the difference to the version before, and calls out what a
// person should look at.
func (x *examination) compare() {
	d := Diff{Version: x.Entry.Vers, Size: Sizes{After: x.Entry.Size}}
	if x.Previous != nil {
		d.Previous, d.Size.Before = x.Previous.Vers, x.Previous.Size
		d.License = wordsOf(x.Previous.License, x.Entry.License)
		d.Dependencies = capped(diffMaps(dependenciesOf(x.Previous), dependenciesOf(x.Entry)))
	}
	d.External = capped(diffMaps(externalsOf(x.Previous), externalsOf(x.Entry)))
	if x.contents != nil {
		d.Size.After = x.contents.Size
		x.compareFiles(&d)
	}
	x.callOut(d)
	if x.Previous != nil {
		x.diffs = append(x.diffs, d)
	}
}

// compareFiles compares the archives. Where the one before cannot be had, all of
// it is new.
func (x *examination) compareFiles(d *Diff) {
	if x.before == nil && x.Previous != nil && x.ev.Early {
		return // a publisher does not fetch it
	}
	var before []archive.Member
	var hooksBefore map[string]string
	if x.before != nil {
		before, hooksBefore = x.before.Members, hooksOf(x.before.Manifest)
	}
	d.Hooks = capped(diffMaps(hooksBefore, hooksOf(x.contents.Manifest)))
	all := diffFiles(before, x.contents.Members)
	if changed := hookPrograms(x.contents.Manifest, all.Changed); len(changed) > 0 {
		x.add("content/hooks", x.at(x.Entry, ""), "", "%s", several("hooks run files that were changed:", changed))
	}
	for _, f := range slices.Concat(all.Added, all.Changed) {
		i, _ := slices.BinarySearchFunc(x.contents.Members, f.Path, func(m archive.Member, path string) int { return cmp.Compare(m.Path, path) })
		if kind := native(x.contents.Members[i]); kind != "" {
			d.Native = append(d.Native, FileDiff{Path: cut(f.Path), Kind: kind, Sizes: f.Sizes})
		}
	}
	slices.SortFunc(d.Native, func(a, b FileDiff) int { return cmp.Compare(a.Path, b.Path) })
	if x.before != nil {
		d.Files = &all
		d.Files.cap()
	}
}

// callOut says what of a difference needs a person's eyes.
func (x *examination) callOut(d Diff) {
	at := x.at(x.Entry, "")
	if grown := d.Size.After > sizeFloor && d.Size.Before > 0 && d.Size.After/int64(x.policy.Content.SizeGrowth) > d.Size.Before; grown {
		x.add("content/size", at, "", "the archive has grown from %d to %d bytes", d.Size.Before, d.Size.After)
	}
	if came := names(d.Hooks, func(h Difference) bool { return h.After != "" }); len(came) > 0 {
		x.add("content/hooks", at, "", "%s", several("runs programs of its own where it is installed:", came))
	}
	if came := names(d.External, func(e Difference) bool { return e.After != "" }); len(came) > 0 {
		x.add("content/external", x.at(x.Entry, "external"), "", "%s", several("needs of other package managers, which it did not before:", came))
	}
	var code []string
	for _, f := range d.Native {
		code = append(code, fmt.Sprintf("%s (%s)", f.Path, f.Kind))
	}
	if len(code) > 0 {
		x.add("content/native", at, "", "%s", several("machine code that was not there before:", code))
	}
	if x.Previous != nil {
		x.compareHosts(at)
	}
}

// compareHosts notices archives that come from another host than before.
func (x *examination) compareHosts(at string) {
	before, after := hostOf(x.Previous.DL), hostOf(x.Entry.DL)
	if before != "" && after != "" && before != after {
		x.add("content/host", at, "", "the archive is at %s, that of %s is at %s", after, x.Previous.Vers, before)
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

func names(all []Difference, which func(Difference) bool) []string {
	var found []string
	for _, d := range all {
		if which(d) {
			found = append(found, d.Name)
		}
	}
	return found
}

func wordsOf(before, after string) *Words {
	if before == after {
		return nil
	}
	return &Words{cut(before), cut(after)}
}

// cut shortens a text from outside.
func cut(text string) string {
	if len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + "…"
}

// dependenciesOf are the dependencies of a line by kind and name, with all that
// is said of them.
func dependenciesOf(e *index.Entry) map[string]string {
	all := map[string]string{}
	for _, d := range e.Deps {
		name := d.Name
		if d.Kind != "" && d.Kind != index.KindNormal {
			name += " (" + d.Kind + ")"
		}
		if d.Target != "" {
			name += " for " + d.Target
		}
		text := d.Req
		if d.Package != "" {
			text += " of " + d.Package
		}
		if d.Registry != "" {
			text += " in " + d.Registry
		}
		if d.Optional {
			text += ", optional"
		}
		if !d.DefaultFeatures {
			text += ", without default features"
		}
		if len(d.Features) > 0 {
			text += ", with " + strings.Join(d.Features, " ")
		}
		all[name] = text
	}
	return all
}

func externalsOf(e *index.Entry) map[string]string {
	all := map[string]string{}
	if e != nil {
		for _, item := range e.External {
			all[item] = item
		}
	}
	return all
}

// hooksOf are the programs that a manifest has run, none when it cannot be read.
func hooksOf(text []byte) map[string]string {
	all := map[string]string{}
	m, err := manifest.Parse(manifest.Path, text)
	if err != nil {
		return all
	}
	for name, hook := range m.Hooks {
		all[name] = hookText(hook)
	}
	return all
}

// hookText writes a hook so that two that differ read differently: an argument
// with blanks is quoted.
func hookText(hook manifest.Hook) string {
	words := slices.Clone(hook.Run)
	for i, word := range words {
		if word == "" || strings.ContainsAny(word, " \t\n\"") {
			words[i] = strconv.Quote(word)
		}
	}
	text := strings.Join(words, " ")
	if hook.Timeout != manifest.DefaultTimeout {
		text += ", at most " + hook.Timeout.String()
	}
	var platforms []string
	for _, p := range hook.Platforms {
		platforms = append(platforms, p.String())
	}
	if platforms != nil {
		text += ", on " + strings.Join(platforms, " ")
	}
	return text
}

// hookPrograms are the hooks, as "NAME (FILE)", that name a file of the package
// among those given.
func hookPrograms(text []byte, files []FileDiff) []string {
	m, err := manifest.Parse(manifest.Path, text)
	if err != nil {
		return nil
	}
	var all []string
	for _, name := range manifest.HookNames() {
		for _, word := range m.Hooks[name].Run {
			file := strings.TrimPrefix(word, "./")
			if slices.ContainsFunc(files, func(f FileDiff) bool { return f.Path == file }) {
				all = append(all, name+" ("+file+")")
			}
		}
	}
	return all
}

func diffMaps(before, after map[string]string) []Difference {
	var all []Difference
	for name, text := range after {
		if before[name] != text {
			all = append(all, Difference{cut(name), cut(before[name]), cut(text)})
		}
	}
	for name, text := range before {
		if _, kept := after[name]; !kept {
			all = append(all, Difference{Name: cut(name), Before: cut(text)})
		}
	}
	slices.SortFunc(all, func(a, b Difference) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func capped(all []Difference) []Difference { return all[:min(len(all), mostDifferences)] }

// diffFiles compares two lists of files, both sorted by path.
func diffFiles(before, after []archive.Member) FileDiffs {
	var d FileDiffs
	old := map[string]archive.Member{}
	for _, m := range before {
		old[m.Path] = m
	}
	for _, m := range after {
		was, there := old[m.Path]
		delete(old, m.Path)
		switch {
		case !there:
			d.Added = append(d.Added, FileDiff{Path: m.Path, Sizes: Sizes{After: m.Size}})
		case was.SHA256 != m.SHA256 || was.Executable != m.Executable:
			d.Changed = append(d.Changed, FileDiff{Path: m.Path, Sizes: Sizes{was.Size, m.Size}})
		}
	}
	for _, m := range before {
		if _, gone := old[m.Path]; gone {
			d.Removed = append(d.Removed, FileDiff{Path: m.Path, Sizes: Sizes{Before: m.Size}})
		}
	}
	return d
}

// cap shortens the lists and counts what it leaves out.
func (d *FileDiffs) cap() {
	for _, list := range []*[]FileDiff{&d.Added, &d.Removed, &d.Changed} {
		for i := range *list {
			(*list)[i].Path = cut((*list)[i].Path)
		}
		if more := len(*list) - mostDifferences; more > 0 {
			*list = (*list)[:mostDifferences]
			d.More += more
		}
	}
}
