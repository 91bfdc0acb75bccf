package forge_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/clydepm/clyde/internal/forge"
)

// TestErrorsNameAnAddressOnce leaves out the URL of a request, and no host.
func TestErrorsNameAnAddressOnce(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "https://git.example.org/api/v1/repos/ann/hello", Err: errors.New("connection refused")}
	for op, want := range map[string]string{
		"read https://git.example.org/ann/hello": "read https://git.example.org/ann/hello: connection refused",
		"find the release v1 of ann/hello":       "find the release v1 of ann/hello: git.example.org: connection refused",
	} {
		err := &forge.Error{Kind: forge.ErrNetwork, Op: op, Err: refused}
		if err.Error() != want || !errors.Is(err, forge.ErrNetwork) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
