package archive

import (
	"os"
	"slices"
	"testing"
)

// SelectedPaths returns what a walk chooses but for the manifest, before the
// names are judged.
func SelectedPaths(t *testing.T, root *os.Root) []string {
	t.Helper()
	s := newSelection(root, PackOptions{Limits: DefaultLimits()})
	defer s.sources.close()
	if err := s.walk(nil, nil); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range s.files {
		if f.Path != ManifestPath {
			paths = append(paths, f.Path)
		}
	}
	slices.Sort(paths)
	return paths
}
