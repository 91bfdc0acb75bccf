package archive

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Rules of the selection.
const (
	RuleLinkOutside   = "archive/link-outside"
	RuleLinkDangling  = "archive/link-dangling"
	RuleLinkDirectory = "archive/link-directory"
	RuleLinkPrivate   = "archive/link-private"
	RuleSpecial       = "archive/special-file"
	RulePattern       = "archive/pattern"
	RuleInclude       = "archive/include-missing"
	RuleEmpty         = "archive/empty"
	RuleManifest      = "archive/manifest-missing"
	RuleFiles         = "archive/too-many-files"
	RuleSize          = "archive/too-large"
	RuleFileSize      = "archive/file-too-large"
	RuleRatio         = "archive/ratio"
)

// PackOptions say what to pack. Name and Version must be those of the manifest.
// The patterns are explained in the package comment.
type PackOptions struct {
	Name, Version                  string
	Include, Exclude, AllowSecrets []string
	Limits                         Limits
}

// File is one file of a selection.
type File struct {
	Path       string // below the archive's top folder, slash-separated
	Source     string // where it is read, relative to the root; differs from Path for a link
	Size       int64
	Executable bool
}

// Select returns the files of the tree below root that belong in the package,
// sorted by Path. The error is a *RefusedError that holds all refusals, or the
// error of reading the tree.
func Select(root *os.Root, opts PackOptions) ([]File, error) {
	opts.Limits = opts.Limits.orDefault()
	s := newSelection(root, opts)
	defer s.sources.close()
	s.opts.Include = s.patterns("include", opts.Include)
	s.opts.Exclude = s.patterns("exclude", opts.Exclude)
	s.opts.AllowSecrets = s.patterns("allow-secrets", opts.AllowSecrets)
	if err := s.walk(nil, nil); err != nil {
		return nil, err
	}
	slices.SortFunc(s.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	s.checkWhole()
	if len(s.refusals) > 0 {
		slices.SortStableFunc(s.refusals, func(a, b Refusal) int { return cmp.Compare(a.Path, b.Path) })
		return nil, &RefusedError{Refusals: s.refusals}
	}
	return s.files, nil
}

// selection is the state of one walk.
type selection struct {
	root     *os.Root
	sources  *nearby
	buffer   []byte // of scanFile
	opts     PackOptions
	files    []File
	others   int // files left out that are not private
	refusals []Refusal
}

func newSelection(root *os.Root, opts PackOptions) *selection {
	return &selection{root: root, sources: &nearby{root: root}, buffer: make([]byte, scanBlock+scanOverlap), opts: opts}
}

func (s *selection) refuse(path, rule, detail, hint string) {
	s.refusals = append(s.refusals, Refusal{Path: path, Rule: rule, Detail: detail, Hint: hint})
}

// patterns returns the patterns in the form that covers matches, and refuses
// the malformed ones.
func (s *selection) patterns(field string, patterns []string) []string {
	var valid []string
	for _, p := range patterns {
		trimmed := strings.Trim(strings.TrimPrefix(p, "./"), "/")
		if trimmed == "" || !doublestar.ValidatePattern(trimmed) {
			s.refuse("", RulePattern, fmt.Sprintf("%s: %q is not a pattern", field, p), `write a path or a pattern such as "docs/**/*.md"`)
			continue
		}
		valid = append(valid, trimmed)
	}
	return valid
}

// covers reports whether a pattern matches the path or a folder above it.
func covers(pattern, name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if doublestar.MatchUnvalidated(pattern, name) {
			return true
		}
	}
	return false
}

func anyCovers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) })
}

// walk visits a folder. Rules are those of the ignore files above it.
func (s *selection) walk(folder []string, rules []ignoreRule) error {
	entries, err := readDir(s.root, folder)
	if err != nil {
		return err
	}
	if len(s.opts.Include) == 0 {
		own, err := readIgnoreFile(s.root, folder, entries)
		if err != nil {
			return err
		}
		rules = slices.Concat(rules, own)
	}
	for _, entry := range entries {
		where := append(slices.Clip(folder), entry.Name())
		if err := s.visit(where, entry, rules); err != nil {
			return err
		}
	}
	return nil
}

