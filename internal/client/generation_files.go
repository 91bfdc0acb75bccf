package client

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// filesName is the file in a generation that has, in one place, the kinds, sizes
// and times of all files that the generation leads to in the store. With it an
// installation with nothing to do reads one file instead of one for each package.
//
// It says nothing that the inventories in the store do not say, and no package is
// at fault because of it: what is not as it has it is held against its inventory.
// So a generation without it is as good, and one that is out of date is not
// damaged. Its lines are
//
//	files 1 STORE          the store's folder
//	tree DIGEST COUNT      an entry of the store; as many lines follow
//	KIND SIZE TIME PATH    below the entry: f a file, x one to run, d a folder
//
// with times in nanoseconds since 1970, and the sizes of folders 0.
const filesName = ".files"

// Kinds of files in the lines of filesName.
const (
	plainFile      = 'f'
	executableFile = 'x'
	plainFolder    = 'd'
)

// fileFacts is what one look at a file tells, without reading it.
type fileFacts struct {
	kind     byte // 0 for what is none of the kinds
	size     int64
	modified int64
}

// filesOf is the content of filesName. Packages with copies of their own are left
// out, for hooks may still write in them, and so is what an inventory of an older
// clyde says too little of.
func filesOf(ledger *Ledger, store *Store) []byte {
	b := fmt.Appendf(nil, "files 1 %s\n", store.dir)
	for _, p := range ledger.Packages {
		if p.owns() {
			continue
		}
		name := filepath.Join(store.entry(p.Cksum), inventoryName)
		info, err := os.Lstat(name)
		if err != nil {
			continue
		}
		inv, err := readInventory(name)
		if err != nil || !inv.fitsLines() {
			continue
		}
		b = fmt.Appendf(b, "tree %s %d\n", p.Cksum, 1+len(inv.Folders)+len(inv.Files))
		b = appendFacts(b, inventoryName, fileFacts{plainFile, info.Size(), info.ModTime().UnixNano()})
		for _, f := range inv.Folders {
			b = appendFacts(b, strings.TrimSuffix("tree/"+f.Path, "/."), fileFacts{plainFolder, 0, f.Modified.UnixNano()})
		}
		for _, f := range inv.Files {
			kind := byte(plainFile)
			if f.Executable && runtime.GOOS != "windows" {
				kind = executableFile
			}
			b = appendFacts(b, "tree/"+f.Path, fileFacts{kind, f.Size, f.Modified.UnixNano()})
		}
	}
	return b
}

// fitsLines reports whether the lines of filesName can say what an inventory says.
func (inv *inventory) fitsLines() bool {
	for _, f := range inv.Files {
		if f.Link != "" || strings.Contains(f.Path, "\n") {
			return false
		}
	}
	return len(inv.Folders) > 0
}

func appendFacts(b []byte, path string, f fileFacts) []byte {
	b = append(b, f.kind, ' ')
	b = strconv.AppendInt(b, f.size, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, f.modified, 10)
	b = append(b, ' ')
	b = append(b, path...)
	return append(b, '\n')
}

// knownFiles gives the lines that filesName of generation n has of each entry of
// the store, by digest.
func (g Generations) knownFiles(n int, store *Store) map[string][]string {
	data, err := readBounded(filepath.Join(g.path(n), filesName), maxInventory)
	if err != nil {
		return nil
	}
	header, rest, _ := bytes.Cut(data, []byte("\n"))
	if string(header) != "files 1 "+store.dir {
		return nil
	}
	lines := strings.Split(string(rest), "\n")
	known := make(map[string][]string)
	for len(lines) > 1 {
		digest, count, _ := strings.Cut(strings.TrimPrefix(lines[0], "tree "), " ")
		of, err := strconv.Atoi(count)
		if err != nil || of < 1 || of >= len(lines) {
			return nil
		}
		known[digest], lines = lines[1:1+of], lines[1+of:]
	}
	return known
}

// untouched reports whether an entry of the store is as the lines of filesName have
// it: nothing was put in, taken out or written to since.
func (s *Store) untouched(digest string, lines []string) bool {
	entry, err := openFolder(s.entry(digest))
	if err != nil {
		return false
	}
	defer entry.close()
	for _, line := range lines {
		path, want, ok := parseFacts(line)
		if have, err := entry.look(path); !ok || err != nil || have != want {
			return false
		}
	}
	return len(lines) > 0
}

func parseFacts(line string) (path string, f fileFacts, ok bool) {
	kind, rest, _ := strings.Cut(line, " ")
	size, rest, _ := strings.Cut(rest, " ")
	modified, path, ok := strings.Cut(rest, " ")
	if !ok || len(kind) != 1 {
		return "", f, false
	}
	f.kind = kind[0]
	var err error
	if f.size, err = strconv.ParseInt(size, 10, 64); err != nil {
		return "", f, false
	}
	f.modified, err = strconv.ParseInt(modified, 10, 64)
	return path, f, err == nil
}
