package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// remoteRepository is a real bare repository with a history whose packs have
// differences to differences.
type remoteRepository struct {
	t     *testing.T
	repo  *Repo
	path  string
	heads []string
}

func newRemoteRepository(t *testing.T, commits int) *remoteRepository {
	t.Helper()
	path := filepath.Join(t.TempDir(), "remote.git")
	repo, err := InitBare(path, "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repo.Close() })
	r := &remoteRepository{t: t, repo: repo, path: path}
	for range commits {
		r.commit()
	}
	return r
}

// commit adds a line to one of a few long files, and a file of its own.
func (r *remoteRepository) commit() {
	r.t.Helper()
	n := len(r.heads)
	parent, name := "", fmt.Sprintf("lo/ng/long-%d", n%3)
	content := strings.Repeat("a line that is there from the beginning\n", 200)
	if n > 0 {
		parent = r.heads[n-1]
		if old, err := r.repo.Tree(parent); err == nil {
			if data, err := fs.ReadFile(old, name); err == nil {
				content = string(data)
			}
		}
	}
	id, err := r.repo.WriteCommit(Commit{
		Parent: parent, Message: fmt.Sprintf("commit %d", n), Name: "Kim", Email: "kim@example.org", When: time.Unix(1700000000+int64(n), 0),
		Files: map[string][]byte{
			name:                          []byte(content + fmt.Sprintf("line of commit %d\n", n)),
			fmt.Sprintf("ow/n/own-%d", n): []byte(fmt.Sprintf("file of commit %d\n", n)),
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.repo.CompareAndSwap("refs/heads/main", parent, id); err != nil {
		r.t.Fatal(err)
	}
	r.heads = append(r.heads, id)
}

func (r *remoteRepository) gc() {
	r.t.Helper()
	if out, err := exec.Command("git", "-C", r.path, "repack", "-adfq").CombinedOutput(); err != nil {
		r.t.Fatalf("git repack: %v\n%s", err, out)
	}
}

// serve serves the repository over smart HTTP, as git's own program does it.
func (r *remoteRepository) serve(env ...string) string {
	r.t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		r.t.Fatal(err)
	}
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  append(env, "GIT_PROJECT_ROOT="+filepath.Dir(r.path), "GIT_HTTP_EXPORT_ALL=1"),
	})
	r.t.Cleanup(server.Close)
	return server.URL + "/remote.git"
}

// files are the contents of a commit, by ID.
func (r *remoteRepository) files(commit string) map[ID]string {
	r.t.Helper()
	all := map[ID]string{}
	tree, err := r.repo.Tree(commit)
	if err != nil {
		r.t.Fatal(err)
	}
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		all[plumbing.NewHash(d.(node).ObjectID())] = string(data)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// received are the files of a pack, put together by two workers.
func received(t *testing.T, p *Pack) map[ID]string {
	t.Helper()
	parts := [2]map[ID]string{{}, {}}
	visitor := func(i int) func(ID, []byte) error {
		return func(id ID, content []byte) error {
			parts[i][id] = string(content)
			return nil
		}
	}
	if err := p.Files(visitor(0), visitor(1)); err != nil {
		t.Fatal(err)
	}
	maps.Copy(parts[0], parts[1])
	return parts[0]
}

func (r *remoteRepository) fetch(u *Upload, req UploadRequest) *Pack {
	r.t.Helper()
	var pack *Pack
	err := u.Fetch(r.t.Context(), req, func(in io.Reader) (err error) {
		pack, err = ReadPack(in, r.t.TempDir(), func(id ID) (string, func() ([]byte, error), error) {
			for _, kind := range []plumbing.ObjectType{plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject} {
				if data, err := r.repo.readObject(id.String(), kind); err == nil {
					return kind.String(), func() ([]byte, error) { return data, nil }, nil
				}
			}
			return "", nil, ErrNotFound
		})
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { pack.Close() })
	return pack
}

func TestUpload(t *testing.T) {
	r := newRemoteRepository(t, 12)
	r.gc()
	for name, address := range map[string]string{
		"program":   r.path,
		"web":       r.serve(),
		"version 0": r.serve("GIT_PROTOCOL=version=0", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.version", "GIT_CONFIG_VALUE_0=0"),
	} {
		t.Run(name, func(t *testing.T) {
			u, err := DialUpload(t.Context(), address, Auth{})
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			if (u.version == 0) != (name == "version 0") {
				t.Fatalf("the remote speaks version %d", u.version)
			}
			head := r.heads[len(r.heads)-1]
			for _, branch := range []string{"", "main", "refs/heads/main"} {
				if ref, err := u.Branch(t.Context(), branch); err != nil || ref != (Ref{"refs/heads/main", head}) {
					t.Fatalf("%q: %+v %v", branch, ref, err)
				}
			}
			if _, err := u.Branch(t.Context(), "nope"); !errors.Is(err, ErrNotFound) {
				t.Errorf("a branch that is not there: %v", err)
			}
			all := r.fetch(u, UploadRequest{Want: head, Depth: 1})
			if got, want := received(t, all), r.files(head); !maps.Equal(got, want) {
				t.Errorf("%d files, want %d", len(got), len(want))
			}
			info, err := all.Commit(head)
			if err != nil || !slices.Equal(info.Parents, r.heads[len(r.heads)-2:len(r.heads)-1]) {
				t.Errorf("%+v %v", info, err)
			}
			old := r.heads[3]
			news := r.fetch(u, UploadRequest{Want: head, Have: old, Shallow: []string{old}})
			want := r.files(head)
			for id := range r.files(old) {
				delete(want, id)
			}
			got := received(t, news)
			for id, content := range want {
				if got[id] != content {
					t.Errorf("%s is missing or wrong", id)
				}
			}
			for _, id := range r.heads[4:] {
				if _, err := news.Commit(id); err != nil {
					t.Error(err)
				}
			}
			err = u.Fetch(t.Context(), UploadRequest{Want: head, Have: strings.Repeat("1", 40)}, func(io.Reader) error { return nil })
			if !errors.Is(err, ErrUnknownCommit) {
				t.Errorf("a commit that the remote does not have: %v", err)
			}
		})
	}
}

func TestUploadThatFails(t *testing.T) {
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/denied/info/refs":
			w.WriteHeader(http.StatusUnauthorized)
		case "/gone/info/refs":
			w.WriteHeader(http.StatusNotFound)
		case "/away/info/refs":
			http.Redirect(w, r, "http://git.example.org/index.git/info/refs", http.StatusFound)
		case "/cut/info/refs":
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			_, _ = io.WriteString(w, "000eversion 2\n0010ag")
		case "/error/info/refs":
			w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
			_, _ = io.WriteString(w, "0011ERR go away\x1b!\n")
		default:
			_, _ = io.WriteString(w, "<html>hello</html>")
		}
	}))
	defer html.Close()
	empty := filepath.Join(t.TempDir(), "empty.git")
	if _, err := InitBare(empty, "main"); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]struct {
		kind error
		says string
	}{
		html.URL + "/index.git":    {ErrNetwork, "not git's"},
		html.URL + "/denied":       {ErrAuth, ""},
		html.URL + "/gone":         {ErrNotFound, ""},
		html.URL + "/away":         {ErrNetwork, "not https"},
		html.URL + "/cut":          {ErrNetwork, "unexpected EOF"},
		html.URL + "/error":        {ErrNetwork, "the remote says: go away !"},
		"http://127.0.0.1:1/i.git": {ErrNetwork, ""},
		t.TempDir():                {ErrNotFound, ""},
		empty:                      {ErrNotFound, "empty"},
		"ext::sh -c x":             {ErrURL, ""},
	} {
		u, err := DialUpload(t.Context(), address, Auth{})
		if err == nil {
			_, err = u.Branch(t.Context(), "")
			u.Close()
		}
		if !errors.Is(err, want.kind) || !strings.Contains(fmt.Sprint(err), want.says) {
			t.Errorf("%s: %v, want %v %q", address, err, want.kind, want.says)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := DialUpload(ended, empty, Auth{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestPackThatIsDamaged changes every byte of a pack: it must be refused.
func TestPackThatIsDamaged(t *testing.T) {
	r := newRemoteRepository(t, 3)
	r.gc()
	whole := r.pack()
	dir := t.TempDir()
	if p, err := ReadPack(bytes.NewReader(whole), dir, nil); err != nil || p.Len() == 0 {
		t.Fatal(err)
	} else if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		data := bytes.Clone(whole)
		data[at] ^= 0x10
		if p, err := ReadPack(bytes.NewReader(data), dir, nil); err == nil {
			t.Errorf("byte %d changed, and nobody noticed", at)
			p.Close()
		}
		if at%7 == 0 {
			if p, err := ReadPack(bytes.NewReader(whole[:at]), dir, nil); err == nil {
				t.Errorf("cut off after %d bytes, and nobody noticed", at)
				p.Close()
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func (r *remoteRepository) pack() []byte {
	r.t.Helper()
	u, err := DialUpload(r.t.Context(), r.path, Auth{})
	if err != nil {
		r.t.Fatal(err)
	}
	defer u.Close()
	var whole []byte
	err = u.Fetch(r.t.Context(), UploadRequest{Want: r.heads[len(r.heads)-1]}, func(in io.Reader) (err error) {
		whole, err = io.ReadAll(in)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return whole
}

// FuzzDelta applies anything to anything: nothing may crash, and what comes out
// has the size that was promised.
func FuzzDelta(f *testing.F) {
	f.Add([]byte("hello, world"), []byte{12, 7, 0x90, 5, 2, '!', '?'})
	f.Add([]byte("hello, world"), []byte{12, 5, 0xb0, 5, 0})
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, err := applyDelta(nil, base, delta)
		if err != nil {
			return
		}
		_, rest, _ := deltaSize(delta)
		if size, _, _ := deltaSize(rest); size != len(out) {
			t.Fatalf("%d bytes, want %d", len(out), size)
		}
	})
}
