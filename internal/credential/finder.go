package credential

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Options are what a [Finder] looks at.
type Options struct {
	Getenv  func(string) string
	File    string   // of what was logged in with, see [Stored]
	Netrc   string   // "" for none
	Ring    Ring     // nil for none
	Helpers []Helper // in the order in which they are asked
}

// Finder finds credentials. It asks every source once for a host. It is safe for
// use by several goroutines.
type Finder struct {
	opts Options

	mu    sync.Mutex
	known map[Host]known
}

// known is what was found for a host.
type known struct {
	credential Credential
	found      bool
	asked      bool // also the helpers for all hosts
}

// New makes a finder. Nothing is read yet.
func New(opts Options) *Finder {
	return &Finder{opts: opts, known: map[Host]known{}}
}

// Ready finds the credential that is known to be for a host. It reports false
// when there is none.
func (f *Finder) Ready(ctx context.Context, h Host) (Credential, bool, error) {
	return f.find(ctx, h, false)
}

// Asked is Ready for a host that has answered that it wants a credential: the
// helpers that are for all hosts are asked as well.
func (f *Finder) Asked(ctx context.Context, h Host) (Credential, bool, error) {
	return f.find(ctx, h, true)
}

func (f *Finder) find(ctx context.Context, h Host, asked bool) (Credential, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	have, ok := f.known[h]
	if ok && (have.found || have.asked || !asked) {
		return have.credential, have.found, nil
	}
	var err error
	if !ok {
		if have.credential, have.found, err = f.look(ctx, h); err != nil {
			return Credential{}, false, err
		}
	}
	if asked && !have.found {
		if have.credential, have.found, err = f.fromHelpers(ctx, h, true); err != nil {
			return Credential{}, false, err
		}
		have.asked = true
	}
	f.known[h] = have
	return have.credential, have.found, nil
}

// look asks the sources that know for which hosts they have something.
func (f *Finder) look(ctx context.Context, h Host) (Credential, bool, error) {
	c, ok, err := f.fromEnvironment(h)
	if ok || err != nil {
		return c, ok, err
	}
	if c, ok, err = f.fromStored(ctx, h); ok || err != nil {
		return c, ok, err
	}
	if c, ok, err = f.fromHelpers(ctx, h, false); ok || err != nil {
		return c, ok, err
	}
	return f.fromNetrc(h)
}

// Login stores a credential for a host: in the keyring, or in the file. What was
// stored for the host before is replaced, wherever it was.
func (f *Finder) Login(ctx context.Context, h Host, user string, secret Secret, ring bool) error {
	if ring && f.opts.Ring == nil {
		return &Error{Kind: ErrUsage, Message: "there is no keyring here", Remedy: "store the token in a file with '--storage file', or give it in the environment variable " + Variable(h)}
	}
	defer f.forget(h)
	return f.change(ctx, func(s *Stored) error {
		old, had := s.Hosts[h]
		record := Record{User: user}
		if ring {
			record.Keyring = true
			if err := f.patiently(ctx, func() error { return f.opts.Ring.Set(service(h), account(user), secret.text) }); err != nil {
				return &Error{Message: "the keyring does not take the token", Err: err, Remedy: "store it in a file with '--storage file'"}
			}
		} else {
			record.Token = secret.text
		}
		s.Hosts[h] = record
		if had && old.Keyring && (!ring || account(old.User) != account(user)) {
			return f.unring(ctx, h, old.User)
		}
		return nil
	})
}

// Logout removes what was stored for a host. It is [ErrNotFound] when nothing was.
func (f *Finder) Logout(ctx context.Context, h Host) error {
	defer f.forget(h)
	return f.change(ctx, func(s *Stored) error {
		record, ok := s.Hosts[h]
		if !ok {
			return &Error{Kind: ErrNotFound, Message: fmt.Sprintf("nobody is logged in to %s", h), Remedy: "see 'clyde auth status'"}
		}
		if record.Keyring {
			if err := f.unring(ctx, h, record.User); err != nil {
				return err
			}
		}
		delete(s.Hosts, h)
		return nil
	})
}

// unring removes a secret from the keyring, if it is there and there is one.
func (f *Finder) unring(ctx context.Context, h Host, user string) error {
	if f.opts.Ring == nil {
		return nil
	}
	err := f.patiently(ctx, func() error { return f.opts.Ring.Delete(service(h), account(user)) })
	if err != nil && !errors.Is(err, ErrNotFound) {
		return &Error{Message: "the keyring does not forget the token", Err: err, Remedy: "unlock it and try again"}
	}
	return nil
}

func (f *Finder) forget(h Host) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.known, h)
}

// File is where tokens are stored that the keyring does not have.
func (f *Finder) File() string { return f.opts.File }

// HasRing reports whether there is a keyring.
func (f *Finder) HasRing() bool { return f.opts.Ring != nil }

// Hosts lists the hosts that were logged in to, sorted.
func (f *Finder) Hosts() ([]Host, error) {
	stored, _, err := f.readStored()
	return slices.Sorted(maps.Keys(stored.Hosts)), err
}
