package archive

import (
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
)

// Rules of secrets.
const (
	RuleSecretKey         = "archive/secret-private-key"
	RuleSecretToken       = "archive/secret-token"
	RuleSecretEnvironment = "archive/secret-environment"
	RuleSecretCredentials = "archive/secret-credentials"
	RuleSecretKeyStore    = "archive/secret-key-store"
)

const secretHint = "remove it and revoke the secret if it was ever shared; if it is harmless, name the file under allow-secrets"

const (
	scanBlock   = 256 << 10
	scanOverlap = 4 << 10 // longer than anything that is looked for
	headLength  = 16
)

// scanFile looks for secrets in a file's name, in the name of the file that it
// links to, and in its content. It also returns the first bytes. The buffer, which
// holds scanBlock+scanOverlap bytes, is overwritten.
func scanFile(sources *nearby, name, source string, buffer []byte) (found []Refusal, head []byte, err error) {
	f, err := sources.open(source)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	rules := map[string]string{}
	for _, n := range []string{name, source} {
		if rule, detail := secretName(n); rule != "" {
			rules[rule] = detail
		}
	}
	buf := buffer[:0]
	for {
		n, err := io.ReadFull(f, buf[len(buf):len(buf)+scanBlock])
		buf = buf[:len(buf)+n]
		if head == nil {
			head = bytes.Clone(buf[:min(len(buf), headLength)])
		}
		for _, s := range secretsIn(path.Base(source), buf) {
			rules[s.rule] = s.detail
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		keep := buf[len(buf)-min(len(buf), scanOverlap):]
		buf = buf[:copy(buf, keep)]
	}
	for _, rule := range []string{RuleSecretKey, RuleSecretToken, RuleSecretEnvironment, RuleSecretCredentials, RuleSecretKeyStore} {
		if detail, ok := rules[rule]; ok {
			found = append(found, Refusal{Path: name, Rule: rule, Detail: detail, Hint: secretHint})
		}
	}
	return found, head, nil
}

// secretName judges a file by its path alone.
func secretName(name string) (rule, detail string) {
	base := strings.ToLower(path.Base(name))
	folder := strings.ToLower(path.Base(path.Dir(name)))
	switch base {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk":
		return RuleSecretKey, "is named like an SSH private key"
	case ".netrc", "_netrc", ".pgpass", ".git-credentials", ".htpasswd", ".dockercfg", ".vault-token":
		return RuleSecretCredentials, "is named like a file of credentials"
	case ".env", ".envrc":
		return RuleSecretEnvironment, "is named like a file of secret settings"
	}
	switch folder + "/" + base {
	case ".aws/credentials", ".docker/config.json", ".kube/config", ".cargo/credentials.toml", ".cargo/credentials", ".gem/credentials":
		return RuleSecretCredentials, "is named like a file of credentials"
	}
	if suffix, ok := strings.CutPrefix(base, ".env."); ok && !isSample(suffix) {
		return RuleSecretEnvironment, "is named like a file of secret settings"
	}
	switch path.Ext(base) {
	case ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk":
		return RuleSecretKeyStore, "is named like a store of private keys"
	}
	return "", ""
}

// isSample reports whether the suffix of a .env file marks a sample to copy.
func isSample(suffix string) bool {
	switch suffix {
	case "example", "sample", "template", "dist", "defaults":
		return true
	}
	return false
}

type secret struct{ rule, detail string }

// secretsIn finds the secrets in a piece of a file. It looks for fixed markers
// first, which is fast, and then at what follows them.
func secretsIn(base string, data []byte) []secret {
	var found []secret
	if hasPrivateKey(data) {
		found = append(found, secret{RuleSecretKey, "holds a private key"})
	}
	if name := tokenIn(data); name != "" {
		found = append(found, secret{RuleSecretToken, "holds what looks like " + name})
	}
	if hasPassword(base, data) {
		found = append(found, secret{RuleSecretCredentials, "holds a password or token"})
	}
	return found
}

// hasPrivateKey finds private keys in PEM (RFC 7468, also within a JSON string),
// OpenSSH's and PuTTY's form. The marker alone, as programs that handle keys
// have it, is not a key: key material has to follow.
func hasPrivateKey(data []byte) bool {
	for rest := data; ; {
		_, after, ok := bytes.Cut(rest, []byte("-----BEGIN "))
		if !ok {
			break
		}
		label, body, ok := bytes.Cut(after[:min(len(after), scanOverlap/2)], []byte("-----"))
		if ok && len(label) < 64 && (bytes.HasSuffix(label, []byte("PRIVATE KEY")) || bytes.HasSuffix(label, []byte("PRIVATE KEY BLOCK"))) && hasKeyMaterial(body) {
			return true
		}
		rest = after
	}
	i := bytes.Index(data, []byte("PuTTY-User-Key-File-"))
	return i >= 0 && bytes.Contains(data[i:], []byte("Private-Lines:"))
}

// hasKeyMaterial reports whether some line, be it ended by a line feed or by an
// escaped one, is base64 of a key's length.
func hasKeyMaterial(body []byte) bool {
	const shortest = 40 // an Ed25519 key in PKCS #8 has 64
	text := strings.NewReplacer(`\r`, "\n", `\n`, "\n", "\r", "\n", `"`, "\n", "'", "\n").Replace(string(body))
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "-----") {
			return false
		}
		if n := span(line, isBase64); n >= shortest && n == len(line) && varied(line) {
			return true
		}
	}
	return false
}

