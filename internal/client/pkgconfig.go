package client

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// pkgConfigName is the folder of a generation with the pkg-config files of all
// its packages.
const pkgConfigName = ".pkgconfig"

// maxPkgConfig bounds the bytes of a pkg-config file that is relocated.
const maxPkgConfig = 1 << 20

// relocatePkgConfig copies the pkg-config files of the packages of a generation
// into one folder of it and makes their paths lead to where the packages are.
//
// Such a file names the prefix that the library was built for, "/usr" as a
// rule. pkg-config can replace it (--define-prefix), but only on the command
// line of whoever calls it, and PKG_CONFIG_SYSROOT_DIR knows one prefix for all
// packages. The copies begin with prefix=${pcfiledir}/../NAME instead, so they
// stay right when the project moves. Where two packages have a file of the same
// name, the first by name counts, as in a search path.
func (g Generations) relocatePkgConfig(generation string, ledger *Ledger, store *Store) error {
	target := filepath.Join(generation, pkgConfigName)
	for _, p := range ledger.Packages {
		tree := os.DirFS(g.tree(p, store))
		for _, dir := range pkgConfigDirs(ledger.Platform) {
			names, err := fs.Glob(tree, path.Join(dir, "*.pc"))
			if err != nil {
				return err
			}
			for _, name := range names {
				if err := relocateFile(tree, name, p.Name, target); err != nil {
					return err
				}
			}
		}
	}
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return syncDir(target)
}

func relocateFile(tree fs.FS, name, pkg, target string) error {
	info, err := fs.Stat(tree, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxPkgConfig {
		return err
	}
	data, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	moved := relocated(string(data), tree, name, "${pcfiledir}/../"+filepath.ToSlash(PackagePath(pkg)))
	err = writeNewFile(filepath.Join(target, path.Base(name)), []byte(moved), 0o444)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// prefixLine is the definition of the variable prefix in a pkg-config file.
var prefixLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^([ \t]*prefix[ \t]*=[ \t]*)(\S+)[ \t]*\r?$`) })

// relocated is the text of the pkg-config file called name with its paths
// leading below root, where the package's tree is. Of the absolute paths below
// the old prefix those are changed that the tree has; others are the system's.
func relocated(text string, tree fs.FS, name, root string) string {
	text = strings.ReplaceAll(text, "${pcfiledir}", root+"/"+path.Dir(name))
	m := prefixLine().FindStringSubmatchIndex(text)
	if m == nil || !path.IsAbs(text[m[4]:m[5]]) {
		return text
	}
	old := path.Clean(text[m[4]:m[5]])
	within := prefixOf(name)
	has := func(p string) bool {
		_, err := fs.Stat(tree, path.Join(within, p))
		return err == nil
	}
	return movePaths(text[:m[4]], old, has) + joinPrefix(root, within) + movePaths(text[m[5]:], old, has)
}

func joinPrefix(root, within string) string {
	if within == "." {
		return root
	}
	return root + "/" + within
}

// prefixOf is the folder of the tree that a pkg-config file's prefix means: the
// longest of those laid out like /usr that holds the file.
func prefixOf(name string) string {
	within := "."
	for _, prefix := range prefixes() {
		if strings.HasPrefix(name, prefix+"/") {
			within = prefix
		}
	}
	return within
}

// movePaths writes ${prefix} for old where a path in text begins with it and
// has reports the rest of the path.
func movePaths(text, old string, has func(string) bool) string {
	var b strings.Builder
	for {
		at := strings.Index(text, old)
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		rest := text[at+len(old):]
		end := strings.IndexAny(rest, " \t\r\n\"';:,")
		if end < 0 {
			end = len(rest)
		}
		b.WriteString(text[:at])
		if startsPath(text[:at]) && (end == 0 || rest[0] == '/') && has(rest[:end]) {
			b.WriteString("${prefix}")
		} else {
			b.WriteString(old)
		}
		text = rest
	}
}

// startsPath reports whether a path may begin after text: after the flags
// that take one, or after a character that separates words.
func startsPath(text string) bool {
	if text == "" || strings.ContainsRune(" \t\n=\"':,", rune(text[len(text)-1])) {
		return true
	}
	return strings.HasSuffix(text, "-I") || strings.HasSuffix(text, "-L") || strings.HasSuffix(text, "-isystem")
}
