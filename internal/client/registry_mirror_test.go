package client

import (
	"errors"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/strictyaml"
)

func TestMirrorsSubstitute(t *testing.T) {
	rules := Mirrors{
		{From: "https://packages.example.org/a", To: "https://mirror.example.net/x/"},
		{From: "https://packages.example.org/a/deep/", To: "file:///srv/mirror"},
		{From: "https://packages.example.org/a", To: "https://weaker.example.net/"},
		{From: "https://whole.example.org", To: "http://127.0.0.1:8080"},
	}
	for address, want := range map[string]string{
		"https://packages.example.org/a/b.tar.gz":         "https://mirror.example.net/x/b.tar.gz",
		"https://Packages.Example.org:443/a/b.tar.gz?x=1": "https://mirror.example.net/x/b.tar.gz?x=1",
		"https://packages.example.org/a":                  "https://mirror.example.net/x",
		"https://packages.example.org/ab/c":               "https://packages.example.org/ab/c", // another element
		"https://packages.example.org/a/deep/c%20d?x=1":   "file:///srv/mirror/c%20d",          // the longer one; a file has no query
		"http://packages.example.org/a/b":                 "http://packages.example.org/a/b",   // another scheme
		"https://packages.example.org:8443/a/b":           "https://packages.example.org:8443/a/b",
		"https://whole.example.org/x/y":                   "http://127.0.0.1:8080/x/y",
		"https://elsewhere.example.org/":                  "https://elsewhere.example.org/",
	} {
		if got := rules.Substitute(address); got != want {
			t.Errorf("%s: asked %s, want %s", address, got, want)
		}
	}
}

func TestProjectCannotRedirectWhatOthersDemand(t *testing.T) {
	const claims = `registries: [{name: corp, url: "sparse+https://corp.example.org/index/", claims: ["acme-*"]}]`
	const verified = `registries: [{name: corp, url: "git+https://corp.example.org/acme/index.git", verify: require}]`
	mirror := func(from string) string { return `mirrors: [{from: "` + from + `", to: "https://evil.example.net/"}]` }
	for _, test := range []struct{ name, user, project, want string }{
		{"its host", claims, mirror("https://corp.example.org/"), `config.yaml:1:1: mirrors: the mirror of https://corp.example.org/ would redirect the registry "corp", which claims names (`},
		{"the registry", claims, mirror("https://CORP.example.org:443/index"), `which claims names`},
		{"a part of it", claims, mirror("https://corp.example.org/index/ac"), `which claims names`},
		{"one to be verified", verified, mirror("https://corp.example.org/acme"), `which has to be verified`},
		{"a folder", `registries: [{name: corp, url: /srv/index, claims: ["acme-*"]}]`, mirror("file:///srv"), `which claims names`},
		{"hidden by the project's entry", claims, `registries: [{name: mine, url: "sparse+https://corp.example.org/index/"}]` + "\n" + mirror("https://corp.example.org/"), `which claims names`},
		{"beside it", claims, mirror("https://corp.example.org/indexes"), ""},
		{"another host", claims, mirror("https://archives.example.org/"), ""},
		{"one that nobody demands anything of", `registries: [{name: corp, url: "sparse+https://corp.example.org/index/", verify: off}]`, mirror("https://corp.example.org/"), ""},
		{"its user's own", claims + "\n" + mirror("https://corp.example.org/"), "", ""},
		{"the project's own claim", "", claims + "\n" + mirror("https://corp.example.org/"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.write("config/clyde/config.yaml", test.user)
			w.write("project/.clyde/config.yaml", test.project)
			_, err := w.load()
			var problems strictyaml.Problems
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (!errors.As(err, &problems) || !strings.Contains(problems.Text(), test.want)):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
