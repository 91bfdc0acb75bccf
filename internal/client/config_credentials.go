package client

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/strictyaml"
)

// maxHelpers bounds the credential helpers of a file.
const maxHelpers = 100

// credentialsName is the file of stored credentials, beside the user's
// configuration.
const credentialsName = "credentials.json"

// parseHelpers reads the member "credential-helpers" of a configuration file.
func parseHelpers(list strictyaml.Value) []credential.Helper {
	items := list.List()
	if len(items) > maxHelpers {
		list.Report("", "has %d entries; the limit is %d", len(items), maxHelpers)
		return nil
	}
	var helpers []credential.Helper
	for _, item := range items {
		m := item.Mapping("hosts", "run")
		var h credential.Helper
		for _, v := range m.Get("hosts").List() {
			text := v.Text()
			if err := credential.CheckPattern(text); text != "" && err != nil {
				v.Report(hintOf(err), "%v", err)
			}
			h.Hosts = append(h.Hosts, text)
		}
		run := m.Require("run", "write run: [PROGRAM, ARGUMENT...]")
		for _, v := range run.List() {
			h.Run = append(h.Run, v.Text())
		}
		if run.IsList() && len(h.Run) == 0 {
			run.Report("write run: [PROGRAM, ARGUMENT...]", "names no program")
		}
		helpers = append(helpers, h)
	}
	return helpers
}

// findCredentials makes the finder of this configuration.
func (c *Config) findCredentials(getenv func(string) string) {
	c.Credentials = credential.New(credential.Options{
		Getenv: getenv, Helpers: c.helpers, Ring: credential.SystemRing(getenv),
		File: filepath.Join(filepath.Dir(c.Places.UserConfig), credentialsName), Netrc: credential.NetrcFile(getenv, runtime.GOOS),
	})
}

// HTTP is a client that sends the credential of each host, over the connections
// of base, which may be nil.
func (c *Config) HTTP(base *http.Client) *http.Client {
	own := http.Client{}
	if base != nil {
		own = *base
	}
	if _, has := own.Transport.(*credential.Transport); !has && c.Credentials != nil {
		own.Transport = &credential.Transport{Base: own.Transport, Finder: c.Credentials}
	}
	return &own
}

// Hosts lists the hosts of the configured registries that are on the web, sorted.
func (c *Config) Hosts() []credential.Host {
	var hosts []credential.Host
	for _, r := range c.Registries {
		location, err := ParseLocation(r.URL, c.Places.Cache)
		if err != nil || location.URL == nil || location.URL.Scheme == "ssh" {
			continue
		}
		if h := credential.HostOf(location.URL); h != "" && !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	slices.Sort(hosts)
	return hosts
}

// FindCredential is a question to a finder: [credential.Finder.Ready] or Asked.
type FindCredential func(f *credential.Finder, ctx context.Context, h credential.Host) (credential.Credential, bool, error)

// GitAuth finds what a git remote on the web is told; nothing where the address
// is of another kind, which git has its own ways for.
func (c *Config) GitAuth(ctx context.Context, address string, find FindCredential) (git.Auth, error) {
	return gitAuth(ctx, c.Credentials, address, find)
}

func gitAuth(ctx context.Context, finder *credential.Finder, address string, find FindCredential) (git.Auth, error) {
	host, user := webHost(address)
	if finder == nil || host == "" {
		return git.Auth{}, nil
	}
	c, found, err := find(finder, ctx, host)
	if err != nil || !found {
		return git.Auth{}, err
	}
	return git.Auth{User: cmp.Or(c.User, user), Token: c.Secret.Reveal()}, nil
}

// webHost is the host of an address that may be told a credential, and the user
// in that address; "" for any other address.
func webHost(address string) (host credential.Host, user string) {
	u, err := url.Parse(address)
	if err != nil || !credential.May(u) {
		return "", ""
	}
	return credential.HostOf(u), u.User.Username()
}

// loginHint says how to log in to a git remote on the web that wants a login; ""
// for any other failure or address.
func loginHint(address string, err error) string {
	host, _ := webHost(address)
	if host == "" || !errors.Is(err, git.ErrAuth) {
		return ""
	}
	return credential.LoginHint(host)
}
