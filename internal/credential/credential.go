package credential

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"github.com/clydepm/clyde/internal/forge"
)

// The kinds of errors; test with errors.Is.
var (
	// ErrRefused: a file that others can read, or a token that cannot be one.
	ErrRefused = errors.New("refused")
	// ErrNotFound: there is no credential.
	ErrNotFound = errors.New("no credential")
	// ErrUsage: what was asked makes no sense.
	ErrUsage = errors.New("not a host")
)

// Error is a failure with its kind and a remedy. It holds no secret.
type Error struct {
	Kind    error // one of the Err values of this package, nil for any other
	Message string
	Remedy  string
	Err     error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Hint is the remedy, or "".
func (e *Error) Hint() string { return e.Remedy }

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Secret is a token or a password. It prints as a placeholder.
type Secret struct{ text string }

const (
	placeholder = "(hidden)"
	maxSecret   = 16 << 10 // a signed token with many claims has some kilobytes
)

// NewSecret takes a token as it was typed or stored. The error is [ErrRefused]
// when it could not be sent in a header.
func NewSecret(text string) (Secret, error) {
	remedy := "give the token alone, on one line"
	switch {
	case text == "":
		return Secret{}, &Error{Kind: ErrRefused, Message: "the token is empty", Remedy: remedy}
	case len(text) > maxSecret:
		return Secret{}, &Error{Kind: ErrRefused, Message: fmt.Sprintf("the token has more than %d bytes", maxSecret), Remedy: remedy}
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return Secret{}, &Error{Kind: ErrRefused, Message: "the token has characters that no header holds", Remedy: remedy}
	case strings.TrimSpace(text) != text:
		return Secret{}, &Error{Kind: ErrRefused, Message: "the token begins or ends with a space", Remedy: remedy}
	}
	return Secret{text}, nil
}

// Reveal is the secret itself.
func (s Secret) Reveal() string { return s.text }

// Format writes a placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, placeholder) }

// String is a placeholder.
func (s Secret) String() string { return placeholder }

// MarshalText gives a placeholder to encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// Credential is what a host is told, and where that came from.
type Credential struct {
	User   string // "" for a token alone
	Secret Secret
	Source Source
	Place  string // the variable, file or command; "" for the keyring
}

// Source is where a credential comes from.
type Source string

// The sources, in their order.
const (
	Environment Source = "environment"
	Keyring     Source = "keyring"
	File        Source = "file"
	Command     Source = "helper"
	Netrc       Source = "netrc"
)

// form is a way to put a credential into a header.
type form int

const (
	usual form = iota
	bearer
	basic
	bare // Cargo's
)

// header is the value of the header Authorization.
func (c Credential) header(f form) string {
	scheme, _, written := strings.Cut(c.Secret.text, " ")
	switch {
	case written && knownScheme(scheme), f == bare:
		return c.Secret.text
	case f == basic, f == usual && c.User != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.GitUser()+":"+c.Secret.text))
	}
	return "Bearer " + c.Secret.text
}

// knownScheme reports whether a token that begins so is a whole header.
func knownScheme(scheme string) bool {
	switch strings.ToLower(scheme) {
	case "basic", "bearer", "token":
		return true
	}
	return false
}

// GitUser is the user name where one has to be given: with a token the usual
// hosts do not look at it.
func (c Credential) GitUser() string {
	if c.User == "" {
		return "x-access-token"
	}
	return c.User
}

// Host is what a credential belongs to: the host of a URL in lower case, with its
// port unless that is 443.
type Host string

// ParseHost reads a host as a person gives it: a name or address with or without
// a port, or a URL. The error is [ErrUsage].
func ParseHost(text string) (Host, error) {
	refuse := func(detail string) (Host, error) {
		return "", &Error{Kind: ErrUsage, Message: fmt.Sprintf("%q is not a host: %s", display(text), detail), Remedy: `write a name such as "registry.example.org", with a port if it is not 443`}
	}
	address := strings.TrimPrefix(text, "sparse+")
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return refuse("it cannot be read")
	case u.User != nil:
		return refuse("it holds a user or a password")
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("credentials are for https")
	case !strings.Contains(text, "://") && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != ""):
		return refuse("it is more than a host")
	}
	host := HostOf(u)
	if host == "" {
		return refuse("it is empty or has characters that no host has")
	}
	return host, nil
}

// display is the text without what may be a password.
func display(text string) string {
	before, after, found := strings.Cut(text, "@")
	if !found {
		return text
	}
	if i := strings.Index(before, "://"); i >= 0 {
		return before[:i+3] + "..." + "@" + after
	}
	return "...@" + after
}

// HostOf is the host that a URL leads to, "" when it leads to none.
func HostOf(u *url.URL) Host {
	name, port := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), u.Port()
	if net.ParseIP(name) == nil {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil && !plainHost(name) { // such as one with an underscore
			return ""
		}
		if err == nil {
			name = ascii
		}
	}
	if name == "" {
		return ""
	}
	if port == "" && u.Scheme == "http" {
		port = "80"
	}
	switch {
	case port != "" && port != "443":
		return Host(net.JoinHostPort(name, port))
	case strings.Contains(name, ":"):
		return Host("[" + name + "]")
	}
	return Host(name)
}

func plainHost(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
	})
}

// name is the host without its port.
func (h Host) name() string {
	return (&url.URL{Host: string(h)}).Hostname()
}

// May reports whether a credential may be sent with a request to the URL.
func May(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && forge.Loopback(u.Hostname())
}
