package client

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestInferNameAndKind(t *testing.T) {
	w := newWorld(t)
	w.write("plain/config.json", "{}")
	w.write("empty/README", "")
	newUpstream(t, filepath.Join(w.dir, "bare.git"))
	for address, want := range map[string]struct {
		name string
		kind RegistryKind
	}{
		"https://github.com/Example/Index":                {"index", KindGit},
		"https://example.org/a/libs.git":                  {"libs", KindGit},
		"https://example.org/a/libs.git/":                 {"libs", KindGit},
		"https://gitea.example.org/a/libs":                {"libs", KindGit},
		"ssh://git@example.org:2222/a/libs":               {"libs", KindGit},
		"git@example.org:a/libs":                          {"libs", KindGit},
		"git+https://example.org/a/libs.git":              {"libs", KindGit},
		"sparse+https://index.example.org/":               {"index.example.org", KindSparse},
		"https://registry.example.org":                    {"registry.example.org", KindAPI},
		"https://registry.example.org/v1/our_x":           {"our_x", KindAPI},
		"file://" + filepath.ToSlash(w.dir) + "/bare.git": {"bare", KindGit},
		"plain":          {"plain", KindDir},
		"./plain/":       {"plain", KindDir},
		"bare.git":       {"bare", KindGit},
		w.dir + "/plain": {"plain", KindDir},
	} {
		l, err := ParseLocation(address, w.dir)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		kind, err := l.InferKind()
		if l.InferName() != want.name || kind != want.kind || err != nil {
			t.Errorf("%s: %q %q %v, want %+v", address, l.InferName(), kind, err, want)
		}
	}
	for _, address := range []string{
		"", "ftp://example.org/x", "https:///x", "file://host/x", "https://a:b@example.org/x", "ext::sh -c x", "https://example.org/\x1b[0m",
	} {
		if _, err := ParseLocation(address, w.dir); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"empty", "nowhere"} {
		l, err := ParseLocation(address, w.dir)
		must(t, err)
		if kind, err := l.InferKind(); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %q %v", address, kind, err)
		}
	}
}

func TestLocationKeys(t *testing.T) {
	same := [][]string{
		{"https://Example.org/a/b.git", "https://example.org:443/a/b", "https://example.org/a/b/", "HTTPS://example.org/a//b.git/", "git+https://example.org/a/b", "registry+https://example.org/a/b"},
		{"git@example.org:a/b.git", "ssh://git@example.org/a/b", "ssh://git@EXAMPLE.org:22/a/b.git"},
		{"/srv/idx.git", "file:///srv/idx", "/srv/x/../idx"},
		{"https://example.org/A/b"},
		{"https://example.org:8443/a/b"},
		{"ssh://example.org/a/b"},
		{"http://localhost/a/b"},
		{"sparse+https://example.org/a/b"},
	}
	seen := map[string]int{}
	for i, group := range same {
		for _, address := range group {
			l, err := ParseLocation(address, "/")
			if err != nil {
				t.Fatal(address, err)
			}
			if at, ok := seen[l.Key()]; ok && at != i {
				t.Errorf("%s is the same as %v", address, same[at])
			}
			seen[l.Key()] = i
		}
	}
	if len(seen) != len(same) {
		t.Errorf("%d keys, want %d: %v", len(seen), len(same), seen)
	}
}

func FuzzParseLocation(f *testing.F) {
	for _, s := range []string{"https://github.com/a/b.git", "git@h:p", "C:\\x", "file:///x", "sparse+https://h/", "./a:b"} {
		f.Add(s)
	}
	base := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLocation(s, base)
		if err != nil {
			return
		}
		again, err := ParseLocation(l.String(), base)
		if err != nil || again.Key() != l.Key() {
			t.Fatalf("%q is written as %q, which reads as %+v %v", s, l.String(), again, err)
		}
		if name := l.InferName(); name != "" && CheckAlias(name) != nil {
			t.Fatalf("%q: bad name %q", s, name)
		}
	})
}

func TestRemoveTakesTheCopyAlong(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"), "hello 1.0.0")
	ctx := t.Context()
	copies := func() int {
		all, err := filepath.Glob(filepath.Join(w.dir, "cache", "clyde", "registries", "up-*", "*.index"))
		must(t, err)
		return len(all)
	}
	for _, scope := range []Scope{ScopeUser, ScopeProject} {
		added, err := w.mustLoad().Add(ctx, AddRegistryOptions{Address: u.path, Dir: w.dir, Scope: scope}, w.access())
		if err != nil || added.Existed || added.Packages != 1 {
			t.Fatalf("%s: %+v %v", scope, added, err)
		}
	}
	if _, err := w.mustLoad().Remove(ctx, ScopeUser, "up", w.access()); err != nil || copies() != 1 {
		t.Errorf("the project still has it: %v, %d copies", err, copies())
	}
	_, err := w.mustLoad().Remove(ctx, ScopeUser, "up", w.access())
	if !errors.Is(err, ErrNotFound) || hintOf(err) != "it is in the project's: use --project" {
		t.Errorf("got %v (%s)", err, hintOf(err))
	}
	if _, err := w.mustLoad().Remove(ctx, ScopeProject, "up", w.access()); err != nil || copies() != 0 {
		t.Errorf("nobody has it: %v, %d copies", err, copies())
	}
}
