package lockfile_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/clydepm/clyde/internal/lockfile"
)

func TestOptionalOf(t *testing.T) {
	lock := &lockfile.Lock{
		Requirements: []lockfile.Requirement{
			{Name: "gtk", Optional: true}, {Name: "qt", Optional: true}, {Name: "acme/ui", Optional: true}, {Name: "fmt"},
		},
		Features: map[string][]string{
			"gui": {"dep:gtk", "wide"}, "wide": {"fmt/wchar", "qt?/wide"}, "scoped": {"acme/ui/dark"}, "round": {"round", "gui"}, "empty": nil,
		},
	}
	for _, test := range []struct{ features, want []string }{
		{nil, nil},
		{[]string{"default"}, nil},
		{[]string{"empty"}, nil},
		{[]string{"wide"}, nil},
		{[]string{"gui"}, []string{"gtk"}},
		{[]string{"round"}, []string{"gtk"}},
		{[]string{"qt"}, []string{"qt"}},
		{[]string{"scoped", "gui"}, []string{"acme/ui", "gtk"}},
	} {
		got, err := lock.OptionalOf(test.features)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q turn on %q, %v; want %q", test.features, got, err, test.want)
		}
	}
	_, err := lock.OptionalOf([]string{"guy"})
	var unknown *lockfile.UnknownFeatureError
	if !errors.As(err, &unknown) || unknown.Hint() != "did you mean gui?" {
		t.Errorf("an unknown feature: %v", err)
	}
}
