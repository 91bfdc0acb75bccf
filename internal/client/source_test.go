package client

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

var _ interface {
	resolve.Source
	resolve.Suggester
} = (*Source)(nil)

func sourceWorld(t *testing.T) (*Source, *Registries) {
	w := newWorld(t)
	newUpstream(t, filepath.Join(w.dir, "one.git"), "hello 1.0.0")
	w.write("config/clyde/config.yaml", "registries:\n  - name: one\n    url: "+w.dir+"/one.git\n  - name: gone\n    url: "+w.dir+"/gone\n")
	set, err := OpenRegistries(w.mustLoad(), w.access())
	must(t, err)
	t.Cleanup(func() { set.Close() })
	return set.Source(), set
}

func TestSourceTellsAbsentPackageFromAbsentRegistry(t *testing.T) {
	source, _ := sourceWorld(t)
	ctx := t.Context()
	if _, err := source.Versions(ctx, resolve.Package{Registry: "one", Name: "nothing"}); !errors.Is(err, resolve.ErrNotFound) {
		t.Errorf("absent package: %v", err)
	}
	if _, err := source.Versions(ctx, resolve.Package{Registry: "gone", Name: "hello"}); err == nil || errors.Is(err, resolve.ErrNotFound) {
		t.Errorf("absent registry: %v", err)
	}
	if near := source.Nearest(ctx, resolve.Package{Registry: "one", Name: "helo"}); len(near) != 1 || near[0] != "hello" {
		t.Errorf("nearest: %v", near)
	}
}

func TestSourceExplainsAnUnknownRegistry(t *testing.T) {
	w := newWorld(t)
	u := newUpstream(t, filepath.Join(w.dir, "one.git"))
	e := index.Entry{Name: "app", Vers: "1.0.0", Cksum: strings.Repeat("0", 64), Deps: []index.Dependency{
		{Name: "inner", Req: "^1", DefaultFeatures: true, Kind: index.KindNormal, Registry: "https://corp.example.org/index.git"},
	}}
	u.commit(map[string]string{"3/a/app": string(e.AppendLine(nil)) + "\n"})
	w.write("config/clyde/config.yaml", "registries:\n  - name: one\n    url: "+u.path+"\n")
	set, err := OpenRegistries(w.mustLoad(), w.access())
	must(t, err)
	defer set.Close()
	req, err := index.ParseRequirement("^1")
	must(t, err)
	source := set.Source()
	_, err = resolve.Resolve(t.Context(), source, resolve.Options{Dependencies: []resolve.Dependency{
		{Package: resolve.Package{Registry: "one", Name: "app"}, Req: req, DefaultFeatures: true},
	}})
	err = source.Explain(err)
	if !strings.Contains(hintOf(err), "clyde registry add https://corp.example.org/index.git") {
		t.Errorf("got %v (%s)", err, hintOf(err))
	}
}

func TestLocateKeepsPinsAndLocks(t *testing.T) {
	_, set := sourceWorld(t)
	ctx := t.Context()
	for _, test := range []struct{ pin, locked, want string }{
		{"gone", "", "gone"},
		{set.All()[1].Config().URL, "", "gone"},
		{"", set.All()[0].Config().URL, "one"},
		{"gone", set.All()[0].Config().URL, "gone"},
	} {
		r, err := set.Locate(ctx, "hello", test.pin, test.locked)
		if err != nil || r.Config().Name != test.want {
			t.Errorf("%+v: %v %v", test, r, err)
		}
	}
	if _, err := set.Locate(ctx, "hello", "https://x.example.org/i.git", ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown pin: %v", err)
	}
}
