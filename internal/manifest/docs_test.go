package manifest_test

import (
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/manifest"
)

// TestDocumentation: docs/manifest.md has a section for every key, and each of
// its examples is a valid manifest that shows the key.
func TestDocumentation(t *testing.T) {
	text := string(readFile(t, "../../docs/manifest.md"))
	for _, key := range manifest.Keys() {
		_, section, found := strings.Cut(text, "\n### "+key+"\n")
		if !found {
			t.Errorf("no section %q", key)
			continue
		}
		section, _, _ = strings.Cut(section, "\n### ")
		if !strings.Contains(section, "\n"+key+":") {
			t.Errorf("the section %q has no example", key)
		}
	}
	examples := strings.Split(text, "```yaml\n")[1:]
	for _, example := range examples {
		example, _, _ = strings.Cut(example, "```")
		if _, err := manifest.Parse("docs/manifest.md", []byte(example)); err != nil {
			t.Errorf("%v\n%s", err, example)
		}
	}
	if len(examples) < len(manifest.Keys()) {
		t.Errorf("%d examples for %d keys", len(examples), len(manifest.Keys()))
	}
}
