package archive_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/clydepm/clyde/internal/archive"
)

// random stands for the part of a token that is different each time. Tokens are
// put together here so that this file holds none.
const random = "aB3dE5gH7jK9mN2pQ4sT6vW8yZ0bC1fG3iJ5lM7oP9rS2uV4xY6"

func pem(label string) string {
	return "-----BEGIN " + label + "-----\n" + random + "\n" + random + "\n-----END " + label + "-----\n"
}

func TestSelectRefusesSecrets(t *testing.T) {
	const key, token, env, credentials, store = "secret-private-key", "secret-token", "secret-environment", "secret-credentials", "secret-key-store"
	tests := []struct{ path, content, want string }{
		{"server.pem", pem("PRIVATE KEY"), key},
		{"server.key", pem("RSA PRIVATE KEY"), key},
		{"any", "text before\r\n" + strings.ReplaceAll(pem("EC PRIVATE KEY"), "\n", "\r\n"), key},
		{"host", pem("OPENSSH PRIVATE KEY"), key},
		{"enc", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n" + random + "\n", key},
		{"pgp", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + random + "\n", key},
		{"account.json", `{"private_key": "-----BEGIN PRIVATE KEY-----\n` + random + `\n-----END PRIVATE KEY-----\n"}`, key},
		{"session", "PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 2\nPrivate-Lines: 1\n" + random, key},
		{"id_rsa", "", key},
		{"keys/id_ed25519", "", key},
		{"late", strings.Repeat("filler text\n", 60_000) + pem("PRIVATE KEY"), key},
		{".env", "A=b", env},
		{"app/.env.production", "A=b", env},
		{".envrc", "", env},
		{".netrc", "", credentials},
		{".aws/credentials", "", credentials},
		{".docker/config.json", "{}", credentials},
		{".npmrc", "//registry.example.org/:_authToken=abc123\n", credentials},
		{".pypirc", "[pypi]\nusername = x\npassword = hunter2\n", credentials},
		{"release.p12", "", store},
		{"release.ppk", "", store},
		{"a.txt", "token: gh" + "p_" + random[:36], token},
		{"a.txt", "github_" + "pat_" + random + random, token},
		{"a.txt", `key = "AK` + `IA` + "QX7LZ2M4KT9PW3RB" + `"`, token},
		{"a.txt", "np" + "m_" + random[:36], token},
		{"a.txt", "xo" + "xb-" + random, token},
		{"a.txt", "gl" + "pat-" + random[:20], token},
		{"a.bin", "\x00\x01gh" + "s_" + random[:36] + "\x00", token},
		{"edge", strings.Repeat("-", 256<<10-10) + "gh" + "o_" + random[:36], token},

		{"code.go", `const header = "-----BEGIN PRIVATE KEY-----"`, ""},
		{"cert.pem", pem("CERTIFICATE"), ""},
		{"public.pem", pem("PUBLIC KEY"), ""},
		{"id_rsa.pub", "ssh-rsa AAAA", ""},
		{".env.example", "A=", ""},
		{"environment", "", ""},
		{".npmrc", "//registry.example.org/:_authToken=${NPM_TOKEN}\nsave-exact=true\n", ""},
		{".pypirc", "[distutils]\nindex-servers = pypi\n", ""},
		{"docs.md", "export TOKEN=ghp_" + strings.Repeat("x", 36), ""},
		{"docs.md", "AK" + "IAIOSFODNN7EXAMPLE", ""},
		{"words.txt", "xAK" + "IAQX7LZ2M4KT9PW3RB npm_config_registry ghp_short", ""},
	}
	for _, tt := range tests {
		root := writeTree(t, map[string]string{archive.ManifestPath: manifest, tt.path: tt.content})
		if tt.want == "" {
			if _, err := archive.Select(root, options(nil)); err != nil {
				t.Errorf("%s: %v, want no refusal", tt.path, err)
			}
			continue
		}
		if diff := cmp.Diff([]string{tt.path + " " + tt.want}, refusals(t, root, options(nil))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.path, diff)
		}
		allow := options(func(o *archive.PackOptions) { o.AllowSecrets = []string{tt.path} })
		if _, err := archive.Select(root, allow); err != nil {
			t.Errorf("%s is refused although it is allowed: %v", tt.path, err)
		}
	}
}
