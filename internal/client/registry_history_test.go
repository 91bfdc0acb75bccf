package client

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/history"
	"github.com/clydepm/clyde/internal/registry"
)

// newKey makes a key and returns its signer and its public half.
func newKey(t *testing.T) (signer *attest.Signer, public string) {
	t.Helper()
	private, pem, err := attest.GenerateKey(nil)
	must(t, err)
	signer, err = attest.WithKey(private, nil, attest.Services{}, nil)
	must(t, err)
	return signer, string(pem)
}

// squashable makes an index that trusts a key to speak for it.
func squashable(t *testing.T, w *world) (*upstream, *attest.Signer) {
	t.Helper()
	signer, public := newKey(t)
	u := newUpstream(t, filepath.Join(w.dir, "up.git"))
	u.commit(map[string]string{
		"config.json":          `{"dl":"https://dl.example.org","clyde":{"format":1,"name":"up"}}`,
		"trust/index/main.pem": public,
	})
	u.publish("hello 1.0.0")
	return u, signer
}

// squash declares a squash of what the upstream has.
func (u *upstream) squash(key *attest.Signer, reason string) *registry.Squashed {
	u.t.Helper()
	u.tick++
	done, err := registry.SquashLocal(u.t.Context(), u.repo, registry.SquashOptions{
		Reason: reason, Key: key, When: time.Unix(1700000000+u.tick, 0), Author: "Kim", Email: "kim@example.org",
	}, false)
	if err != nil {
		u.t.Fatal(err)
	}
	u.head = done.New
	return done
}

// force moves main to any commit.
func (u *upstream) force(head string) {
	u.t.Helper()
	must(u.t, u.repo.CompareAndSwap("refs/heads/main", u.head, head))
	u.head = head
}

func reasons(c Change) string {
	var all []string
	for _, s := range c.Squashes {
		all = append(all, s.Reason)
	}
	return strings.Join(all, ", ")
}

func TestDeclaredSquashIsFollowed(t *testing.T) {
	for name, scenario := range map[string]struct {
		before   func(u *upstream, key *attest.Signer) // after the client's last update
		damage   func(t *testing.T, g *gitRegistry)
		followed string
	}{
		"from the old head": {
			before:   func(u *upstream, key *attest.Signer) { u.squash(key, "one") },
			followed: "one",
		},
		"from several commits behind, and further on": {
			before: func(u *upstream, key *attest.Signer) {
				u.publish("behind 1.0.0")
				u.publish("behind 1.0.0", "behind 1.1.0")
				u.squash(key, "one")
				u.publish("after 1.0.0")
			},
			followed: "one",
		},
		"twice in a row": {
			before: func(u *upstream, key *attest.Signer) {
				u.publish("behind 1.0.0")
				u.squash(key, "one")
				u.publish("between 1.0.0")
				u.squash(key, "two")
				u.publish("after 1.0.0")
			},
			followed: "two, one",
		},
		"without the copy": {
			before: func(u *upstream, key *attest.Signer) {
				u.publish("behind 1.0.0")
				u.squash(key, "one")
				u.squash(key, "two")
			},
			damage:   func(t *testing.T, g *gitRegistry) { must(t, os.RemoveAll(g.copy.folder())) },
			followed: "two, one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u, key := squashable(t, w)
			r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
			versionsOf(t, r, "hello")
			known := u.head
			scenario.before(u, key)
			if scenario.damage != nil {
				must(t, r.Close())
				scenario.damage(t, r.(*gitRegistry))
			}
			change, err := r.Update(t.Context(), UpdateOptions{})
			if err != nil || change.Old != known || change.New != u.head || reasons(change) != scenario.followed {
				t.Fatalf("%+v %v", change, err)
			}
			// What comes after goes on as ever.
			u.publish("hello 1.0.0", "hello 1.1.0")
			if change, err := r.Update(t.Context(), UpdateOptions{}); err != nil || len(change.Squashes) > 0 || change.Packages != 1 {
				t.Errorf("the next update: %+v %v", change, err)
			}
			if got := versionsOf(t, r, "hello"); got != "1.0.0 1.1.0" {
				t.Errorf("shows %q", got)
			}
		})
	}
}

