package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/revlist"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
)

// maxPackSize bounds what one fetch may bring.
const maxPackSize = 4 << 30

// Auth is what a remote on the web asks for. It goes into the header of
// requests, and into no URL and no argument of a program.
type Auth struct{ User, Token string }

// method is the form that go-git takes; nil for a zero Auth. A remote that is
// not on the web has its own way.
func (a Auth) method(ep *transport.Endpoint) transport.AuthMethod {
	if a.Token == "" || ep.Protocol != "https" && ep.Protocol != "http" {
		return nil
	}
	return &http.BasicAuth{Username: cmp.Or(a.User, "x-access-token"), Password: a.Token}
}

// Ref is a reference and the object it points to.
type Ref struct {
	Name string
	ID   Hash
}

// Remote is what a remote advertises.
type Remote struct {
	Head string // the branch that HEAD names, "" when it is not known
	Refs []Ref  // sorted by name, none in an empty repository

	peeled map[string]Hash
}

// Peeled is the object that an annotated tag, by its full reference name, is
// about in the end. It reports false for any other reference.
func (r *Remote) Peeled(name string) (Hash, bool) {
	id, ok := r.peeled[name]
	return id, ok
}

// Find is the object of a full reference name.
func (r *Remote) Find(name string) (Hash, bool) {
	i, ok := slices.BinarySearchFunc(r.Refs, name, func(ref Ref, name string) int { return cmp.Compare(ref.Name, name) })
	if !ok {
		return "", false
	}
	return r.Refs[i].ID, true
}

// ListRemote asks a remote for its references. An empty repository has none
// and is no error.
func ListRemote(ctx context.Context, address string) (*Remote, error) {
	return ListRemoteAs(ctx, address, Auth{})
}

// ListRemoteAs is ListRemote with credentials.
func ListRemoteAs(ctx context.Context, address string, auth Auth) (*Remote, error) {
	return listRemote(ctx, address, auth, nil)
}

// ListRemoteOver is ListRemote over connections of the client, where the address
// is one of the web.
func ListRemoteOver(ctx context.Context, address string, over *nethttp.Client) (*Remote, error) {
	return listRemote(ctx, address, Auth{}, over)
}

func listRemote(ctx context.Context, address string, auth Auth, over *nethttp.Client) (*Remote, error) {
	ep, err := endpoint(address)
	if err != nil {
		return nil, err
	}
	var c transport.Transport
	if over != nil && (ep.Protocol == "https" || ep.Protocol == "http") {
		c = http.NewClient(over)
	} else if c, err = client.NewClient(ep); err != nil {
		return nil, remoteError("list", address, err)
	}
	s, err := c.NewUploadPackSession(ep, auth.method(ep))
	if err != nil {
		return nil, remoteError("list", address, err)
	}
	defer s.Close()
	advertised, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &Remote{Head: unbornHead(ep)}, nil
	}
	if err != nil {
		return nil, remoteError("list", address, err)
	}
	return remoteOf(advertised), nil
}

// unbornHead is the branch that HEAD of an empty repository names. The protocol
// tells it only since version 2, but a repository on this machine can be read.
func unbornHead(ep *transport.Endpoint) string {
	if ep.Protocol != "file" {
		return ""
	}
	r, err := Open(ep.Path)
	if err != nil {
		return ""
	}
	defer r.Close()
	head, err := r.HeadRef()
	if err != nil {
		return ""
	}
	return head
}

func remoteOf(advertised *packp.AdvRefs) *Remote {
	r := &Remote{peeled: map[string]Hash{}}
	for name, id := range advertised.References {
		r.Refs = append(r.Refs, Ref{name, id.String()})
	}
	for name, id := range advertised.Peeled {
		r.peeled[name] = id.String()
	}
	slices.SortFunc(r.Refs, func(a, b Ref) int { return cmp.Compare(a.Name, b.Name) })
	for _, symref := range advertised.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(symref, "HEAD:"); ok {
			r.Head = target
		}
	}
	if r.Head == "" && advertised.Head != nil {
		// Servers older than git 1.8.5 do not say which branch HEAD names.
		for _, ref := range r.Refs {
			if ref.ID == advertised.Head.String() && strings.HasPrefix(ref.Name, "refs/heads/") {
				r.Head = ref.Name
				break
			}
		}
	}
	return r
}

