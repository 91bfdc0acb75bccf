package process

import (
	"slices"
	"strings"
)

// Secret reports whether clyde takes a secret from the variable of that name: a
// token of a host, of the index, or of the machine that publishes, or the password
// of a key. Case makes no difference, as on Windows.
func Secret(name string) bool {
	name = strings.ToUpper(name)
	if own(name) {
		return true
	}
	switch name {
	case "GITHUB_TOKEN", "GITEA_TOKEN", "VAULT_TOKEN", "BAO_TOKEN",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
		"INPUT_TOKEN", "INPUT_INDEX_TOKEN", "INPUT_SIGN_KEY", "INPUT_SIGN_KEY_PASSWORD":
		return true
	}
	return false
}

// own reports whether a secret is for clyde alone, and not one that others use too.
func own(name string) bool {
	return strings.HasPrefix(name, "CLYDE_TOKEN_") || name == "CLYDE_INDEX_TOKEN" || name == "CLYDE_KEY_PASSWORD"
}

// WithoutSecrets is an environment, in the form of [os.Environ], without every
// [Secret].
func WithoutSecrets(environ []string) []string { return without(environ, Secret) }

// WithoutOwnSecrets is an environment without the secrets that are for clyde alone.
// It is for git, ssh and helpers that find credentials: a token of theirs, such as
// GITHUB_TOKEN for that of gh, may be how they log in.
func WithoutOwnSecrets(environ []string) []string {
	return without(environ, func(name string) bool { return own(strings.ToUpper(name)) })
}

func without(environ []string, drop func(name string) bool) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return drop(name)
	})
}
