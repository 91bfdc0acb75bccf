package manifest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/strictyaml"
)

const full = `name: acme-http
version: "1.4.0-rc.1+build.7"
type: library
description: >-
  An HTTP client
  for small programs.
homepage: https://acme.example.org/http?a=b#top
repository: https://git.example.org/acme/http.git
license: Apache-2.0 OR MIT
authors: [Ann Example <ann@example.org>, The Acme Team]
keywords: [http, client]
platforms: [linux-x86_64, macos-aarch64]
dependencies:
  fmt: "10.2"
  json:
    version: "^3.11"
    registry: corp
    package: acme/nlohmann-json
    optional: true
    features: [diagnostics]
    default-features: false
    platforms: [linux-x86_64]
build-dependencies: {cmake-rules: "~2.1"}
dev-dependencies: {catch2: "*"}
features:
  default: [rich]
  rich: [json, "json/diagnostics"]
  lazy: ["dep:json", "json?/diagnostics"]
external-dependencies: ["apt:libssl-dev>=3", "pip:numpy>=1.2,<3"]
include: ["src/**", "include/**/*.{h,hpp}"]
exclude: ["src/**/*_test.cc"]
allow-secrets: [testdata/dummy.pem]
hooks:
  post-install: {run: [sh, hooks/register.sh], timeout: 90s}
  pre-remove: {run: [hooks/unregister]}
artifacts:
  linux-x86_64: dist/linux/*.so
`