// FetchOptions say what to fetch.
type FetchOptions struct {
	URL      string
	Branch   string    // "" is the branch that the remote's HEAD names
	Depth    int       // for a first fetch: how many commits, 0 is all of them
	Have     Hash      // a commit that is here with all that leads to it, for a branch that is not; "" is none
	Progress io.Writer // what the remote tells about its progress; nil is none
	Auth     Auth
}

// Fetched is the outcome of a fetch. The objects of New are in the repository;
// the reference still points to Old.
type Fetched struct {
	Ref      string // full name, the same here and at the remote
	Old, New Hash   // Old is "" when the reference does not exist here
}

// Fetch brings the commits of one branch of a remote and moves nothing: the
// caller compares Old and New, for example with [Repo.IsAncestor], and moves
// the reference with [Repo.CompareAndSwap]. A repository that was cloned with
// a depth stays shallow at the same commit.
func (r *Repo) Fetch(ctx context.Context, opts FetchOptions) (*Fetched, error) {
	fetched, err := r.fetch(ctx, opts)
	if err != nil {
		return nil, remoteError("fetch", opts.URL, err)
	}
	return fetched, nil
}

func (r *Repo) fetch(ctx context.Context, opts FetchOptions) (_ *Fetched, err error) {
	ep, err := endpoint(opts.URL)
	if err != nil {
		return nil, err
	}
	c, err := client.NewClient(ep)
	if err != nil {
		return nil, err
	}
	session, err := c.NewUploadPackSession(ep, opts.Auth.method(ep))
	if err != nil {
		return nil, err
	}
	defer session.Close()
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return nil, &Error{Op: "fetch", Name: Redact(opts.URL), Kind: ErrNotFound, Err: errors.New("the remote repository is empty")}
	}
	if err != nil {
		return nil, err
	}
	fetched, err := wanted(remoteOf(advertised), opts)
	if err != nil {
		return nil, err
	}
	if fetched.Old, err = r.readRef(fetched.Ref); err != nil {
		return nil, &Error{Op: "read", Name: fetched.Ref, Err: err}
	}
	if fetched.Old == fetched.New || r.hasComplete(fetched.New) {
		return fetched, nil
	}
	if err := r.receive(ctx, session, advertised, fetched, opts); err != nil {
		return nil, err
	}
	if _, err := r.CommitInfo(fetched.New); err != nil {
		return nil, err
	}
	return fetched, nil
}

// wanted finds the branch to fetch among what the remote has.
func wanted(remote *Remote, opts FetchOptions) (*Fetched, error) {
	ref := remote.Head
	if opts.Branch != "" {
		ref = "refs/heads/" + strings.TrimPrefix(opts.Branch, "refs/heads/")
	}
	if ref == "" {
		return nil, &Error{
			Op: "fetch", Name: Redact(opts.URL), Kind: ErrNotFound,
			Err: errors.New("the remote names no default branch"), Remedy: "name the branch",
		}
	}
	if err := checkRefName(ref); err != nil {
		return nil, &Error{Op: "fetch", Name: Redact(opts.URL), Kind: ErrNotFound, Err: err}
	}
	id, ok := remote.Find(ref)
	if !ok {
		return nil, &Error{
			Op: "fetch", Name: Redact(opts.URL), Kind: ErrNotFound,
			Err: fmt.Errorf("the remote has no branch %q", strings.TrimPrefix(ref, "refs/heads/")),
		}
	}
	return &Fetched{Ref: ref, New: id}, nil
}

// hasComplete reports whether a commit is here because a reference had it
// before, so that nothing needs to be fetched for it.
func (r *Repo) hasComplete(id Hash) bool {
	head, err := r.HeadRef()
	if err != nil {
		return false
	}
	tip, err := r.readRef(head)
	if err != nil || tip == "" || !r.hasObject(id) {
		return false
	}
	ok, err := r.IsAncestor(id, tip)
	return err == nil && ok
}

