package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Upload is a conversation with the program of a remote that sends objects,
// git-upload-pack. It speaks version 2 of git's protocol, in which a remote
// names only the references that are asked for (an index has one for every
// pull request there ever was), and version 0 with a remote that knows no
// newer one. Close it when done.
//
// Of this package it is what costs least for a client that needs the files of
// one commit: no repository is made, and the pack is the caller's to read.
type Upload struct {
	address string
	auth    Auth
	conn    uploadConn
	fetched bool          // the program at the other end has sent a pack
	stream  *packetReader // of a connection that is kept; nil on the web
	version int
	caps    map[string]string
	refs    []Ref  // version 0: what the remote has
	head    string // version 0: the branch that HEAD names
}

// uploadConn carries the packets of a conversation.
type uploadConn interface {
	// greet opens the conversation and returns what the remote says first.
	greet(ctx context.Context) (io.ReadCloser, error)
	// ask sends a request and returns the answer. When the context ends before
	// the answer is closed, the conversation does.
	ask(ctx context.Context, request []byte) (io.ReadCloser, error)
	// Close ends the conversation.
	Close() error
}

// uploadAgent is what the program calls itself.
const uploadAgent = "clyde"

// DialUpload begins a conversation. The context bounds its beginning alone.
func DialUpload(ctx context.Context, address string, auth Auth) (*Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u := &Upload{address: address, auth: auth}
	if err := u.open(ctx); err != nil {
		return nil, errors.Join(remoteError("reach", address, inTime(ctx, err)), u.Close())
	}
	return u, nil
}

