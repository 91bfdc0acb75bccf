package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/clydepm/clyde/internal/client"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/terminal"
)

func authCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auth",
		Short: "Log in to the hosts of private registries",
		Long: `Log in to the hosts of private registries, and out again.

A host is given its token over https and no other host is. The token comes from
the environment variable CLYDE_TOKEN_HOST, from 'clyde auth login', from a
credential helper of the configuration, or from netrc, in this order.`,
		Example: "  clyde auth login registry.example.org\n" +
			"  clyde auth status",
	}
	cmd.AddCommand(authLoginCommand(a), authLogoutCommand(a), authStatusCommand(a), authTokenCommand(a))
	return cmd
}

// The places where a token is stored.
const (
	storeAuto    = "auto"
	storeKeyring = "keyring"
	storeFile    = "file"
)

func authLoginCommand(a *app) *cobra.Command {
	var user, storage string
	var withToken bool
	cmd := &cobra.Command{
		Use:   "login [HOST]",
		Short: "Store the token of a host",
		Long: `Store a token for HOST, in the keyring of the operating system where there is
one, and otherwise in a file that only you can read. You are asked for the token,
or it is read from the standard input.

HOST may be left out when all configured registries are at the same one. With
--user the token is sent as that user's password ("Basic"), as many hosts of
artifacts want it; otherwise as a bearer token, and to a registry that speaks
Cargo's protocol as that wants it.`,
		Example: "  clyde auth login registry.example.org\n" +
			"  clyde auth login registry.example.org --with-token <token.txt\n" +
			"  clyde auth login artifacts.example.org --user kim --storage file",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, host, err := a.authHost(args)
			if err != nil {
				return err
			}
			ring, err := chosenStorage(storage, config.Credentials)
			if err != nil {
				return err
			}
			secret, err := a.readToken(host, withToken)
			if err != nil {
				return err
			}
			err = config.Credentials.Login(cmd.Context(), host, user, secret, ring)
			if err != nil && ring && storage == storeAuto && cmd.Context().Err() == nil {
				a.warnf("%s; storing it in a file", terminal.Escape(err.Error()))
				ring = false
				err = config.Credentials.Login(cmd.Context(), host, user, secret, ring)
			}
			if err != nil {
				return err
			}
			if name := credential.Variable(host); a.Getenv(name) != "" {
				a.warnf("the environment variable %s is set and comes first", name)
			}
			place := "the keyring"
			if !ring {
				place = config.Credentials.File()
			}
			if a.json {
				return a.printJSON(map[string]string{"host": string(host), "user": user, "stored": place})
			}
			a.printf("logged in to %s; the token is in %s\n", host, place)
			return nil
		},
	}
	cmd.Flags().BoolVar(&withToken, "with-token", false, "read the token from the standard input")
	cmd.Flags().StringVar(&user, "user", "", "the token is the password of this user `NAME`")
	cmd.Flags().StringVar(&storage, "storage", storeAuto, "where it is stored: `PLACE` is auto, keyring or file")
	return cmd
}

// chosenStorage reports whether the keyring is to be used.
func chosenStorage(storage string, finder *credential.Finder) (ring bool, err error) {
	switch storage {
	case storeAuto:
		return finder.HasRing(), nil
	case storeKeyring:
		return true, nil
	case storeFile:
		return false, nil
	}
	return false, usagef("--storage: %q is not one of %s, %s, %s", storage, storeAuto, storeKeyring, storeFile)
}

// maxTokenLine bounds what is read of the standard input.
const maxTokenLine = 64 << 10

// readToken takes the token from the standard input, or asks a person.
func (a *app) readToken(host credential.Host, piped bool) (credential.Secret, error) {
	if piped {
		text, err := io.ReadAll(io.LimitReader(a.Stdin, maxTokenLine))
		if err != nil {
			return credential.Secret{}, err
		}
		return credential.NewSecret(string(bytes.TrimRight(text, "\r\n")))
	}
	f, ok := a.Stdin.(*os.File)
	if a.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return credential.Secret{}, withHint(exitUsage, errors.New("there is no terminal to ask for the token on"), "give it on the standard input with --with-token")
	}
	fmt.Fprintf(a.Stderr, "token of %s: ", host)
	text, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.Stderr)
	if err != nil {
		return credential.Secret{}, err
	}
	return credential.NewSecret(strings.TrimSpace(string(text)))
}

// authHost is the host that a command is about: the one given, or that of all
// configured registries.
func (a *app) authHost(args []string) (*client.Config, credential.Host, error) {
	config, err := a.loadConfig()
	if err != nil {
		return nil, "", err
	}
	if len(args) > 0 {
		host, err := credential.ParseHost(args[0])
		return config, host, err
	}
	hosts := config.Hosts()
	switch len(hosts) {
	case 1:
		return config, hosts[0], nil
	case 0:
		return nil, "", withHint(exitUsage, errors.New("which host?"), "no configured registry is on the web; give the host")
	}
	return nil, "", withHint(exitUsage, errors.New("which host?"), "give one of those of the configured registries: "+joinHosts(hosts))
}