// receive asks for fetched.New, naming fetched.Old as what is here, and stores
// the pack. The shallow boundary is told to the remote even when no new depth
// is asked for: otherwise it would take the history behind it for present, and
// leave out files that only that history has.
func (r *Repo) receive(ctx context.Context, session transport.UploadPackSession, advertised *packp.AdvRefs, fetched *Fetched, opts FetchOptions) error {
	req := packp.NewUploadPackRequestFromCapabilities(advertised.Capabilities)
	req.Wants = []plumbing.Hash{plumbing.NewHash(fetched.New)}
	if fetched.Old != "" {
		req.Haves = []plumbing.Hash{plumbing.NewHash(fetched.Old)}
	} else if opts.Have != "" {
		req.Haves = []plumbing.Hash{plumbing.NewHash(opts.Have)}
	} else if opts.Depth > 0 {
		req.Depth = packp.DepthCommits(opts.Depth)
	}
	boundary, err := r.shallowCommits()
	if err != nil {
		return err
	}
	for id := range boundary {
		req.Shallows = append(req.Shallows, plumbing.NewHash(id))
	}
	if !req.Depth.IsZero() || len(req.Shallows) > 0 {
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	if opts.Progress == nil && advertised.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	response, err := session.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer response.Close()
	return r.storePack(response, req, opts.Progress)
}

func (r *Repo) storePack(response *packp.UploadPackResponse, req *packp.UploadPackRequest, progress io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	pack := &limitedReader{r: demultiplex(req.Capabilities, response, progress), limit: maxPackSize, left: maxPackSize}
	if err := packfile.UpdateObjectStorage(r.storage, pack); err != nil {
		return fmt.Errorf("receive objects: %w", err)
	}
	if len(response.Shallows) == 0 && len(response.Unshallows) == 0 {
		return nil
	}
	known, err := r.storage.Shallow()
	if err != nil {
		return err
	}
	known = append(known, response.Shallows...)
	known = slices.DeleteFunc(known, func(id plumbing.Hash) bool { return slices.Contains(response.Unshallows, id) })
	return r.storage.SetShallow(known)
}

// FetchCommit brings a commit that no reference has to name, and all that leads
// to it, from a remote that still has it. Nothing refers to it afterwards. All
// that leads to the commit have is in the repository already; "" is none. The
// error is [ErrUnknownCommit] when the remote does not have that one.
func (r *Repo) FetchCommit(ctx context.Context, from *Upload, want, have Hash) error {
	return from.Fetch(ctx, UploadRequest{Want: want, Have: have, Whole: true}, func(pack io.Reader) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		return packfile.UpdateObjectStorage(r.storage, pack)
	})
}

// demultiplex parts the pack from the remote's messages.
func demultiplex(caps *capability.List, r io.Reader, progress io.Writer) io.Reader {
	kind := sideband.Sideband64k
	switch {
	case caps.Supports(capability.Sideband64k):
	case caps.Supports(capability.Sideband):
		kind = sideband.Sideband
	default:
		return r
	}
	d := sideband.NewDemuxer(kind, r)
	d.Progress = progress
	return d
}

// limitedReader fails, and does not just end, when there is more than it may
// give.
type limitedReader struct {
	r           io.Reader
	limit, left int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, &UnsafeError{Rule: "object/size", Detail: fmt.Sprintf("the remote sends more than %d bytes", l.limit)}
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// Clone makes a bare repository at path with one branch of a remote, which is
// also HEAD. The repository appears at path when it is complete; a clone that
// fails leaves nothing behind.
func Clone(ctx context.Context, path string, opts FetchOptions) (_ *Repo, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return nil, &Error{Op: "clone to", Name: path, Kind: ErrExists}
	}
	if err := CheckURL(opts.URL); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, &Error{Op: "clone to", Name: path, Err: err}
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return nil, &Error{Op: "clone to", Name: path, Err: err}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }() // nothing is left of it on success
	if err := cloneInto(ctx, temp, opts); err != nil {
		return nil, err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return nil, &Error{Op: "clone to", Name: path, Err: err}
	}
	if err := os.Rename(temp, path); err != nil {
		return nil, &Error{Op: "clone to", Name: path, Err: err}
	}
	return Open(path)
}

func cloneInto(ctx context.Context, path string, opts FetchOptions) error {
	r, err := InitBare(path, "main")
	if err != nil {
		return err
	}
	defer r.Close()
	fetched, err := r.Fetch(ctx, opts)
	if err != nil {
		return err
	}
	if err := r.CompareAndSwap(fetched.Ref, fetched.Old, fetched.New); err != nil {
		return err
	}
	return writeFile(filepath.Join(path, "HEAD"), []byte("ref: "+fetched.Ref+"\n"))
}

