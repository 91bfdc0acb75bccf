package main

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/publish"
)

// passwordVariable has the password of a key, for runs without a person.
const passwordVariable = "CLYDE_KEY_PASSWORD"

// maxKeyFile bounds a file with a key.
const maxKeyFile = 64 << 10

func keyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Make and trust keys that sign packages",
		Long: `Make and trust keys that sign packages.

A registry on a closed network may trust keys instead of the public-good
Sigstore: who holds one signs with 'clyde publish --sign-key FILE', and clients
verify with the public half under trust/keys in the index.`,
		Example: "  clyde key generate --out release.key\n" +
			"  clyde key trust release.key.pub --index ../registry.git",
	}
	cmd.AddCommand(keyGenerateCommand(a), keyShowCommand(a), keyTrustCommand(a))
	return cmd
}

func keyGenerateCommand(a *app) *cobra.Command {
	var out string
	var noPassword bool
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Make a key: FILE and its public half, FILE.pub",
		Long: `Make an ECDSA P-256 key. FILE gets the private half, encrypted with a password
and readable by you alone; FILE.pub gets the public half.

The password is that of the environment variable ` + passwordVariable + `, or you are
asked for it.`,
		Example: "  clyde key generate --out release.key",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			file := a.path(out)
			for _, name := range []string{file, file + ".pub"} {
				if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
					return withHint(exitRefused, fmt.Errorf("%s is there already", name), "give another name with --out")
				}
			}
			var password []byte
			if !noPassword {
				var err error
				if password, err = a.newPassword(); err != nil {
					return err
				}
			}
			private, public, err := attest.GenerateKey(password)
			if err != nil {
				return err
			}
			if err := writeKeys(file, private, public); err != nil {
				return err
			}
			if noPassword {
				a.warnf("%s is not encrypted: whoever can read it can sign with it", out)
			}
			key, err := attest.ParsePublicKey(public, nil)
			if err != nil {
				return err
			}
			return a.showKey(keyView{File: file, Public: file + ".pub", Encrypted: !noPassword}, key)
		},
	}
	cmd.Flags().StringVar(&out, "out", "clyde.key", "`FILE` for the private half")
	cmd.Flags().BoolVar(&noPassword, "no-password", false, "do not encrypt the key")
	return cmd
}

// writeKeys writes both halves. The private one is never there with more rights
// than it ends with, and never replaces a file.
func writeKeys(file string, private, public []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(private)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return maybe.WriteFile(file+".pub", public, 0o644)
}

func keyShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show FILE",
		Short:   "Show the ID and the public half of a key",
		Example: "  clyde key show release.key.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := a.readKey(args[0])
			if err != nil {
				return err
			}
			key, err := a.publicKey(data)
			if err != nil {
				return withCode(exitIntegrity, fmt.Errorf("%s: %w", args[0], err))
			}
			return a.showKey(keyView{File: a.path(args[0]), Encrypted: attest.IsEncrypted(data)}, key)
		},
	}
}

