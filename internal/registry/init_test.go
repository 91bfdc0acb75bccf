package registry

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

func options() InitOptions {
	return InitOptions{
		Name: "team", DLBase: "https://example.org/archives", GitHub: true,
		When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Author: "Ann", Email: "ann@example.org",
	}
}

// What a new index says about itself is what holds without saying so.
func TestInitialPolicy(t *testing.T) {
	files, err := options().Files()
	if err != nil {
		t.Fatal(err)
	}
	policy, err := review.ParsePolicy(index.PolicyPath, files[index.PolicyPath])
	if err != nil {
		t.Fatal(err)
	}
	if want := review.DefaultPolicy(); !reflect.DeepEqual(policy, want) {
		t.Errorf("the policy is %+v, the default %+v", policy, want)
	}
	// The commented rules are those that a policy may change, with their
	// defaults.
	for _, rule := range review.Rules() {
		status := rule.Status
		if status == review.Pass {
			status = review.Off
		}
		line := "\n#   " + rule.ID + ": " + status + "\n"
		if strings.Contains(string(files[index.PolicyPath]), line) == rule.Fixed {
			t.Errorf("rule %s: fixed is %v, and policy.yaml does not agree", rule.ID, rule.Fixed)
		}
	}
}

// The example of an owners file is one.
func TestOwnersExample(t *testing.T) {
	files, err := options().Files()
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(files["owners/README.md"]), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	owners, err := review.ParseOwners("owners/he/ll/hello.yaml", []byte(example))
	if err != nil || len(owners.Publishers) != 1 || len(owners.Reviewers) != 2 {
		t.Errorf("got %+v, %v", owners, err)
	}
}

// What a host gets is a change that an index allows, and nothing of it is left
// unrendered. Package arch holds the workflows to its rules.
func TestHostFiles(t *testing.T) {
	o := options()
	o.Gitea = true
	files, err := o.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if strings.Contains(string(data), "[[") {
			t.Errorf("%s has a marker left", name)
		}
		if name == "owners/README.md" {
			continue
		}
		if _, v := index.Classify([]index.FileChange{{Path: name, After: &index.Blob{Mode: 0o644, Data: data}}}); len(v) > 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
	for _, host := range []string{".github", ".gitea"} {
		for _, name := range []string{"workflows/validate.yml", "workflows/merge.yml", "workflows/harvest.yml", "workflows/check.yml", "ISSUE_TEMPLATE/register.yml", "PULL_REQUEST_TEMPLATE.md"} {
			if files[host+"/"+name] == nil {
				t.Errorf("there is no %s/%s", host, name)
			}
		}
	}
}

func TestNameFrom(t *testing.T) {
	for address, want := range map[string]string{
		"registry.git": "registry", "/srv/My Packages.git": "my-packages", "git@example.org:team/packages.git": "packages",
		"https://example.org/team/index/": "index", "example.org:packages": "packages",
	} {
		if got := NameFrom(address); got != want {
			t.Errorf("NameFrom(%q) = %q, want %q", address, got, want)
		}
	}
}
