package git

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// CheckURL reports whether address may be a remote: a path, or a URL with the
// scheme file, https or ssh, or the short form user@host:path of ssh. Plain
// http is for this machine only, since an index says what code is installed.
// Everything else is refused, such as git's "ext::" that runs a program, and
// hosts, users and paths that a program could take for an option. The error is
// [ErrURL].
func CheckURL(address string) error {
	_, err := endpoint(address)
	return err
}

// endpoint is the address in the form go-git's transports take.
func endpoint(address string) (*transport.Endpoint, error) {
	refuse := func(detail, remedy string) error {
		return &Error{Op: "use", Name: strconv.Quote(Redact(address)), Kind: ErrURL, Err: errors.New(detail), Remedy: remedy}
	}
	switch {
	case address == "":
		return nil, refuse("it is empty", "")
	case len(address) > 4096 || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, refuse("it is too long or has control characters", "")
	case helperForm(address):
		return nil, refuse("the form \"helper::address\" runs a program", "use https:// or ssh://")
	case IsPath(address):
		path, err := filepath.Abs(address)
		if err != nil {
			return nil, refuse(err.Error(), "")
		}
		return &transport.Endpoint{Protocol: "file", Path: path}, nil
	case !strings.Contains(address, "://"):
		return sshShortForm(address, refuse)
	}
	if rest, ok := cutPrefixFold(address, "file://"); ok {
		return fileEndpoint(rest, refuse)
	}
	return urlEndpoint(address, refuse)
}

// urlEndpoint reads a URL with a host.
func urlEndpoint(address string, refuse func(detail, remedy string) error) (*transport.Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, refuse("it is not a URL", "")
	}
	ep := &transport.Endpoint{Protocol: strings.ToLower(u.Scheme), Host: u.Hostname(), Path: u.Path}
	if strings.Contains(ep.Host, ":") {
		ep.Host = "[" + ep.Host + "]"
	}
	if p := u.Port(); p != "" {
		if ep.Port, err = strconv.Atoi(p); err != nil || ep.Port < 1 || ep.Port > 65535 {
			return nil, refuse("the port is not a number from 1 to 65535", "")
		}
	}
	if u.User != nil {
		ep.User = u.User.Username()
		ep.Password, _ = u.User.Password()
	}
	switch {
	case ep.Protocol == "ssh" && ep.User == "":
		ep.User = "git"
	case ep.Protocol == "ssh", ep.Protocol == "https", ep.Protocol == "http" && isLoopback(ep.Host):
	case ep.Protocol == "http":
		return nil, refuse("plain http can be changed on the way", "use https://")
	default:
		return nil, refuse("the scheme \""+ep.Protocol+"\" is not supported", "use https://, ssh:// or file://")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, refuse("it has a query or a fragment", "")
	}
	return ep, checkParts(ep, refuse)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// fileEndpoint reads what follows "file://" as git does: percent signs escape,
// "?" and "#" do not end the path.
func fileEndpoint(rest string, refuse func(detail, remedy string) error) (*transport.Endpoint, error) {
	host, path, slash := strings.Cut(rest, "/")
	if host != "" && host != "localhost" || !slash {
		return nil, refuse("a file URL has no host", "write file:///folder/index.git with three slashes")
	}
	path, err := url.PathUnescape(path)
	if err != nil || strings.ContainsRune(path, 0) {
		return nil, refuse("the path is not escaped as in a URL", "write %25 for a percent sign")
	}
	if filepath.VolumeName(filepath.FromSlash(path)) == "" {
		path = "/" + path
	}
	return &transport.Endpoint{Protocol: "file", Path: filepath.FromSlash(path)}, nil
}

// checkParts refuses parts of a remote address that a program on either side
// could take for an option.
func checkParts(ep *transport.Endpoint, refuse func(detail, remedy string) error) error {
	switch {
	case ep.Host == "":
		return refuse("it has no host", "")
	case strings.HasPrefix(ep.Host, "-"), strings.HasPrefix(ep.User, "-"),
		strings.HasPrefix(strings.TrimPrefix(ep.Path, "/"), "-"):
		return refuse("a part of it starts with \"-\" and looks like an option", "")
	case strings.Trim(ep.Path, "/") == "":
		return refuse("it names no repository", "")
	}
	return nil
}

// helperForm is git's "helper::address".
func helperForm(address string) bool {
	helper, _, ok := strings.Cut(address, "::")
	return ok && !strings.ContainsAny(helper, "/\\[")
}

// IsPath reports whether the address is a path: it has no scheme, and no colon
// before its first separator but that of a Windows drive.
func IsPath(address string) bool {
	if strings.Contains(address, "://") {
		return false
	}
	if filepath.VolumeName(address) != "" {
		return true
	}
	first, _, _ := strings.Cut(address, "/")
	return !strings.Contains(first, ":")
}

// shortForm is [user@]host:path; an IPv6 host is in brackets.
var shortForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:([^@:/\[\]]+)@)?(\[[0-9A-Fa-f:.]+\]|[^@:/\[\]]+):(.+)$`)
})

func sshShortForm(address string, refuse func(detail, remedy string) error) (*transport.Endpoint, error) {
	m := shortForm().FindStringSubmatch(address)
	if m == nil {
		return nil, refuse("it is neither a path nor a URL", "use https://, ssh:// or file://")
	}
	ep := &transport.Endpoint{Protocol: "ssh", User: m[1], Host: m[2], Port: 22, Path: m[3]}
	if ep.User == "" {
		ep.User = "git"
	}
	return ep, checkParts(ep, refuse)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// isLocal reports whether the address is on this machine's file system.
func isLocal(address string) bool {
	ep, err := endpoint(address)
	return err == nil && ep.Protocol == "file"
}

// Redact is an address without the password in it, for messages and logs.
func Redact(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	authority, path, slash := strings.Cut(rest, "/")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return address
	}
	user, _, hasPassword := strings.Cut(authority[:at], ":")
	if hasPassword {
		user += ":***"
	} else if strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http") {
		user = "***" // a token is often given as the user
	}
	redacted := scheme + "://" + user + authority[at:]
	if slash {
		redacted += "/" + path
	}
	return redacted
}

// redactedError is a cause whose text may hold the address with its password.
type redactedError struct {
	text string
	err  error
}

func (e redactedError) Error() string { return e.text }
func (e redactedError) Unwrap() error { return e.err }

// redactError leaves out the address of a request, too, which is said beside it.
func redactError(address string, err error) error {
	text := err.Error()
	if failed, ok := errors.AsType[*url.Error](err); ok {
		text = strings.Replace(text, failed.Error(), failed.Err.Error(), 1)
	}
	text = strings.ReplaceAll(text, address, Redact(address))
	if ep, epErr := endpoint(address); epErr == nil && ep.Password != "" {
		text = strings.ReplaceAll(text, ep.Password, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(ep.Password), "***")
		text = strings.ReplaceAll(text, url.PathEscape(ep.Password), "***")
	}
	if text == err.Error() {
		return err
	}
	return redactedError{text, err}
}