// PushOptions say which reference of a remote is moved, and from where to where.
type PushOptions struct {
	URL, Ref string
	Old, New Hash // Old is "" when the reference must not exist
	Force    bool // New need not descend from Old
	Auth     Auth
}

// Push moves a reference at a remote from old to next and sends what is missing
// there. An empty old means that the reference must not exist. It never forces:
// when the remote's reference has another value, or next does not descend from
// old, the error is [ErrConflict].
func (r *Repo) Push(ctx context.Context, address, ref string, old, next Hash) error {
	return r.PushWith(ctx, PushOptions{URL: address, Ref: ref, Old: old, New: next})
}

// PushWith is Push with all of its options. Even with Force the remote's
// reference must have the value Old, or New already.
func (r *Repo) PushWith(ctx context.Context, opts PushOptions) error {
	if err := r.push(ctx, opts); err != nil {
		return remoteError("push to", opts.URL, err)
	}
	return nil
}

func (r *Repo) push(ctx context.Context, opts PushOptions) error {
	address, ref, old, next := opts.URL, opts.Ref, opts.Old, opts.New
	ep, err := endpoint(address)
	if err != nil {
		return err
	}
	conflict := func(format string, args ...any) error {
		return &Error{Op: "push to", Name: Redact(address), Kind: ErrConflict, Err: fmt.Errorf(format, args...)}
	}
	if err := checkRefName(ref); err != nil {
		return &Error{Op: "push", Err: err}
	}
	if old != "" && !opts.Force {
		if ok, err := r.IsAncestor(old, next); err != nil {
			return err
		} else if !ok {
			return conflict("%s does not descend from %s", next, old)
		}
	}
	c, err := client.NewClient(ep)
	if err != nil {
		return err
	}
	session, err := c.NewReceivePackSession(ep, opts.Auth.method(ep))
	if err != nil {
		return err
	}
	defer session.Close()
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return err
	}
	remote := remoteOf(advertised)
	switch current, _ := remote.Find(ref); current {
	case next:
		return nil
	case old:
	default:
		return conflict("%s is %s there and not %s", ref, orAbsent(current), orAbsent(old))
	}
	report, err := r.send(ctx, session, advertised, &packp.Command{
		Name: plumbing.ReferenceName(ref), Old: plumbing.NewHash(old), New: plumbing.NewHash(next),
	})
	if report != nil && report.Error() != nil {
		return conflict("the remote refused the update of %s: %w", ref, report.Error())
	}
	return err
}

// send packs what the remote does not have and asks for one update.
func (r *Repo) send(ctx context.Context, session transport.ReceivePackSession, advertised *packp.AdvRefs, command *packp.Command) (*packp.ReportStatus, error) {
	req := packp.NewReferenceUpdateRequestFromCapabilities(advertised.Capabilities)
	req.Commands = []*packp.Command{command}
	r.mu.Lock()
	defer r.mu.Unlock()
	known, err := r.known(advertised)
	if err != nil {
		return nil, err
	}
	objects, err := revlist.Objects(r.storage, []plumbing.Hash{command.New}, known)
	if err != nil {
		return nil, fmt.Errorf("collect the objects to send: %w", err)
	}
	pipeReader, pipeWriter := io.Pipe()
	req.Packfile = pipeReader
	done := make(chan struct{})
	go func() {
		defer close(done)
		const window = 10 // of objects tried as the base of a delta, as git
		_, err := packfile.NewEncoder(pipeWriter, r.storage, false).Encode(objects, window)
		pipeWriter.CloseWithError(err)
	}()
	report, err := session.ReceivePack(ctx, req)
	pipeReader.CloseWithError(io.ErrClosedPipe)
	<-done // the encoder reads the storage, which the lock covers
	return report, err
}

// known is the remote's commits that are here too, and what a shallow clone
// cannot look behind.
func (r *Repo) known(advertised *packp.AdvRefs) ([]plumbing.Hash, error) {
	ids, err := r.storage.Shallow()
	if err != nil {
		return nil, err
	}
	for _, id := range advertised.References {
		if r.storage.HasEncodedObject(id) == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
