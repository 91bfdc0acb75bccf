package process_test

import (
	"slices"
	"testing"

	"github.com/clydepm/clyde/internal/process"
)

func TestEnvironmentsWithoutSecrets(t *testing.T) {
	environ := []string{
		"PATH=/bin", "CLYDE_TOKEN_A_EXAMPLE_ORG=x", "Clyde_Index_Token=x", "CLYDE_KEY_PASSWORD=x", "CLYDE_OFFLINE=true",
		"GITHUB_TOKEN=x", "GITEA_TOKEN=x", "VAULT_TOKEN=x", "BAO_TOKEN=x", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=x",
		"ACTIONS_ID_TOKEN_REQUEST_URL=x", "INPUT_TOKEN=x", "INPUT_INDEX_TOKEN=x", "INPUT_SIGN_KEY=x", "INPUT_SIGN_KEY_PASSWORD=x",
		"GITHUB_TOKENS=2", "EMPTY=",
	}
	before := slices.Clone(environ)
	if got, want := process.WithoutSecrets(environ), []string{"PATH=/bin", "CLYDE_OFFLINE=true", "GITHUB_TOKENS=2", "EMPTY="}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	want := slices.Concat(environ[:1], environ[4:])
	if got := process.WithoutOwnSecrets(environ); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(environ, before) {
		t.Error("the environment that was given has changed")
	}
}
