//go:build unix

package client

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/registry"
	"github.com/clydepm/clyde/internal/staticindex"
)

// signedHeadWorld is a client of a git repository whose keepers sign its head.
type signedHeadWorld struct {
	*world
	up     *upstream
	key    *attest.Signer
	server *gitServer
	now    time.Time
}

func newSignedHeadWorld(t *testing.T) *signedHeadWorld {
	w := &signedHeadWorld{world: newWorld(t), now: time.Unix(1800000000, 0)}
	w.up, w.key = squashable(t, w.world)
	w.server = newGitServer(t, w.dir, "uploadpack.allowFilter=true")
	return w
}

// sign signs the head of the index, for two days from now.
func (w *signedHeadWorld) sign() *registry.SignedHead {
	w.t.Helper()
	done, err := registry.SignHeadLocal(w.t.Context(), w.up.repo, registry.SignOptions{
		Key: w.key, Valid: 48 * time.Hour, Now: w.now, Author: "Kim", Email: "kim@example.org",
	})
	must(w.t, err)
	return done
}

// tag puts a statement of anybody about anything beside the branch.
func (w *signedHeadWorld) tag(key staticindex.Key, tagged string, head staticindex.Head) {
	w.t.Helper()
	envelope, err := staticindex.Seal(w.t.Context(), head, key)
	must(w.t, err)
	message, err := envelope.Message()
	must(w.t, err)
	id, err := w.up.repo.WriteTag(git.Tag{Commit: tagged, Name: staticindex.HeadTag, Tagger: "Kim", TaggerEmail: "kim@example.org", When: w.now, Message: message})
	must(w.t, err)
	w.point(id)
}

// point moves the reference of the statement; "" removes it.
func (w *signedHeadWorld) point(id string) {
	w.t.Helper()
	path := filepath.Join(w.up.path, filepath.FromSlash(staticindex.HeadRef))
	must(w.t, removeAll(path))
	if id != "" {
		must(w.t, w.up.repo.CompareAndSwap(staticindex.HeadRef, "", id))
	}
}

func (w *signedHeadWorld) statement(commit string) staticindex.Head {
	return staticindex.Head{Registry: "up", Commit: commit, Time: w.now.UTC(), Expires: w.now.UTC().Add(48 * time.Hour)}
}

