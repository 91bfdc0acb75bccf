package client

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// soundGeneration installs hello, and tells where it is and what has its files.
func soundGeneration(t *testing.T) (sound func() bool, tree, files string, check func() error) {
	t.Helper()
	store, project := testStore(t), testProject(t)
	ledger := installed(t, store, "hello 1.0.0", "tools/hello 0.1.0")
	must(t, project.apply(t.Context(), change{ledger: ledger}, store, 5))
	g, digest := project.Generations, ledger.Packages[0].Cksum
	sound = func() bool { return g.sound(1, ledger, store) }
	if known := g.knownFiles(1, store); len(known) != 2 || !store.untouched(digest, known[digest]) {
		t.Fatalf("what was just installed is not known to be untouched: %q", known)
	}
	return sound, store.Tree(digest), filepath.Join(g.path(1), filesName), func() error { return store.Check(digest) }
}

// TestSoundFindsWhatCheckFinds: looking at all files by the list of the generation
// misses nothing that looking by the inventories finds.
func TestSoundFindsWhatCheckFinds(t *testing.T) {
	for name, harm := range damage() {
		t.Run(name, func(t *testing.T) {
			sound, tree, _, check := soundGeneration(t)
			if !sound() {
				t.Fatal("what was just installed is not sound")
			}
			unseal(t, tree)
			if !sound() {
				t.Fatal("a tree that can be written to is not sound")
			}
			must(t, harm(tree))
			if sound() || check() == nil {
				t.Errorf("sound says %v, Check %v", sound(), check())
			}
		})
	}
}

// TestSoundWithoutTheList: the list of a generation is no evidence against a
// package, nor for what it leaves out.
func TestSoundWithoutTheList(t *testing.T) {
	change := func(from, to string) func(text string) string {
		return func(text string) string { return strings.Replace(text, from, to, 1) }
	}
	for name, edit := range map[string]func(text string) string{
		"it is as it was":        func(text string) string { return text },
		"it is empty":            func(string) string { return "" },
		"it is cut short":        func(text string) string { return text[:len(text)*2/3] },
		"it is of another form":  change("files 1 ", "files 2 "),
		"it is of another store": change("files 1 ", "files 1 /elsewhere"),
		"a size is another":      change("\nf ", "\nf 1"),
		"a size is no number":    change("\nf ", "\nf x"),
		"a count is too large":   change(" 6\n", " 600\n"),
		"a count is none":        change(" 6\n", " 0\n"),
		"a count is negative":    change(" 6\n", " -6\n"),
		"no digest is known":     func(text string) string { return strings.ReplaceAll(text, "\ntree ", "\ntree 0") },
	} {
		t.Run(name, func(t *testing.T) {
			sound, tree, files, _ := soundGeneration(t)
			text, err := os.ReadFile(files)
			must(t, err)
			changed := edit(string(text))
			if changed == string(text) && name != "it is as it was" {
				t.Fatalf("there is nothing to change in\n%s", text)
			}
			must(t, errors.Join(os.Chmod(files, 0o644), os.WriteFile(files, []byte(changed), 0o644)))
			if !sound() {
				t.Error("the list makes a sound generation unsound")
			}
			unseal(t, tree)
			must(t, os.Truncate(filepath.Join(tree, "include", "hello.h"), 3))
			if sound() {
				t.Error("damage is not found")
			}
		})
	}
}

// TestALinkIsLookedAt: the list is of the store, the links are the generation's.
func TestALinkIsLookedAt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a link needs developer mode")
	}
	sound, tree, files, _ := soundGeneration(t)
	link := filepath.Join(filepath.Dir(files), "hello")
	must(t, errors.Join(os.Remove(link), os.Symlink(filepath.Dir(tree), link)))
	if sound() {
		t.Error("a link that leads elsewhere is not found")
	}
}