func keyTrustCommand(a *app) *cobra.Command {
	flags := changeFlags{via: "local"}
	var name, purpose string
	cmd := &cobra.Command{
		Use:   "trust FILE --index INDEX",
		Short: "Let an index trust a key",
		Long: `Add the public half of a key to trust/keys in an index.

From then on its clients accept what the key signs, and no longer what the
public-good Sigstore vouches for: an index that has trust of its own has only
that. The change needs a person's approval; with --via pr, which opens a pull
request, that of the index's keepers. See 'clyde publish --help' for the ways and
the tokens. A package's owners may name the key ('clyde owner add --key ID'), to
keep other keys from signing it.

With --for index the key goes to trust/index. It then speaks for the index
itself, in the record of 'clyde index squash', and signs no packages; what
clients accept of packages stays as it is.`,
		Example: `  clyde key trust release.key.pub --index ../registry.git
  clyde key trust release.key.pub --via pr --index acme/index --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if purpose != "packages" && purpose != "index" {
				return usagef("--for: %q is neither packages nor index", purpose)
			}
			data, err := a.readKey(args[0])
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			key, err := a.publicKey(data)
			if err != nil {
				return withConsequence(withCode(exitIntegrity, fmt.Errorf("%s: %w", args[0], err)), nothingChanged)
			}
			public, err := attest.FormatPublicKey(key)
			if err != nil {
				return err
			}
			index, err := flags.open(cmd.Context(), a)
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			defer index.close()
			if name == "" {
				name, _, _ = strings.Cut(filepath.Base(args[0]), ".")
			}
			plan, err := publish.NewTrustPlan(cmd.Context(), publish.TrustOptions{Target: index.target, Name: name, PEM: public, ForIndex: purpose == "index"})
			if err != nil {
				return withConsequence(err, nothingChanged)
			}
			return a.carryOut(cmd.Context(), plan, flags.dryRun, "trusted", nothingChanged)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&purpose, "for", "packages", "what the key signs: `WHAT` is packages or index")
	cmd.Flags().StringVar(&name, "name", "", "`NAME` of the key in the index (default: the file's)")
	return cmd
}

// readKey reads a file with a key.
func (a *app) readKey(name string) ([]byte, error) {
	f, err := os.Open(a.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(exitNotFound, fmt.Errorf("there is no file %s", name), "'clyde key generate' makes a key")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(data) > maxKeyFile {
		err = withCode(exitIntegrity, fmt.Errorf("%s is too large for a key", name))
	}
	return data, err
}

// publicKey is the public half of what a file holds.
func (a *app) publicKey(data []byte) (*ecdsa.PublicKey, error) {
	password, err := a.passwordFor(data)
	if err != nil {
		return nil, err
	}
	return attest.ParsePublicKey(data, password)
}

// passwordFor is the password of a key, nil when it needs none.
func (a *app) passwordFor(data []byte) ([]byte, error) {
	if !attest.IsEncrypted(data) {
		return nil, nil
	}
	return a.askPassword("password of the key: ")
}

// newPassword asks twice, as nobody sees what is typed.
func (a *app) newPassword() ([]byte, error) {
	password, err := a.askPassword("password for the new key: ")
	if err != nil {
		return nil, err
	}
	if len(password) == 0 {
		return nil, withHint(exitUsage, errors.New("the password is empty"), "give one, or --no-password for a key that is not encrypted")
	}
	if a.Getenv(passwordVariable) != "" {
		return password, nil
	}
	again, err := a.askPassword("the same again: ")
	if err == nil && string(again) != string(password) {
		err = usagef("the passwords differ")
	}
	return password, err
}

func (a *app) askPassword(prompt string) ([]byte, error) {
	if password := a.Getenv(passwordVariable); password != "" {
		return []byte(password), nil
	}
	f, ok := a.Stdin.(*os.File)
	if a.noInput || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, withHint(exitUsage, errors.New("the key needs a password"), "set "+passwordVariable)
	}
	fmt.Fprint(a.Stderr, prompt)
	password, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.Stderr)
	return password, err
}

// keyView is a key as data.
type keyView struct {
	ID        string `json:"id"`
	File      string `json:"file"`
	Public    string `json:"public_file,omitempty"`
	Encrypted bool   `json:"encrypted"`
	PEM       string `json:"public_key"`
}

func (a *app) showKey(v keyView, key *ecdsa.PublicKey) error {
	id, err := attest.KeyID(key)
	if err != nil {
		return err
	}
	public, err := attest.FormatPublicKey(key)
	if err != nil {
		return err
	}
	v.ID, v.PEM = id, string(public)
	if a.json {
		return a.printJSON(v)
	}
	a.printf("id      %s\n", v.ID)
	a.printf("file    %s\n", oneLine(v.File))
	if v.Public != "" {
		a.printf("public  %s\n", oneLine(v.Public))
	}
	a.printf("\n%s", v.PEM)
	return nil
}