func TestParseReadsEveryKey(t *testing.T) {
	got, err := manifest.Parse("package.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	linux := index.Platform{OS: "linux", Arch: "x86_64"}
	want := &manifest.Manifest{
		Name: "acme-http", Version: "1.4.0-rc.1+build.7", Type: "library",
		Description: "An HTTP client for small programs.",
		Homepage:    "https://acme.example.org/http?a=b#top", Repository: "https://git.example.org/acme/http.git",
		License: "Apache-2.0 OR MIT", Authors: []string{"Ann Example <ann@example.org>", "The Acme Team"},
		Keywords: []string{"http", "client"}, Platforms: []index.Platform{linux, {OS: "macos", Arch: "aarch64"}},
		Dependencies: []manifest.Dependency{
			{Name: "fmt", Req: "10.2", Kind: "normal", Line: 14, Column: 3},
			{
				Name: "json", Req: "^3.11", Registry: "corp", Package: "acme/nlohmann-json", Kind: "normal", Optional: true,
				Features: []string{"diagnostics"}, NoDefaultFeatures: true, Platforms: []index.Platform{linux}, Line: 15, Column: 3,
			},
			{Name: "cmake-rules", Req: "~2.1", Kind: "build", Line: 23, Column: 22},
			{Name: "catch2", Req: "*", Kind: "dev", Line: 24, Column: 20},
		},
		Features: map[string][]string{
			"default": {"rich"}, "rich": {"json", "json/diagnostics"}, "lazy": {"dep:json", "json?/diagnostics"},
		},
		External: []manifest.External{
			{Requirement: external.Requirement{Tool: "apt", Name: "libssl-dev", Constraint: ">=3"}, Line: 29, Column: 25},
			{Requirement: external.Requirement{Tool: "pip", Name: "numpy", Constraint: ">=1.2,<3"}, Line: 29, Column: 46},
		},
		Include: []string{"src/**", "include/**/*.{h,hpp}"}, Exclude: []string{"src/**/*_test.cc"},
		AllowSecrets: []string{"testdata/dummy.pem"},
		Hooks: map[string]manifest.Hook{
			"post-install": {Run: []string{"sh", "hooks/register.sh"}, Timeout: 90 * time.Second},
			"pre-remove":   {Run: []string{"hooks/unregister"}, Timeout: manifest.DefaultTimeout},
		},
		Artifacts: map[string]string{"linux-x86_64": "dist/linux/*.so"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(manifest.Manifest{})); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

func TestEntryIsTheLineWithoutItsArchive(t *testing.T) {
	m, err := manifest.Parse("package.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	got := string(m.Entry().AppendLine(nil))
	const want = `{"name":"acme-http","vers":"1.4.0-rc.1+build.7","deps":[` +
		`{"name":"fmt","req":"^10.2","features":[],"optional":false,"default_features":true,"target":null,"kind":"normal"},` +
		`{"name":"json","req":"^3.11","features":["diagnostics"],"optional":true,"default_features":false,"target":"cfg(all(target_os = \"linux\", target_arch = \"x86_64\"))","kind":"normal","registry":"corp","package":"acme/nlohmann-json"},` +
		`{"name":"cmake-rules","req":"~2.1","features":[],"optional":false,"default_features":true,"target":null,"kind":"build"},` +
		`{"name":"catch2","req":"*","features":[],"optional":false,"default_features":true,"target":null,"kind":"dev"}],` +
		`"cksum":"","features":{"default":["rich"],"rich":["json","json/diagnostics"]},"yanked":false,"v":2,"features2":{"lazy":["dep:json","json?/diagnostics"]},` +
		`"license":"Apache-2.0 OR MIT","description":"An HTTP client for small programs.","keywords":["http","client"],` +
		`"homepage":"https://acme.example.org/http?a=b#top","repository":"https://git.example.org/acme/http.git",` +
		`"authors":["Ann Example <ann@example.org>","The Acme Team"],"platforms":["linux-x86_64","macos-aarch64"],` +
		`"external":["apt:libssl-dev>=3","pip:numpy>=1.2,<3"],` +
		`"hooks":[{"phase":"post-install","run":["sh","hooks/register.sh"],"timeout":90},{"phase":"pre-remove","run":["hooks/unregister"]}],"type":"library"}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestUniversalMeansNoPlatforms(t *testing.T) {
	m, err := manifest.Parse("package.yaml", []byte("platforms: [universal]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if e := m.Entry(); len(m.Platforms) != 1 || e.Platforms != nil {
		t.Errorf("platforms %v, in the line %v", m.Platforms, e.Platforms)
	}
}

func TestConsumerNeedsNothing(t *testing.T) {
	for _, data := range []string{"", "# nothing yet\n", "dependencies:\n"} {
		m, err := manifest.Parse("package.yaml", []byte(data))
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		var problems strictyaml.Problems
		if !errors.As(m.CheckPublishable(), &problems) {
			t.Fatalf("%q is publishable", data)
		}
		const want = "package.yaml:1:1: name: is needed to publish\n  hint: add name: \"the-name\"\n" +
			"package.yaml:1:1: version: is needed to publish\n  hint: add version: \"0.1.0\"\n"
		if diff := cmp.Diff(want, problems.Text()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", data, diff)
		}
	}
	m, err := manifest.Parse("package.yaml", []byte("name: hello\nversion: 1.0.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.CheckPublishable(); err != nil {
		t.Errorf("name and version are not enough: %v", err)
	}
}

func TestProblemPointsAtTheValue(t *testing.T) {
	m, err := manifest.Parse("package.yaml", []byte("name: hello\n\nversion: 1.0.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := m.Problem("version", "tag v1.0.0", "is not the tag").Error()
	if want := "package.yaml:3:10: version: is not the tag"; got != want {
		t.Errorf("Problem = %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", full, "name: [\n", "hooks: {pre-install: {run: }}\n", "features: {a: [a, b/c, dep:d]}\n", "artifacts: {? x}\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Parse("package.yaml", data)
		var problems strictyaml.Problems
		switch {
		case err == nil && m != nil:
			if m.CheckPublishable() != nil {
				return
			}
			line := m.Entry().AppendLine(nil)
			if _, err := index.ParseLine(line); err != nil {
				t.Errorf("the line %s does not parse: %v", line, err)
			}
		case !errors.As(err, &problems) || len(problems) == 0:
			t.Errorf("an error without problems: %v", err)
		}
	})
}
