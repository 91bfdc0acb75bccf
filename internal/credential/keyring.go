package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// Ring keeps secrets for the user. [SystemRing] is the one of the operating
// system.
type Ring interface {
	// Get reads a secret; the error is [ErrNotFound] when there is none.
	Get(service, user string) (string, error)
	Set(service, user, secret string) error
	// Delete removes a secret; the error is [ErrNotFound] when there is none.
	Delete(service, user string) error
}

// keyringPatience bounds a question to the keyring, which may have to ask the
// user for its password.
const keyringPatience = time.Minute

// service is the name under which the keyring has the credential of a host.
func service(h Host) string { return "clyde:" + string(h) }

// account is the user name under which it does.
func account(user string) string {
	if user == "" {
		return "token"
	}
	return user
}

func (f *Finder) fromKeyring(ctx context.Context, h Host, user string) (Credential, bool, error) {
	if f.opts.Ring == nil {
		return Credential{}, false, &Error{
			Message: fmt.Sprintf("the token of %s is in the keyring, and there is none here", h),
			Remedy:  fmt.Sprintf("give it in the environment variable %s, or log in again with 'clyde auth login %s'", Variable(h), h),
		}
	}
	var text string
	err := f.patiently(ctx, func() (err error) {
		text, err = f.opts.Ring.Get(service(h), account(user))
		return err
	})
	var secret Secret
	if err == nil {
		secret, err = NewSecret(text)
	}
	if err != nil {
		return Credential{}, false, &Error{
			Message: fmt.Sprintf("the token of %s cannot be read from the keyring", h), Err: err,
			Remedy: fmt.Sprintf("unlock it, or log in again with 'clyde auth login %s'", h),
		}
	}
	return Credential{User: user, Secret: secret, Source: Keyring}, true, nil
}

// patiently asks the keyring, which knows no contexts.
func (f *Finder) patiently(ctx context.Context, ask func() error) error {
	done := make(chan error, 1)
	go func() { done <- ask() }()
	ctx, cancel := context.WithTimeout(ctx, keyringPatience)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SystemRing is the keyring of the operating system: Keychain, the Credential
// Manager of Windows, or the Secret Service of a desktop. It is nil where there
// is none, such as on a server.
func SystemRing(getenv func(string) string) Ring {
	switch runtime.GOOS {
	case "darwin", "windows":
		return systemRing{}
	case "linux":
		// Without an address the library would start a bus of its own.
		if getenv("DBUS_SESSION_BUS_ADDRESS") != "" || isSocket(filepath.Join(getenv("XDG_RUNTIME_DIR"), "bus")) {
			return systemRing{}
		}
	}
	return nil
}

func isSocket(name string) bool {
	info, err := os.Stat(name)
	return err == nil && filepath.IsAbs(name) && info.Mode().Type() == os.ModeSocket
}

type systemRing struct{}

func (systemRing) Get(service, user string) (string, error) {
	text, err := keyring.Get(service, user)
	return text, ringError(err)
}

func (systemRing) Set(service, user, secret string) error {
	return ringError(keyring.Set(service, user, secret))
}

func (systemRing) Delete(service, user string) error {
	return ringError(keyring.Delete(service, user))
}

func ringError(err error) error {
	if errors.Is(err, keyring.ErrNotFound) {
		return ErrNotFound
	}
	return err
}
