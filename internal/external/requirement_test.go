package external_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/external"
)

func TestParseRequirement(t *testing.T) {
	linux, mac := index.Platform{OS: "linux", Arch: "x86_64"}, index.Platform{OS: "macos", Arch: "aarch64"}
	tests := []struct {
		text, base string
		want       external.Requirement
	}{
		{"apt:libfoo-dev", "libfoo-dev", external.Requirement{Tool: "apt", Name: "libfoo-dev"}},
		{"apt:libfoo-dev>=1:1.2~rc1+b2", "libfoo-dev", external.Requirement{Tool: "apt", Name: "libfoo-dev", Constraint: ">=1:1.2~rc1+b2"}},
		{"apt:g++:i386<<12", "g++", external.Requirement{Tool: "apt", Name: "g++:i386", Constraint: "<<12"}},
		{"brew:owner/tap/formula@1.2", "formula@1.2", external.Requirement{Tool: "brew", Name: "owner/tap/formula@1.2"}},
		{"brew:openssl@3; macos-aarch64, linux-x86_64", "openssl@3", external.Requirement{Tool: "brew", Name: "openssl@3", Platforms: []index.Platform{mac, linux}}},
		{"conda:conda-forge::numpy>=1.2,<2", "numpy", external.Requirement{Tool: "conda", Name: "conda-forge::numpy", Constraint: ">=1.2,<2"}},
		{"docker:registry.example.org:5000/team/image:17", "registry.example.org:5000/team/image:17", external.Requirement{Tool: "docker", Name: "registry.example.org:5000/team/image:17"}},
		{"npm:@scope/name@^5", "@scope/name", external.Requirement{Tool: "npm", Name: "@scope/name", Constraint: "^5"}},
		{"npm:typescript", "typescript", external.Requirement{Tool: "npm", Name: "typescript"}},
		{"pip:uvicorn[standard]~=0.30", "uvicorn", external.Requirement{Tool: "pip", Name: "uvicorn[standard]", Constraint: "~=0.30"}},
		{"dnf:openssl-devel>=3", "openssl-devel", external.Requirement{Tool: "dnf", Name: "openssl-devel", Constraint: ">=3"}},
		{"generic:cmake>=3.20", "cmake", external.Requirement{Tool: "generic", Name: "cmake", Constraint: ">=3.20"}},
	}
	for _, test := range tests {
		got, err := external.ParseRequirement(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.text, diff)
		}
		if got.String() != test.text || got.Base() != test.base {
			t.Errorf("%s is written %s, base %s", test.text, got, got.Base())
		}
	}
}

func TestParseRequirementRefuses(t *testing.T) {
	for _, text := range []string{
		"", "apt", "apt:", ":x", "Apt:x", "apt:-x", "apt:--option", "apt:x y", "apt:x;y", "apt:x$(y)", "apt:x>=-1", "apt:x\n",
		"npm:-g", "npm:x@", "npm:x@-1", "pip:--index-url", "pip:x>=", "docker:-v", "conda:x>=1 ", "brew:x>=1", "dnf:-y", "dnf:x,y", "a b:x",
		"apt:x; ", "apt:x; universal", "apt:x; linux", "apt:x; linux-x86_64,macos-x86_64", "apt:x; linux-x86_64, linux-x86_64",
	} {
		r, err := external.ParseRequirement(text)
		var syntax *external.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q is accepted as %+v", text, r)
		}
	}
}

func FuzzParseRequirement(f *testing.F) {
	for _, seed := range []string{"apt:libfoo-dev>=1.2", "npm:@s/n@^5", "brew:openssl@3; macos-aarch64", "pip:a[b]>=1,<2", "docker:x:1/y", "conda:c::d=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := external.ParseRequirement(text)
		if err != nil {
			return
		}
		if again, err := external.ParseRequirement(r.String()); err != nil || r.String() != text || !cmp.Equal(r, again) {
			t.Fatalf("%q is %+v, which is %q, which is %+v, %v", text, r, r, again, err)
		}
		for _, argument := range []string{r.Name, r.Base(), r.Spec()} {
			if argument == "" || argument[0] == '-' {
				t.Fatalf("%q gives the argument %q", text, argument)
			}
		}
	})
}
