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

// The workflows pin what they use, grant nothing by default, and never check
// out what was proposed.
func TestWorkflows(t *testing.T) {
	files, err := options().Files()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for name, data := range files {
		if !strings.HasPrefix(name, ".github/workflows/") {
			continue
		}
		found++
		text := string(data)
		if !strings.Contains(text, "\npermissions: {}\n") {
			t.Errorf("%s grants permissions to every job", name)
		}
		for line := range strings.Lines(text) {
			if _, action, ok := strings.Cut(line, "uses: "); ok {
				_, pin, _ := strings.Cut(action, "@")
				if len(strings.Fields(pin)[0]) != 40 {
					t.Errorf("%s: %s is not pinned to a commit", name, strings.TrimSpace(action))
				}
			}
			if strings.Contains(line, "ref: ") && strings.Contains(line, ".head.") {
				t.Errorf("%s checks out the proposed change: %s", name, line)
			}
			if strings.Contains(line, "write") {
				t.Errorf("%s asks to write: %s", name, line)
			}
		}
		if _, run, ok := strings.Cut(text, "run: |"); ok && strings.Contains(run, "${{") {
			t.Errorf("%s puts an expression into a script", name)
		}
	}
	if found != 2 {
		t.Errorf("%d workflows", found)
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
