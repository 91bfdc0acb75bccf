package client

import "testing"

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