func joinHosts(hosts []credential.Host) string {
	var names []string
	for _, h := range hosts {
		names = append(names, string(h))
	}
	return strings.Join(names, ", ")
}

func authLogoutCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "logout [HOST]",
		Short: "Forget the stored token of a host",
		Long: `Remove what 'clyde auth login' stored for HOST. The token itself stays valid: have
the host revoke it if somebody else may have it.`,
		Example: "  clyde auth logout registry.example.org",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, host, err := a.authHost(args)
			if err != nil {
				return err
			}
			if err := config.Credentials.Logout(cmd.Context(), host); err != nil {
				return err
			}
			left, found, err := config.Credentials.Ready(cmd.Context(), host)
			if err != nil {
				return err
			}
			if found {
				a.warnf("%s is still told a token: %s", host, terminal.Escape(sourceText(left)))
			}
			if a.json {
				return a.printJSON(map[string]string{"host": string(host)})
			}
			a.printf("logged out of %s\n", host)
			return nil
		},
	}
}

// authJSON is what is known of a host in --json output. It never has the token.
type authJSON struct {
	Host     string `json:"host"`
	LoggedIn bool   `json:"logged_in"`
	Source   string `json:"source,omitempty"`
	Place    string `json:"place,omitempty"`
	User     string `json:"user,omitempty"`
	Error    string `json:"error,omitempty"`

	err error
}

func authStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status [HOST]",
		Short: "Say which hosts are told a token, and where it comes from",
		Long: `List the hosts of the configured registries and those that a token is stored or set
for, and say where the token comes from. The token itself is not shown.

With HOST the exit code is 3 when there is no token for it.`,
		Example: "  clyde auth status\n" +
			"  clyde auth status registry.example.org --json",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, hosts, err := a.knownHostsFor(args)
			if err != nil {
				return err
			}
			all := []authJSON{}
			for _, h := range hosts {
				c, found, err := config.Credentials.Ready(cmd.Context(), h)
				one := authJSON{Host: string(h), LoggedIn: found, Source: string(c.Source), Place: c.Place, User: c.User, err: err}
				if err != nil {
					one.Error = err.Error()
				}
				all = append(all, one)
			}
			if err := a.showLogins(all); err != nil {
				return err
			}
			return loginProblem(all, len(args) > 0)
		},
	}
}

// knownHostsFor are the host given, or all that something is known of.
func (a *app) knownHostsFor(args []string) (*client.Config, []credential.Host, error) {
	if len(args) > 0 {
		config, host, err := a.authHost(args)
		return config, []credential.Host{host}, err
	}
	config, err := a.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	stored, err := config.Credentials.Hosts()
	if err != nil {
		return nil, nil, err
	}
	hosts := slices.Concat(config.Hosts(), stored, credential.HostsIn(a.Environ()))
	slices.Sort(hosts)
	return config, slices.Compact(hosts), nil
}

func (a *app) showLogins(all []authJSON) error {
	if a.json {
		return a.printJSON(map[string]any{"hosts": all})
	}
	if len(all) == 0 {
		a.notef("no registry on the web is configured, and no token is known")
		return nil
	}
	var table terminal.Table
	for _, one := range all {
		text := "no token"
		switch {
		case one.err != nil:
			text = "cannot tell: " + one.Error
		case one.LoggedIn:
			text = sourceText(credential.Credential{User: one.User, Source: credential.Source(one.Source), Place: one.Place})
		}
		table.Row(one.Host, text)
	}
	_, err := table.WriteTo(a.Stdout)
	return err
}

// sourceText says where a credential comes from.
func sourceText(c credential.Credential) string {
	text := string(c.Source)
	if c.Place != "" {
		text += " " + c.Place
	}
	if c.User != "" {
		text += ", as " + c.User
	}
	return text
}

// loginProblem is the first source that could not be read, or that the one host
// asked about has no token.
func loginProblem(all []authJSON, one bool) error {
	for _, login := range all {
		if login.err != nil {
			return login.err
		}
	}
	if one && !all[0].LoggedIn {
		return withHint(exitNotFound, fmt.Errorf("there is no token for %s", all[0].Host), credential.LoginHint(credential.Host(all[0].Host)))
	}
	return nil
}

func authTokenCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "token [HOST]",
		Short: "Print the token of a host, for another program",
		Long: `Print the token that HOST is told, on a line of its own, such as for the header of a
request that another program makes. Everybody who sees the output can use it.`,
		Example: "  clyde auth token registry.example.org",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, host, err := a.authHost(args)
			if err != nil {
				return err
			}
			c, found, err := config.Credentials.Ready(cmd.Context(), host)
			if err != nil {
				return err
			}
			if !found {
				return loginProblem([]authJSON{{Host: string(host)}}, true)
			}
			a.printf("%s\n", c.Secret.Reveal())
			return nil
		},
	}
}
