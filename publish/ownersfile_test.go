package publish

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/review"
)

const annotated = `# Who may publish hello.
publishers:
  # The project itself.
  - repository: https://github.com/ann/hello # moved in 2025
    repository-id: 1
    owner-id: 2

    workflow: .github/workflows/release.yml # the only one

  # The mirror.
  - {repository: https://github.com/ann/mirror, repository-id: 3}

# Ask on the list first.
reviewers:
  - ann  # on leave
  - bob
`

// TestOwnersAreEditedInPlace changes one thing after the other and looks for
// what nobody asked to change.
func TestOwnersAreEditedInPlace(t *testing.T) {
	mirror := func(o *review.Owners) *review.Publisher { return &o.Publishers[1] }
	for name, c := range map[string]struct {
		change   func(*review.Owners)
		old, new string // what is replaced in the text
	}{
		"a reviewer more": {func(o *review.Owners) { o.Reviewers = append(o.Reviewers, "true") }, "  - bob\n", "  - bob\n  - \"true\"\n"},
		"a reviewer less": {func(o *review.Owners) { o.Reviewers = []string{"bob"} }, "  - ann  # on leave\n", ""},
		"a publisher more": {
			func(o *review.Owners) {
				o.Publishers = append(o.Publishers, review.Publisher{Key: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
			},
			"repository-id: 3}\n", "repository-id: 3}\n  - key: \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"\n",
		},
		"a publisher less": {func(o *review.Owners) { o.Publishers = o.Publishers[:1] }, "  - {repository: https://github.com/ann/mirror, repository-id: 3}\n", ""},
		"another workflow": {
			func(o *review.Owners) { o.Publishers[0].Workflow = ".github/workflows/ship.yml" },
			"release.yml # the only one", "ship.yml # the only one",
		},
		"a workflow less": {func(o *review.Owners) { o.Publishers[0].Workflow = "" }, "    workflow: .github/workflows/release.yml # the only one\n", ""},
		"tags": {
			func(o *review.Owners) { o.Publishers[0].Tags = []string{"v{version}", "release-*"} },
			"# the only one\n", "# the only one\n    tags: [\"v{version}\", \"release-*\"]\n",
		},
		"an end of what is in one line": {
			func(o *review.Owners) { mirror(o).Until = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
			"  - {repository: https://github.com/ann/mirror, repository-id: 3}\n",
			"  - repository: https://github.com/ann/mirror\n    repository-id: 3\n    until: \"2026-01-02T03:04:05Z\"\n",
		},
		"a reusable workflow": {
			func(o *review.Owners) {
				o.Publishers[0].Signer, o.Publishers[0].SignerRefs = "https://github.com/acme/actions/.github/workflows/publish.yml", []string{"refs/tags/v1"}
			},
			"# the only one\n", "# the only one\n    signer: {workflow: https://github.com/acme/actions/.github/workflows/publish.yml, refs: [refs/tags/v1]}\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.Replace(annotated, c.old, c.new, 1)
			if got := edited(t, annotated, c.change); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// edited applies a change to the text of an owners file.
func edited(t *testing.T, text string, change func(*review.Owners)) string {
	t.Helper()
	parse := func(text string) *review.Owners {
		o, err := review.ParseOwners("owners.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return o
	}
	want := parse(text)
	change(want)
	after, err := editOwners("owners.yaml", []byte(text), parse(text), want)
	if err != nil {
		t.Fatal(err)
	}
	if got := parse(string(after)); !reflect.DeepEqual(got, want) {
		t.Errorf("the text means %+v, want %+v", got, want)
	}
	return string(after)
}

// TestOwnersOfAnyShapeAreEdited writes in other ways what an owners file may say.
func TestOwnersOfAnyShapeAreEdited(t *testing.T) {
	shapes := map[string]string{
		"one line":           `{publishers: [{repository: "https://github.com/ann/hello"}], reviewers: [ann]}`,
		"lists in lines":     "publishers: [{repository: \"https://github.com/ann/hello\"}]\nreviewers: [ann,\n  bob] # both\n",
		"reviewers first":    "reviewers: [ann]\npublishers:\n- repository: https://github.com/ann/hello\n",
		"reviewers alone":    "reviewers: [ann]\n",
		"publishers alone":   "publishers:\n    -   repository: https://github.com/ann/hello\n        tags:\n            - v*\n            - w*\n",
		"no newline at last": "publishers:\n- repository: https://github.com/ann/hello",
		"quoted keys":        "\"publishers\":\n- \"repository\": 'https://github.com/ann/hello'\n",
		"a document marker":  "---\nreviewers:\n- ann\n",
	}
	changes := map[string]func(*review.Owners){
		"reviewer": func(o *review.Owners) { o.Reviewers = append(o.Reviewers, "carl", "123") },
		"publisher": func(o *review.Owners) {
			o.Publishers = append(o.Publishers, review.Publisher{Repository: "https://github.com/carl/hello", RepositoryID: 9})
		},
		"settings": func(o *review.Owners) {
			for i := range o.Publishers {
				o.Publishers[i].Tags, o.Publishers[i].Runner = []string{"v1.*"}, "self-hosted"
				o.Publishers[i].Until = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		},
		"only one": func(o *review.Owners) {
			o.Reviewers, o.Publishers = nil, []review.Publisher{{Key: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}}
		},
	}
	for shape, text := range shapes {
		for name, change := range changes {
			t.Run(shape+", "+name, func(t *testing.T) { edited(t, text, change) })
		}
	}
}
