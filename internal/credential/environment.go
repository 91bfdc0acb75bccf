package credential

import (
	"slices"
	"strings"
)

// prefix begins the names of the variables that hold tokens.
const prefix = "CLYDE_TOKEN_"

// Variable is the name of the environment variable with the token of a host: a
// dot is written "_", a hyphen "__" and the colon before a port "___". Since no
// label of a host begins or ends with a hyphen, no two hosts share a variable.
func Variable(h Host) string {
	name := strings.NewReplacer(".", "_", "-", "__", ":", "___", "[", "", "]", "").Replace(string(h))
	return prefix + strings.ToUpper(name)
}

// HostsIn lists the hosts that the variables of an environment are for, sorted.
// A name that no host leads to is passed over.
func HostsIn(environ []string) []Host {
	var hosts []Host
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		rest, ours := strings.CutPrefix(name, prefix)
		if !ours || value == "" {
			continue
		}
		text := strings.NewReplacer("___", ":", "__", "-", "_", ".").Replace(strings.ToLower(rest))
		if h, err := ParseHost(text); err == nil && Variable(h) == name {
			hosts = append(hosts, h)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// fromEnvironment looks at the variable of a host.
func (f *Finder) fromEnvironment(h Host) (Credential, bool, error) {
	name := Variable(h)
	value := f.opts.Getenv(name)
	if value == "" {
		return Credential{}, false, nil
	}
	secret, err := NewSecret(value)
	if err != nil {
		return Credential{}, false, &Error{Kind: ErrRefused, Message: "the environment variable " + name, Err: err}
	}
	return Credential{Secret: secret, Source: Environment, Place: name}, true, nil
}
