package credential

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// NetrcFile is where netrc is: the file that NETRC names, or else the one in the
// user's home, which Windows also calls "_netrc".
func NetrcFile(getenv func(string) string, goos string) string {
	if name := getenv("NETRC"); name != "" {
		return name
	}
	home := getenv("HOME")
	if goos == "windows" {
		home = getenv("USERPROFILE")
	}
	if home == "" {
		return ""
	}
	name := filepath.Join(home, ".netrc")
	if _, _, err := readPrivate(name); goos == "windows" && errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(home, "_netrc")
	}
	return name
}

// fromNetrc looks for a machine of the host's name; "default" is for all others
// and not looked at, since nobody wrote it with this program in mind.
func (f *Finder) fromNetrc(h Host) (Credential, bool, error) {
	data, others, err := readPrivate(f.opts.Netrc)
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, false, nil
	}
	if err != nil {
		return Credential{}, false, &Error{Message: f.opts.Netrc + " cannot be read", Err: err}
	}
	machine, ok := parseNetrc(string(data), h)
	switch {
	case !ok || machine.password == "":
		return Credential{}, false, nil
	case others:
		return Credential{}, false, exposed(f.opts.Netrc)
	}
	secret, err := NewSecret(machine.password)
	if err != nil {
		return Credential{}, false, &Error{Kind: ErrRefused, Message: "the password of " + string(h) + " in " + f.opts.Netrc, Err: err}
	}
	return Credential{User: machine.login, Secret: secret, Source: Netrc, Place: f.opts.Netrc}, true, nil
}

// machine is an entry of netrc.
type machine struct{ login, password string }

// parseNetrc finds the first machine of a host. The format is that of ftp(1) as
// curl reads it: words between white space, in double quotes where they hold
// some, with backslashes before what would end them; "#" begins a comment at the
// beginning of a word; a macro ends with an empty line. It has no ports, so a
// machine without one is for all of them.
func parseNetrc(text string, h Host) (found machine, ok bool) {
	words := netrcWords(text)
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch words[i] {
		case "machine":
			if ok {
				return found, true
			}
			ok = strings.EqualFold(next, string(h)) || strings.EqualFold(next, h.name())
			i++
		case "default":
			if ok {
				return found, true
			}
		case "login":
			if ok {
				found.login = next
			}
			i++
		case "password":
			if ok {
				found.password = next
			}
			i++
		case "account":
			i++
		}
	}
	return found, ok
}

// netrcWords takes the text apart, without comments and macros.
func netrcWords(text string) []string {
	var words []string
	macro := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			macro = false
			continue
		}
		for rest := strings.TrimLeft(line, " \t"); rest != "" && !macro; rest = strings.TrimLeft(rest, " \t") {
			if rest[0] == '#' {
				break
			}
			var word string
			word, rest = netrcWord(rest)
			macro = word == "macdef"
			if !macro {
				words = append(words, word)
			}
		}
	}
	return words
}

func netrcWord(text string) (word, rest string) {
	if text[0] != '"' {
		i := strings.IndexAny(text, " \t")
		if i < 0 {
			return text, ""
		}
		return text[:i], text[i:]
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == '"':
			return b.String(), text[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
