// Package plugin finds the programs that add to clyde.
//
// A program called clyde-NAME in a folder of PATH adds the command NAME, and one
// called clyde-installer-NAME adds the package type NAME. A name is written in
// lower-case letters, digits and '-', begins with a letter and has at most 32
// bytes; a program with another name is none of clyde's. Of two programs with one
// name that of the earlier folder counts, as for a shell.
//
// A folder of PATH that is empty or relative is passed over: it would run what
// lies in the folder in which somebody works, such as a project that was cloned.
package plugin

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Kind is what a program adds.
type Kind string

// What a program can add.
const (
	Command   Kind = "command"
	Installer Kind = "installer" // a package type
)

// prefix begins the names of the programs of a kind.
func (k Kind) prefix() string {
	if k == Installer {
		return "clyde-installer-"
	}
	return "clyde-"
}

// ProgramName is what a program that adds NAME is called.
func (k Kind) ProgramName(name string) string { return k.prefix() + name }

// Program is a program that adds to clyde.
type Program struct {
	Kind Kind
	Name string // of what it adds
	Path string // absolute
}

// Search says where programs are looked for.
type Search struct {
	Path    string // folders, as in PATH
	PathExt string // endings of programs on Windows, as in PATHEXT
}

// SearchOf is the search of an environment.
func SearchOf(getenv func(string) string) Search {
	return Search{Path: getenv("PATH"), PathExt: getenv("PATHEXT")}
}

// All lists the programs of a kind by name. A folder that cannot be read has
// none.
func (s Search) All(kind Kind) []Program {
	found := map[string]bool{}
	var all []Program
	for _, dir := range s.folders() {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			p, ok := s.program(dir, entry.Name())
			if ok && p.Kind == kind && !found[p.Name] && isExecutable(p.Path) {
				found[p.Name] = true
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Lookup finds the program that adds name; false when there is none.
func (s Search) Lookup(kind Kind, name string) (Program, bool) {
	for _, p := range s.All(kind) {
		if p.Name == name {
			return p, true
		}
	}
	return Program{}, false
}

// At is the program in the file at path, by its name; false when its name is not
// that of a program that adds to clyde, or it cannot be executed.
func (s Search) At(path string) (Program, bool) {
	p, ok := s.program(filepath.Dir(path), filepath.Base(path))
	return p, ok && isExecutable(path)
}

func (s Search) folders() []string {
	return slices.DeleteFunc(filepath.SplitList(s.Path), func(dir string) bool { return !filepath.IsAbs(dir) })
}

// program reads the name of a file.
func (s Search) program(dir, file string) (Program, bool) {
	name, ok := s.withoutEnding(file)
	if !ok {
		return Program{}, false
	}
	p := Program{Kind: Installer, Path: filepath.Join(dir, file)}
	if p.Name, ok = strings.CutPrefix(name, Installer.prefix()); !ok {
		p.Kind = Command
		p.Name, ok = strings.CutPrefix(name, Command.prefix())
	}
	return p, ok && ValidName(p.Name)
}

// withoutEnding takes off the ending by which Windows knows programs; false for
// a file that is none there.
func (s Search) withoutEnding(file string) (string, bool) {
	if runtime.GOOS != "windows" {
		return file, true
	}
	endings := s.PathExt
	if endings == "" {
		endings = ".COM;.EXE;.BAT;.CMD"
	}
	ending := filepath.Ext(file)
	known := slices.ContainsFunc(strings.Split(endings, ";"), func(e string) bool { return e != "" && strings.EqualFold(e, ending) })
	return strings.ToLower(strings.TrimSuffix(file, ending)), known
}

// ValidName reports whether name can be that of a command or a package type.
func ValidName(name string) bool {
	if name == "" || len(name) > 32 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
}