func TestHistoriesThatAreRefused(t *testing.T) {
	for name, scenario := range map[string]struct {
		happen func(u *upstream, key *attest.Signer) // after the client's last update
		class  error
		says   string
	}{
		"rewritten": {
			happen: func(u *upstream, _ *attest.Signer) { u.rewrite("hello 6.6.6") },
			class:  history.ErrRewritten, says: "does not continue from there",
		},
		"rolled back": {
			happen: func(u *upstream, _ *attest.Signer) { u.force(u.parent()) },
			class:  history.ErrRolledBack, says: "the older",
		},
		"forked": {
			happen: func(u *upstream, _ *attest.Signer) {
				u.force(u.write(u.parent(), map[string]string{"README.md": "another way"}))
			},
			class: history.ErrForked, says: "went another way after",
		},
		"frozen": {
			happen: func(u *upstream, _ *attest.Signer) { u.commit(map[string]string{"policy.yaml": "freshness: 24h\n"}) },
			class:  history.ErrFrozen, says: "1157 days ago, and its policy allows 24 hours",
		},
		"squashed by a key that nobody trusts": {
			happen: func(u *upstream, _ *attest.Signer) {
				stranger, public := newKey(u.t)
				old := u.head
				u.commit(map[string]string{"trust/index/stranger.pem": public})
				u.squash(stranger, "mine now")
				// The squash of the old head, as if the key had been there.
				forged := strings.Replace(u.read("config.json"), u.squashed(), old, 1)
				u.force(u.root(old, map[string]string{"config.json": forged}))
			},
			class: history.ErrRewritten, says: "declares a squash that does not hold: the signature is not acceptable",
		},
		"squashed with another line": {
			happen: func(u *upstream, key *attest.Signer) {
				u.squash(key, "honest")
				u.force(u.root(u.head, map[string]string{"he/ll/hello": strings.Replace(u.read("he/ll/hello"), `"cksum":"0`, `"cksum":"1`, 1)}))
			},
			class: history.ErrRewritten, says: "its files are not those of the old head",
		},
		"squashed, and the old head is gone": {
			happen: func(u *upstream, key *attest.Signer) {
				u.publish("behind 1.0.0")
				done := u.squash(key, "forgetful")
				must(u.t, os.Remove(filepath.Join(u.path, "refs", "heads", done.Snapshot)))
			},
			class: history.ErrRewritten, says: "is not on the branch snapshot-",
		},
		"squashed without what was known": {
			happen: func(u *upstream, key *attest.Signer) {
				u.force(u.parent())
				u.squash(key, "leaves one out")
			},
			class: history.ErrRolledBack, says: "of which the squash",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u, key := squashable(t, w)
			r := w.open(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path})
			versionsOf(t, r, "hello")
			u.publish("known 1.0.0")
			if _, err := r.Update(t.Context(), UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			known := u.head
			scenario.happen(u, key)
			for range 2 {
				_, err := r.Update(t.Context(), UpdateOptions{})
				if !errors.Is(err, scenario.class) || !errors.Is(err, ErrIntegrity) || !strings.Contains(err.Error(), scenario.says) {
					t.Fatalf("%v, want %q", err, scenario.says)
				}
				if !strings.Contains(hintOf(err), "--accept-history up="+u.head) {
					t.Errorf("the hint: %s", hintOf(err))
				}
				status, err := r.Status(t.Context())
				if err != nil || status.Commit != known {
					t.Errorf("shows %+v %v", status, err)
				}
			}
			// Another commit than the one that was accepted is no better.
			if _, err := r.Update(t.Context(), UpdateOptions{AcceptHistory: map[string]string{"up": known, "other": u.head}}); !errors.Is(err, scenario.class) {
				t.Errorf("accepted something else: %v", err)
			}
			change, err := r.Update(t.Context(), UpdateOptions{AcceptHistory: map[string]string{"up": u.head}})
			if err != nil || change.New != u.head {
				t.Errorf("accepted: %+v %v", change, err)
			}
		})
	}
}

// A frozen index is noticed although there is nothing to fetch.
func TestIndexThatStandsStill(t *testing.T) {
	w := newWorld(t)
	u, _ := squashable(t, w)
	u.commit(map[string]string{"policy.yaml": "freshness: 48h\n"})
	now := time.Unix(1700000000, 0)
	access := w.access()
	access.Now = func() time.Time { return now }
	r, err := OpenRegistry(w.mustLoad(), RegistryConfig{Name: "up", URL: u.path}, access)
	must(t, err)
	defer r.Close()
	update := func() error { _, err := r.Update(t.Context(), UpdateOptions{}); return err }
	must(t, update())
	now = now.Add(47 * time.Hour)
	must(t, update())
	now = now.Add(2 * time.Hour)
	if err := update(); !errors.Is(err, history.ErrFrozen) || !errors.Is(err, ErrIntegrity) {
		t.Errorf("after 49 hours: %v", err)
	}
}

// parent is the commit before the head.
func (u *upstream) parent() string {
	u.t.Helper()
	parents, _, err := u.repo.Parents(u.head)
	must(u.t, err)
	return parents[0]
}

// root writes a commit without a parent on top of the files of another.
func (u *upstream) root(base string, files map[string]string) string {
	u.t.Helper()
	contents := map[string][]byte{}
	for name, text := range files {
		contents[name] = []byte(text)
	}
	id, err := u.repo.WriteCommit(git.Commit{Base: base, Files: contents, Message: "root", Name: "Kim", Email: "kim@example.org", When: time.Unix(1700000900, 0)})
	must(u.t, err)
	return id
}

// read is a file of the head.
func (u *upstream) read(name string) string {
	u.t.Helper()
	files, err := u.repo.Tree(u.head)
	must(u.t, err)
	data, err := fs.ReadFile(files, name)
	must(u.t, err)
	return string(data)
}

// squashed is the old head that the record of the head's squash names.
func (u *upstream) squashed() string {
	u.t.Helper()
	config, err := index.ParseConfig([]byte(u.read("config.json")))
	must(u.t, err)
	return config.Clyde.Squash.Head
}