func (w *signedHeadWorld) registry() Registry {
	w.t.Helper()
	access := w.access()
	access.Now = func() time.Time { return w.now }
	r, err := OpenRegistry(w.mustLoad(), RegistryConfig{Name: "up", URL: w.server.URL + "/up.git", Kind: KindGit}, access)
	must(w.t, err)
	w.t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestSignedHeadTakesNoMoreRequests follows an index whose head is signed.
func TestSignedHeadTakesNoMoreRequests(t *testing.T) {
	w := newSignedHeadWorld(t)
	signed := w.sign()
	if again := w.sign(); !again.Kept || again.Expires != signed.Expires {
		t.Errorf("signed again: %+v", again)
	}
	r := w.registry()
	step := func(what string, requests int64) {
		t.Helper()
		update(t, r)
		if asked := w.server.asked(); asked != requests {
			t.Errorf("%s: %d requests, want %d", what, asked, requests)
		}
	}
	step("the first copy", 3)
	status, err := r.Status(t.Context())
	if err != nil || !status.Signed.Equal(signed.Expires) {
		t.Errorf("%+v %v, want %v", status, err, signed.Expires)
	}
	step("nothing is new", 2)
	w.now = w.now.Add(30 * time.Hour)
	w.sign()
	step("the signature was renewed", 3)
	step("nothing is new again", 2)
	w.up.publish("later 1.0.0")
	w.sign()
	step("a version, signed", 3)
	w.up.publish("later 1.0.0", "later 1.1.0")
	step("a version, not signed yet", 3)
	w.now = w.now.Add(47 * time.Hour)
	step("the signature still holds", 2)

	// A new client takes a head that the signed commit leads to.
	must(t, removeAll(filepath.Join(w.dir, "cache")))
	other := newWorld(t)
	access := w.access()
	access.Now = func() time.Time { return w.now }
	first, err := OpenRegistry(other.mustLoad(), RegistryConfig{Name: "up", URL: w.server.URL + "/up.git", Kind: KindGit}, access)
	must(t, err)
	defer first.Close()
	update(t, first)
	if asked := w.server.asked(); asked > 4 {
		t.Errorf("a first copy of a head that is not signed itself: %d requests", asked)
	}
}

// A squash is followed although the commit before it is what was signed.
func TestSignedHeadIsSquashed(t *testing.T) {
	w := newSignedHeadWorld(t)
	w.sign()
	r := w.registry()
	update(t, r)
	w.up.publish("later 1.0.0")
	w.sign()
	w.up.squash(w.key, "yearly")
	if change := update(t, r); reasons(change) != "yearly" {
		t.Errorf("%+v", change)
	}
	w.sign()
	update(t, r)
}

func TestSignedHeadThatIsRefused(t *testing.T) {
	stranger, _ := newKey(t)
	for name, scenario := range map[string]struct {
		happen func(w *signedHeadWorld) // after the client's first copy
		fresh  bool                     // a client that knows nothing refuses it, too
		class  error
		says   string
	}{
		"expired": {
			happen: func(w *signedHeadWorld) { w.now = w.now.Add(49 * time.Hour) },
			fresh:  true, class: history.ErrFrozen, says: "2 days ago",
		},
		"expired, and the index went on": {
			happen: func(w *signedHeadWorld) {
				w.up.publish("later 1.0.0")
				w.now = w.now.Add(49 * time.Hour)
			},
			fresh: true, class: history.ErrFrozen, says: "2 days ago",
		},
		"left away": {
			happen: func(w *signedHeadWorld) { w.point("") },
			class:  history.ErrFrozen, says: "and now no signature is shown",
		},
		"left away, and the index went on": {
			happen: func(w *signedHeadWorld) {
				w.up.publish("later 1.0.0")
				w.point("")
			},
			class: history.ErrFrozen, says: "and now no signature is shown",
		},
		"the head is held back": {
			happen: func(w *signedHeadWorld) {
				shown := w.up.head
				w.up.publish("later 1.0.0")
				w.now = w.now.Add(time.Hour)
				w.sign()
				w.up.force(shown)
			},
			fresh: true, class: history.ErrFrozen, says: "was signed as its head, and does not lead to the head that is shown",
		},
		"by another key": {
			happen: func(w *signedHeadWorld) { w.tag(stranger, w.up.head, w.statement(w.up.head)) },
			fresh:  true, class: staticindex.ErrSignature, says: "not acceptable",
		},
		"by a key that came with the head": {
			happen: func(w *signedHeadWorld) {
				key, public := newKey(w.t)
				w.up.commit(map[string]string{"trust/index/other.pem": public})
				w.tag(key, w.up.head, w.statement(w.up.head))
			},
			class: staticindex.ErrSignature, says: "not acceptable",
		},
		"for another registry": {
			happen: func(w *signedHeadWorld) {
				head := w.statement(w.up.head)
				head.Registry = "other"
				w.tag(w.key, w.up.head, head)
			},
			fresh: true, class: staticindex.ErrSignature, says: `it is of the registry "other"`,
		},
		"of another commit than the tag": {
			happen: func(w *signedHeadWorld) { w.tag(w.key, w.up.head, w.statement(w.up.parent())) },
			fresh:  true, class: staticindex.ErrSignature, says: "the tag is of commit",
		},
		"of a commit of a fork": {
			happen: func(w *signedHeadWorld) {
				fork := w.up.write(w.up.parent(), map[string]string{"README.md": "another way"})
				w.tag(w.key, fork, w.statement(fork))
			},
			fresh: true, class: history.ErrFrozen, says: "does not lead to the head",
		},
		"older than one that was seen": {
			happen: func(w *signedHeadWorld) {
				head := w.statement(w.up.head)
				head.Time = head.Time.Add(-time.Hour)
				w.tag(w.key, w.up.head, head)
			},
			class: history.ErrRolledBack, says: "was seen before",
		},
		"without a signature": {
			happen: func(w *signedHeadWorld) { w.tag(nil, w.up.head, w.statement(w.up.head)) },
			fresh:  true, class: staticindex.ErrSignature, says: "it has no signature",
		},
		"that never holds": {
			happen: func(w *signedHeadWorld) {
				head := w.statement(w.up.head)
				head.Expires = head.Time
				w.tag(w.key, w.up.head, head)
			},
			fresh: true, class: staticindex.ErrSignature, says: "it never holds",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSignedHeadWorld(t)
			w.up.publish("hello 1.0.0", "hello 1.0.1")
			w.sign()
			r := w.registry()
			update(t, r)
			known := w.up.head
			scenario.happen(w)
			for range 2 {
				_, err := r.Update(t.Context(), UpdateOptions{})
				if !errors.Is(err, scenario.class) || !errors.Is(err, ErrIntegrity) || !strings.Contains(err.Error(), scenario.says) {
					t.Fatalf("%v, want %q", err, scenario.says)
				}
				if !strings.Contains(hintOf(err), "--accept-history up="+w.up.head) {
					t.Errorf("the hint: %s", hintOf(err))
				}
			}
			if status, err := r.Status(t.Context()); err != nil || status.Commit != known {
				t.Errorf("shows %+v %v", status, err)
			}
			if _, err := r.Update(t.Context(), UpdateOptions{AcceptHistory: map[string]string{"up": w.up.head}}); err != nil {
				t.Errorf("accepted: %v", err)
			}
			other := newWorld(t)
			access := other.access()
			access.Now = func() time.Time { return w.now }
			first, err := OpenRegistry(other.mustLoad(), RegistryConfig{Name: "up", URL: w.server.URL + "/up.git", Kind: KindGit}, access)
			must(t, err)
			defer first.Close()
			if _, err := first.Update(t.Context(), UpdateOptions{}); scenario.fresh != errors.Is(err, scenario.class) {
				t.Errorf("a client that knows nothing: %v", err)
			}
		})
	}
}