// inTime is err, or why the context ended if that is what caused it.
func inTime(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (u *Upload) open(ctx context.Context) error {
	ep, err := endpoint(u.address)
	if err != nil {
		return err
	}
	if ep.Protocol == "http" || ep.Protocol == "https" {
		u.conn = newWebConn(ep, u.auth)
	} else {
		program, err := newProgramConn(ctx, ep)
		if err != nil {
			return err
		}
		u.conn = program
	}
	greeting, err := u.conn.greet(ctx)
	if err != nil {
		return err
	}
	defer greeting.Close()
	packets := newPacketReader(greeting)
	if _, web := u.conn.(*webConn); !web {
		u.stream = packets
	}
	return u.readGreeting(packets)
}

// Close ends the conversation.
func (u *Upload) Close() error {
	if u.conn == nil {
		return nil
	}
	return u.conn.Close()
}

func (u *Upload) readGreeting(packets *packetReader) error {
	u.caps = map[string]string{}
	first, err := packets.read()
	if err == nil && strings.HasPrefix(first.line(), "# service=") {
		if _, err = packets.lines(func(string) error { return nil }); err == nil {
			first, err = packets.read()
		}
	}
	switch {
	case err != nil:
		return noEOF(err)
	case first.special != "":
		return nil // version 0 of an empty repository, or nothing at all
	case first.line() == "version 2":
		u.version = 2
		_, err = packets.lines(func(line string) error {
			name, value, _ := strings.Cut(line, "=")
			u.caps[name] = value
			return nil
		})
		return err
	case first.line() == "version 1":
		if first, err = packets.read(); err != nil || first.special != "" {
			return err
		}
	}
	return u.readRefs(first.line(), packets)
}

// maxRefs bounds the references that a remote may advertise in version 0.
const maxRefs = 1 << 20

// readRefs reads the references of version 0; behind the first one are the
// capabilities.
func (u *Upload) readRefs(first string, packets *packetReader) error {
	first, caps, _ := strings.Cut(first, "\x00")
	for _, c := range strings.Fields(caps) {
		name, value, _ := strings.Cut(c, "=")
		if target, ok := strings.CutPrefix(value, "HEAD:"); ok && name == "symref" {
			u.head = target
		}
		u.caps[name] = value
	}
	add := func(line string) error {
		id, name, ok := strings.Cut(line, " ")
		if id == "shallow" || strings.HasSuffix(name, "^{}") {
			return nil
		}
		if !ok || !validHash(id) || len(u.refs) == maxRefs {
			return fmt.Errorf("the remote advertises %.80q", line)
		}
		if name != "capabilities" { // "capabilities^{}" stands for no reference at all
			u.refs = append(u.refs, Ref{name, id})
		}
		return nil
	}
	if err := add(first); err != nil {
		return err
	}
	_, err := packets.lines(add)
	return err
}

// answer sends a request and reads the answer with read.
func (u *Upload) answer(ctx context.Context, request []byte, read func(*packetReader) error) (err error) {
	body, err := u.conn.ask(ctx, request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	packets := u.stream
	if packets == nil {
		packets = newPacketReader(body)
	}
	return inTime(ctx, read(packets))
}

// command begins a request of version 2.
func (u *Upload) command(name string) []byte {
	b := appendPkt(nil, "command=%s", name)
	b = appendPkt(b, "agent=%s", uploadAgent)
	if _, ok := u.caps["object-format"]; ok {
		b = appendPkt(b, "object-format=sha1")
	}
	return append(b, pktDelim...)
}

// Branch finds a branch of the remote, the one that HEAD names if the name is
// empty. The error is [ErrNotFound] when there is none.
func (u *Upload) Branch(ctx context.Context, branch string) (Ref, error) {
	ref, _, err := u.BranchAnd(ctx, branch, "")
	return ref, err
}

// BranchAnd is Branch, and in the same question what another reference has; ""
// when there is none of that name.
func (u *Upload) BranchAnd(ctx context.Context, branch, other string) (Ref, Hash, error) {
	ref, id, err := u.branch(ctx, branch, other)
	if err != nil {
		return Ref{}, "", remoteError("ask", u.address, err)
	}
	return ref, id, nil
}

func (u *Upload) branch(ctx context.Context, branch, other string) (Ref, Hash, error) {
	if format := u.caps["object-format"]; format != "" && format != "sha1" {
		return Ref{}, "", &Error{Op: "fetch", Name: Redact(u.address), Kind: ErrUnsupported, Err: fmt.Errorf("object format %q", format)}
	}
	remote := &Remote{Head: u.head, Refs: slices.Clone(u.refs)}
	if u.version == 2 {
		var err error
		if remote, err = u.listRefs(ctx, branch, other); err != nil {
			return Ref{}, "", err
		}
	} else {
		remote.guessHead()
	}
	beside := remote.without(other)
	if len(remote.Refs) == 0 && branch == "" {
		return Ref{}, "", &Error{Op: "fetch", Name: Redact(u.address), Kind: ErrNotFound, Err: errors.New("the remote repository is empty")}
	}
	slices.SortFunc(remote.Refs, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	found, err := wanted(remote, FetchOptions{URL: u.address, Branch: branch})
	if err != nil {
		return Ref{}, "", err
	}
	return Ref{Name: found.Ref, ID: found.New}, beside, nil
}

// without takes a reference out of a list, and says what it has.
func (r *Remote) without(name string) Hash {
	i := slices.IndexFunc(r.Refs, func(ref Ref) bool { return ref.Name == name })
	if i < 0 {
		return ""
	}
	id := r.Refs[i].ID
	r.Refs = slices.Delete(r.Refs, i, i+1)
	return id
}

// guessHead finds the branch of HEAD with a remote older than git 1.8.5, which
// does not say.
func (r *Remote) guessHead() {
	i := slices.IndexFunc(r.Refs, func(ref Ref) bool { return ref.Name == "HEAD" })
	if r.Head != "" || i < 0 {
		return
	}
	for _, ref := range r.Refs {
		if ref.ID == r.Refs[i].ID && strings.HasPrefix(ref.Name, "refs/heads/") {
			r.Head = ref.Name
			return
		}
	}
}

// listRefs asks for one branch, or for HEAD, and for another reference.
func (u *Upload) listRefs(ctx context.Context, branch, other string) (*Remote, error) {
	b := u.command("ls-refs")
	b = appendPkt(b, "symrefs")
	if branch == "" {
		b = appendPkt(b, "ref-prefix HEAD")
	} else {
		b = appendPkt(b, "ref-prefix refs/heads/%s", strings.TrimPrefix(branch, "refs/heads/"))
	}
	if other != "" {
		b = appendPkt(b, "ref-prefix %s", other)
	}
	remote := &Remote{}
	err := u.answer(ctx, append(b, pktFlush...), func(packets *packetReader) error {
		_, err := packets.lines(func(line string) error {
			fields := strings.Fields(line)
			if len(fields) < 2 || len(remote.Refs) > maxRefs {
				return fmt.Errorf("the remote lists %.80q", line)
			}
			if !validHash(fields[0]) { // "unborn"
				return nil
			}
			for _, attribute := range fields[2:] {
				if target, ok := strings.CutPrefix(attribute, "symref-target:"); ok && fields[1] == "HEAD" {
					remote.Head = target
					remote.Refs = append(remote.Refs, Ref{target, fields[0]})
				}
			}
			remote.Refs = append(remote.Refs, Ref{fields[1], fields[0]})
			return nil
		})
		return err
	})
	return remote, err
}

// UploadRequest says which objects a remote is to send.
type UploadRequest struct {
	Want    Hash   // the commit
	Also    Hash   // another object; "" for none
	Have    Hash   // a commit all of whose files are here; "" for none
	Shallow []Hash // commits whose parents are not here
	Depth   int    // how many commits, 0 is all of them
	Whole   bool   // the pack is to be complete in itself
	Commits bool   // no trees and no files, of a remote that can leave them out; see [Upload.Filters]
	Limit   int64  // of the pack in bytes, 0 is the limit of this package
}

// commitsOnly is the filter of git's protocol that leaves out trees and files.
const commitsOnly = "tree:0"

// Filters reports whether the remote can leave out what a request does not want.
// Hosts can; a plain git server does with uploadpack.allowFilter.
func (u *Upload) Filters() bool {
	if u.version == 2 {
		return slices.Contains(strings.Fields(u.caps["fetch"]), "filter")
	}
	_, ok := u.caps["filter"]
	return ok
}

// ErrUnknownCommit reports that a remote does not have the commit that is here.
var ErrUnknownCommit = errors.New("the remote does not know the commit that is here")

// errNotReady is the answer of a remote that knows what is here and wants to
// hear that no more is.
var errNotReady = errors.New("the remote sends nothing yet")

// Fetch asks for objects and calls read with the pack, which is thin unless
// req.Whole is set: it may have differences to objects of req.Have. Without a depth the error is
// [ErrUnknownCommit] when the remote does not have req.Have; whether req.Want
// descends from it is to be seen in the pack.
func (u *Upload) Fetch(ctx context.Context, req UploadRequest, read func(pack io.Reader) error) error {
	if err := u.renew(ctx); err != nil {
		return remoteError("reach", u.address, inTime(ctx, err))
	}
	fetch := u.fetchV0
	if u.version == 2 {
		fetch = u.fetchV2
	}
	var inner error
	limit := cmp.Or(req.Limit, maxPackSize)
	err := fetch(ctx, req, func(pack io.Reader) error {
		inner = read(&limitedReader{r: pack, limit: limit, left: limit})
		return inner
	})
	if inner != nil && !isTransport(inner) {
		return inTime(ctx, inner) // of the reader, not of the remote
	}
	return remoteError("fetch", u.address, err)
}

// renew begins another conversation with a program that has sent a pack: it
// keeps in mind where the history of its caller ends, and version 0 has one
// request only.
func (u *Upload) renew(ctx context.Context) error {
	if u.stream == nil || !u.fetched {
		u.fetched = true
		return nil
	}
	if err := u.conn.Close(); err != nil {
		return err
	}
	u.refs = nil
	return u.open(ctx)
}

// isTransport reports whether a reader of a pack failed because the pack broke off.
func isTransport(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

// fetchV2 asks, when something is here, without "done" first: the remote says
// whether it knows what is here, and goes on with the pack in the same answer
// unless times of commits confuse it.
func (u *Upload) fetchV2(ctx context.Context, req UploadRequest, read func(pack io.Reader) error) error {
	if req.Have != "" && req.Depth == 0 {
		err := u.requestV2(ctx, req, false, read)
		if !errors.Is(err, errNotReady) {
			return err
		}
	}
	return u.requestV2(ctx, req, true, read)
}

func (u *Upload) requestV2(ctx context.Context, req UploadRequest, done bool, read func(pack io.Reader) error) error {
	b := u.command("fetch")
	if !req.Whole {
		b = appendPkt(b, "thin-pack")
	}
	b = appendPkt(b, "no-progress")
	b = appendPkt(b, "ofs-delta")
	for _, id := range req.Shallow {
		b = appendPkt(b, "shallow %s", id)
	}
	if req.Depth > 0 {
		b = appendPkt(b, "deepen %d", req.Depth)
	}
	if req.Commits && u.Filters() {
		b = appendPkt(b, "filter %s", commitsOnly)
	}
	b = appendPkt(b, "want %s", req.Want)
	if req.Also != "" {
		b = appendPkt(b, "want %s", req.Also)
	}
	if req.Have != "" {
		b = appendPkt(b, "have %s", req.Have)
	}
	if done {
		b = appendPkt(b, "done")
	}
	return u.answer(ctx, append(b, pktFlush...), func(packets *packetReader) error { return readSections(packets, read) })
}

// readSections reads the answer to a fetch of version 2.
func readSections(packets *packetReader, read func(pack io.Reader) error) error {
	end := ErrUnknownCommit
	for {
		pkt, err := packets.read()
		switch {
		case err != nil:
			return noEOF(err)
		case pkt.special != "":
			return end
		case pkt.line() == "packfile":
			return readPackStream(&sidebandReader{packets: packets}, read)
		}
		special, err := packets.lines(func(line string) error {
			if strings.HasPrefix(line, "ACK ") {
				end = errNotReady
			}
			return nil
		})
		if err != nil {
			return err
		}
		if special != pktDelim {
			return end
		}
	}
}

// readPackStream reads a pack to its end, so that the conversation can go on.
func readPackStream(r io.Reader, read func(pack io.Reader) error) error {
	if err := read(r); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

func (u *Upload) fetchV0(ctx context.Context, req UploadRequest, read func(pack io.Reader) error) error {
	sideband, known := "", slices.Collect(maps.Keys(u.caps))
	for _, kind := range []string{"side-band-64k", "side-band"} {
		if sideband == "" && slices.Contains(known, kind) {
			sideband = kind
		}
	}
	line := "want " + req.Want
	for _, c := range []string{sideband, "thin-pack", "ofs-delta", "no-progress", "shallow", "filter"} {
		if c != "" && slices.Contains(known, c) && (c != "thin-pack" || !req.Whole) && (c != "filter" || req.Commits) {
			line += " " + c
		}
	}
	b := appendPkt(nil, "%s agent=%s", line, uploadAgent)
	if req.Also != "" {
		b = appendPkt(b, "want %s", req.Also)
	}
	for _, id := range req.Shallow {
		b = appendPkt(b, "shallow %s", id)
	}
	if req.Depth > 0 {
		b = appendPkt(b, "deepen %d", req.Depth)
	}
	if req.Commits && u.Filters() {
		b = appendPkt(b, "filter %s", commitsOnly)
	}
	b = append(b, pktFlush...)
	if req.Have != "" {
		b = appendPkt(b, "have %s", req.Have)
	}
	b = appendPkt(b, "done")
	return u.answer(ctx, b, func(packets *packetReader) error {
		if err := readAcknowledgements(packets, req); err != nil {
			return err
		}
		if sideband != "" {
			return readPackStream(&sidebandReader{packets: packets}, read)
		}
		return readPackStream(packets.r, read)
	})
}

// readAcknowledgements reads what stands before the pack in version 0.
func readAcknowledgements(packets *packetReader, req UploadRequest) error {
	if req.Depth > 0 {
		if _, err := packets.lines(func(string) error { return nil }); err != nil {
			return err
		}
	}
	pkt, err := packets.read()
	if err != nil {
		return noEOF(err)
	}
	if req.Have != "" && req.Depth == 0 && !strings.HasPrefix(pkt.line(), "ACK "+req.Have) {
		return ErrUnknownCommit
	}
	return nil
}