func (s *selection) visit(where []string, entry fs.DirEntry, rules []ignoreRule) error {
	name := strings.Join(where, "/")
	manifest := name == ManifestPath
	holdsManifest := name == path.Dir(ManifestPath) && entry.IsDir()
	switch {
	case s.private(name):
		return nil
	case manifest:
		return s.take(name, entry)
	case anyCovers(s.opts.Exclude, name), ignored(rules, where, entry.IsDir()):
		s.others++
		if holdsManifest {
			return s.takeManifest()
		}
		return nil
	case entry.IsDir():
		return s.walk(where, rules)
	case len(s.opts.Include) > 0 && !anyCovers(s.opts.Include, name):
		s.others++
		return nil
	}
	return s.take(name, entry)
}

// takeManifest packs the manifest of a .clyde folder that is left out itself.
func (s *selection) takeManifest() error {
	info, err := s.root.Lstat(ManifestPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.take(ManifestPath, fs.FileInfoToDirEntry(info))
}

// private reports whether a path is never packed.
func (s *selection) private(name string) bool {
	top, rest, below := strings.Cut(name, "/")
	if strings.EqualFold(top, ".clyde") && below {
		return name != ManifestPath && rest != "hooks" && !strings.HasPrefix(rest, "hooks/")
	}
	if !below && isOwnArchive(name, s.opts.Name) {
		return true
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.EqualFold(part, ".git") {
			return true
		}
	}
	unfinished, _ := path.Match(TempPattern, path.Base(name))
	return unfinished
}

// TempPattern is the pattern of os.CreateTemp for an archive that is being
// written. Select leaves out what a killed run left behind.
const TempPattern = ".clyde-pack-*.tmp"

// isOwnArchive reports whether a file of the top folder is an archive that an
// earlier run of "clyde pack" left there.
func isOwnArchive(file, name string) bool {
	version, ok := strings.CutPrefix(file, Folder(name, ""))
	if !ok || name == "" {
		return false
	}
	version, ok = strings.CutSuffix(version, ".tar.gz")
	return ok && version != "" && '0' <= version[0] && version[0] <= '9'
}

// take adds a file to the selection or says why it may not be added.
func (s *selection) take(name string, entry fs.DirEntry) error {
	faults := checkPortable(name, s.opts.Limits)
	s.refusals = append(s.refusals, faults...)
	info, err := entry.Info()
	if err != nil {
		return err
	}
	source := name
	if info.Mode()&fs.ModeSymlink != 0 {
		if source, info, err = s.follow(name); err != nil || info == nil {
			return err
		}
	}
	if !info.Mode().IsRegular() {
		s.refuse(name, RuleSpecial, "is a "+kind(info.Mode())+", not a file", "exclude it")
		return nil
	}
	if info.Size() > s.opts.Limits.FileSize {
		s.refuse(name, RuleFileSize, fmt.Sprintf("has %d bytes, more than %d", info.Size(), s.opts.Limits.FileSize), "exclude it, or publish it elsewhere and name it under artifacts")
		return nil
	}
	found, head, err := scanFile(s.sources, name, source, s.buffer)
	if err != nil {
		return err
	}
	if len(found) > 0 && !anyCovers(s.opts.AllowSecrets, name) {
		s.refusals = append(s.refusals, found...)
	}
	s.files = append(s.files, File{Path: name, Source: source, Size: info.Size(), Executable: executable(runtime.GOOS, info.Mode(), head)})
	return nil
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// checkWhole judges the sorted selection as a whole.
func (s *selection) checkWhole() {
	s.refusals = append(s.refusals, checkSet(s.files, s.opts.Limits)...)
	for _, p := range s.opts.Include {
		if !hasMeta(p) && !slices.ContainsFunc(s.files, func(f File) bool { return covers(p, f.Path) }) {
			s.refuse("", RuleInclude, fmt.Sprintf("include names %q, which is not there or is left out", p), "correct the path under include, or remove it")
		}
	}
	hasManifest := slices.ContainsFunc(s.files, func(f File) bool { return f.Path == ManifestPath })
	switch {
	case len(s.refusals) > 0:
	case !hasManifest:
		s.refuse("", RuleManifest, "there is no "+ManifestPath, `run "clyde init"`)
	case len(s.files) == 1 && s.others > 0:
		s.refuse("", RuleEmpty, "no file but the manifest is selected", "look at include, exclude and .gitignore")
	}
}

// Join returns the files of several selections of one tree, sorted and each
// once. The error is a *RefusedError when together they are past the limits or
// collide.
func Join(limits Limits, selections ...[]File) ([]File, error) {
	files := slices.Concat(selections...)
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	files = slices.CompactFunc(files, func(a, b File) bool { return a.Path == b.Path })
	if refusals := checkSet(files, limits.orDefault()); len(refusals) > 0 {
		return nil, &RefusedError{Refusals: refusals}
	}
	return files, nil
}

// checkSet finds what is wrong with sorted files as a set.
func checkSet(files []File, limits Limits) []Refusal {
	var refusals []Refusal
	var total int64
	set := newPathSet()
	for _, f := range files {
		total += f.Size
		if rule, other := set.add(f.Path, true); rule != "" {
			refusals = append(refusals, Refusal{f.Path, rule, "some systems cannot tell it from " + display(other), "rename one of the two or exclude it"})
		}
	}
	if len(files) > limits.Files {
		refusals = append(refusals, Refusal{"", RuleFiles, fmt.Sprintf("%d files, more than %d", len(files), limits.Files), "exclude what users do not need"})
	}
	if total > limits.Size {
		refusals = append(refusals, Refusal{"", RuleSize, fmt.Sprintf("%d bytes in all files, more than %d", total, limits.Size), "exclude what users do not need"})
	}
	return refusals
}

func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[{\`) }

// follow resolves a symbolic link step by step within the root. The info is nil
// when the link was refused.
func (s *selection) follow(link string) (target string, info fs.FileInfo, err error) {
	const most = 40 // as Linux does
	pending, current, hint := strings.Split(link, "/"), ".", "replace the link by the file, or exclude it"
	for links := 0; len(pending) > 0; {
		part := pending[0]
		pending = pending[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if current == "." {
				s.refuse(link, RuleLinkOutside, "the link leads out of the package", hint)
				return "", nil, nil
			}
			current = path.Dir(current)
			continue
		}
		next := path.Join(current, part)
		info, err = s.root.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			s.refuse(link, RuleLinkDangling, fmt.Sprintf("the link leads to %s, which is not there", display(next)), hint)
			return "", nil, nil
		}
		if err != nil {
			return "", nil, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			current = next
			continue
		}
		if links++; links > most {
			s.refuse(link, RuleLinkDangling, "the link leads to itself", hint)
			return "", nil, nil
		}
		to, err := s.root.Readlink(next)
		if err != nil {
			return "", nil, err
		}
		if isAbsolute(to) {
			s.refuse(link, RuleLinkOutside, "the link is absolute", "make it relative, replace it by the file, or exclude it")
			return "", nil, nil
		}
		pending = append(splitLink(to), pending...)
	}
	return s.followed(link, current)
}

// followed judges what a link leads to.
func (s *selection) followed(link, target string) (string, fs.FileInfo, error) {
	if target != ManifestPath && s.private(target) {
		s.refuse(link, RuleLinkPrivate, fmt.Sprintf("the link leads to %s, which is never packed", display(target)), "remove or exclude the link")
		return "", nil, nil
	}
	info, err := s.root.Lstat(target)
	if err != nil {
		return "", nil, err
	}
	if info.IsDir() {
		s.refuse(link, RuleLinkDirectory, fmt.Sprintf("the link leads to the folder %s", display(target)), "replace the link by the folder, or exclude it")
		return "", nil, nil
	}
	return target, info, nil
}

// readDir lists a folder, sorted by name so that refusals come in a fixed order.
func readDir(root *os.Root, folder []string) ([]fs.DirEntry, error) {
	f, err := root.Open(rooted(folder...))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, err
}

// readIgnoreFile reads the folder's own .gitignore. Like git, it does not follow
// one that is a link.
func readIgnoreFile(root *os.Root, folder []string, entries []fs.DirEntry) ([]ignoreRule, error) {
	has := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".gitignore" && e.Type().IsRegular() })
	if !has {
		return nil, nil
	}
	name := rooted(append(slices.Clip(folder), ".gitignore")...)
	data, err := readLimited(root, name, maxIgnoreFile)
	if err != nil {
		return nil, err
	}
	return parseIgnore(string(data), folder), nil
}