// Nothing changes for an index that has no key, or never had a signed head.
func TestHeadThatIsNotSigned(t *testing.T) {
	w := newSignedHeadWorld(t)
	r := w.registry()
	update(t, r)
	w.server.asked()
	update(t, r)
	if asked := w.server.asked(); asked != 2 {
		t.Errorf("%d requests", asked)
	}
	if status, err := r.Status(t.Context()); err != nil || !status.Signed.IsZero() {
		t.Errorf("%+v %v", status, err)
	}
}

// refused holds that an update fails for a reason, and goes on once it is accepted.
func (w *signedHeadWorld) refused(r Registry, class error, says string) {
	w.t.Helper()
	if _, err := r.Update(w.t.Context(), UpdateOptions{}); !errors.Is(err, class) || !strings.Contains(err.Error(), says) {
		w.t.Fatalf("%v, want %q", err, says)
	}
	_, err := r.Update(w.t.Context(), UpdateOptions{AcceptHistory: map[string]string{"up": w.up.head}})
	must(w.t, err)
}

// Whoever serves a repository can put commits on top of it, and more than once: keys
// that come with them sign nothing, and taking all keys away ends no demand.
func TestSignedHeadTakesNoKeysThatNobodySigned(t *testing.T) {
	another := func(w *signedHeadWorld) *attest.Signer {
		key, public := newKey(w.t)
		w.up.commit(map[string]string{"trust/index/other.pem": public})
		return key
	}
	for name, happen := range map[string]func(w *signedHeadWorld, r Registry){
		"a key that an update brought before": func(w *signedHeadWorld, r Registry) {
			key := another(w)
			update(w.t, r)
			w.tag(key, w.up.head, w.statement(w.up.head))
			w.refused(r, staticindex.ErrSignature, "is newer than what was signed before")
		},
		"a key of a head that is copied anew": func(w *signedHeadWorld, r Registry) {
			key := another(w)
			w.tag(key, w.up.head, w.statement(w.up.head))
			must(w.t, errors.Join(r.Close(), removeAll(r.(*gitRegistry).copy.folder())))
			w.refused(w.registry(), staticindex.ErrSignature, "is newer than what was signed before")
		},
		"no keys": func(w *signedHeadWorld, r Registry) {
			w.up.commit(map[string]string{"trust/index/main.pem": ""})
			update(w.t, r)
			w.point("")
			w.refused(r, history.ErrFrozen, "has no keys any more")
			w.up.publish("later 1.0.0")
			update(w.t, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSignedHeadWorld(t)
			w.sign()
			r := w.registry()
			update(t, r)
			happen(w, r)
		})
	}
}

// A key takes the place of another, also where the index is always newer than what
// was signed.
func TestSignedHeadByTheNextKey(t *testing.T) {
	w := newSignedHeadWorld(t)
	w.sign()
	r := w.registry()
	update(t, r)
	key, public := newKey(t)
	w.up.commit(map[string]string{"trust/index/next.pem": public})
	update(t, r)
	w.up.publish("later 1.0.0")
	w.sign()
	w.up.publish("later 1.0.0", "later 1.1.0")
	update(t, r)
	w.key = key
	w.sign()
	update(t, r)
	w.up.commit(map[string]string{"trust/index/main.pem": ""})
	w.sign()
	update(t, r)
}

// A signature is a sign of life, where the policy wants one.
func TestSignedHeadIsASignOfLife(t *testing.T) {
	w := newSignedHeadWorld(t)
	w.up.commit(map[string]string{"policy.yaml": "freshness: 24h\n"})
	r := w.registry()
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, history.ErrFrozen) {
		t.Errorf("by its commit alone: %v", err)
	}
	w.sign()
	update(t, r)
	w.now = w.now.Add(25 * time.Hour)
	if _, err := r.Update(t.Context(), UpdateOptions{}); !errors.Is(err, history.ErrFrozen) {
		t.Errorf("a day later: %v", err)
	}
}