// tokenForm is what a vendor's tokens look like: a fixed prefix, then at least
// length characters of a set.
type tokenForm struct {
	prefix, name string
	length       int
	set          func(byte) bool
}

func tokenForms() []tokenForm {
	return []tokenForm{
		{"ghp_", "a GitHub token", 36, isAlphanumeric},
		{"gho_", "a GitHub token", 36, isAlphanumeric},
		{"ghu_", "a GitHub token", 36, isAlphanumeric},
		{"ghs_", "a GitHub token", 36, isAlphanumeric},
		{"ghr_", "a GitHub token", 36, isAlphanumeric},
		{"github_pat_", "a GitHub token", 60, isWord},
		{"glpat-", "a GitLab token", 20, isWordOrDash},
		{"AKIA", "an AWS access key", 16, isUpperOrDigit},
		{"ASIA", "an AWS access key", 16, isUpperOrDigit},
		{"npm_", "an npm token", 36, isAlphanumeric},
		{"pypi-AgEIcHlwaS5vcmc", "a PyPI token", 50, isWordOrDash},
		{"cio", "a crates.io token", 32, isAlphanumeric},
		{"xoxb-", "a Slack token", 20, isWordOrDash},
		{"xoxp-", "a Slack token", 20, isWordOrDash},
		{"xoxa-", "a Slack token", 20, isWordOrDash},
		{"xoxr-", "a Slack token", 20, isWordOrDash},
		{"xoxs-", "a Slack token", 20, isWordOrDash},
		{"sk_live_", "a Stripe key", 24, isAlphanumeric},
		{"rk_live_", "a Stripe key", 24, isAlphanumeric},
		{"AIza", "a Google API key", 35, isWordOrDash},
		{"dckr_pat_", "a Docker token", 27, isWordOrDash},
		{"hf_", "a Hugging Face token", 34, isAlphanumeric},
		{"rubygems_", "a RubyGems key", 48, isAlphanumeric},
	}
}

// tokenIn names the first token in the data, or returns "".
func tokenIn(data []byte) string {
	for _, form := range tokenForms() {
		for at := 0; ; {
			i := bytes.Index(data[at:], []byte(form.prefix))
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(form.prefix)
			if start > 0 && isWord(data[start-1]) {
				continue
			}
			if form.matches(data[at:]) {
				return form.name
			}
		}
	}
	return ""
}

// matches judges what follows the prefix. AWS and crates.io keys have one length;
// placeholders such as xxxx or EXAMPLE are no secret.
func (f tokenForm) matches(rest []byte) bool {
	token := string(rest[:min(len(rest), 255)])
	token = token[:span(token, f.set)]
	exact := f.prefix == "AKIA" || f.prefix == "ASIA" || f.prefix == "cio" || f.prefix == "AIza"
	if len(token) < f.length || exact && len(token) != f.length {
		return false
	}
	return varied(token) && !strings.HasSuffix(token, "EXAMPLE")
}

// hasPassword finds passwords in the settings of package tools. Values that
// name an environment variable are no secret.
func hasPassword(base string, data []byte) bool {
	var keys []string
	switch strings.ToLower(base) {
	case ".npmrc", ".yarnrc", ".yarnrc.yml":
		keys = []string{"_authToken", "_password", "_auth", "npmAuthToken"}
	case ".pypirc", "pip.conf", "pip.ini":
		keys = []string{"password"}
	default:
		return false
	}
	for line := range strings.Lines(string(data)) {
		for _, key := range keys {
			_, value, _ := strings.Cut(line, key)
			value = strings.TrimLeft(value, " \t\"'")
			if !strings.HasPrefix(value, "=") && !strings.HasPrefix(value, ":") {
				continue
			}
			value = strings.Trim(value, " \t\r\n=:\"'")
			if value != "" && !strings.ContainsRune("$%<", rune(value[0])) {
				return true
			}
		}
	}
	return false
}

// span returns the length of the longest prefix made of a set of bytes.
func span(s string, set func(byte) bool) int {
	i := 0
	for i < len(s) && set(s[i]) {
		i++
	}
	return i
}

// varied reports whether a string has as many different characters as something
// random of its length does.
func varied(s string) bool {
	var seen [256]bool
	distinct := 0
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			distinct++
		}
	}
	return distinct >= 8
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
func isUpperOrDigit(c byte) bool { return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' }
func isWord(c byte) bool         { return c == '_' || isAlphanumeric(c) }
func isWordOrDash(c byte) bool   { return c == '-' || isWord(c) }
func isBase64(c byte) bool       { return c == '+' || c == '/' || c == '=' || isAlphanumeric(c) }
