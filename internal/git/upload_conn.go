package git

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/clydepm/clyde/internal/process"
)

// webConn speaks over smart HTTP: every request is one of its own.
type webConn struct {
	client *http.Client
	base   string // the repository's address, where it was found
	user   *url.Userinfo
	asked  bool // git's credential helpers were asked
}

func newWebConn(ep *transport.Endpoint, auth Auth) *webConn {
	host := ep.Host
	if ep.Port != 0 {
		host += ":" + strconv.Itoa(ep.Port)
	}
	base := url.URL{Scheme: ep.Protocol, Host: host, Path: strings.TrimSuffix(ep.Path, "/")}
	c := &webConn{base: base.String(), client: &http.Client{CheckRedirect: checkRedirect}}
	switch {
	case auth.Token != "":
		c.user = url.UserPassword(cmp.Or(auth.User, "x-access-token"), auth.Token)
	case ep.Password != "":
		c.user = url.UserPassword(ep.User, ep.Password)
	case ep.User != "":
		c.user = url.User(ep.User)
	}
	return c
}

// checkRedirect follows a few redirections, none of them away from https, and
// gives what is for one host to no other.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return errors.New("too many redirections")
	}
	if req.URL.Host != via[0].URL.Host {
		req.Header.Del("Authorization") // net/http lets hosts below the first one have it
	}
	if req.URL.Scheme != "https" && (via[0].URL.Scheme == "https" || !isLoopback(req.URL.Hostname())) {
		return fmt.Errorf("redirected to %s, which is not https", Redact(req.URL.String()))
	}
	return nil
}

func (c *webConn) Close() error { return nil }

func (c *webConn) greet(ctx context.Context) (io.ReadCloser, error) {
	const service = "/info/refs?service=git-upload-pack"
	resp, err := c.do(ctx, http.MethodGet, c.base+service, nil)
	if err != nil {
		return nil, err
	}
	if found, ok := strings.CutSuffix(resp.Request.URL.String(), service); ok {
		if !sameOrigin(c.base, found) {
			c.user, c.asked = nil, false // of the host that was asked, not of where it sent us
		}
		c.base = found
	}
	const kind = "application/x-git-upload-pack-advertisement"
	if got := resp.Header.Get("Content-Type"); got != kind {
		return nil, errors.Join(fmt.Errorf("the answer is %.80q and not git's", got), resp.Body.Close())
	}
	return resp.Body, nil
}

// sameOrigin reports whether two addresses have the same scheme and host.
func sameOrigin(a, b string) bool {
	one, err := url.Parse(a)
	if err != nil {
		return false
	}
	two, err := url.Parse(b)
	return err == nil && one.Scheme == two.Scheme && one.Host == two.Host
}

func (c *webConn) ask(ctx context.Context, request []byte) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodPost, c.base+"/git-upload-pack", request)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// do sends a request, a second time with what git's credential helpers know if
// the remote wants credentials.
func (c *webConn) do(ctx context.Context, method, address string, body []byte) (*http.Response, error) {
	resp, err := c.send(ctx, method, address, body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || c.asked {
		return c.check(resp, err)
	}
	c.asked = true
	user, found := askCredential(ctx, c.base, c.user)
	if !found {
		return c.check(resp, err)
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	c.user = user
	return c.check(c.send(ctx, method, address, body))
}

func (c *webConn) send(ctx context.Context, method, address string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Git-Protocol", "version=2")
	req.Header.Set("User-Agent", "git/"+uploadAgent) // some hosts answer only what calls itself git
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		req.Header.Set("Accept", "application/x-git-upload-pack-result")
	}
	if password, ok := c.user.Password(); ok {
		req.SetBasicAuth(c.user.Username(), password)
	}
	return c.client.Do(req)
}

// check sorts answers that are none.
func (c *webConn) check(resp *http.Response, err error) (*http.Response, error) {
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	err = fmt.Errorf("the remote answers %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		err = transport.ErrAuthenticationRequired
	case http.StatusForbidden:
		err = transport.ErrAuthorizationFailed
	case http.StatusNotFound:
		err = transport.ErrRepositoryNotFound
	}
	return nil, errors.Join(err, resp.Body.Close())
}

// askCredential asks the credential helpers that the user's git is configured
// with, if there is a git. Nobody is prompted.
func askCredential(ctx context.Context, base string, user *url.Userinfo) (*url.Userinfo, bool) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, false
	}
	question := fmt.Sprintf("protocol=%s\nhost=%s\npath=%s\n", u.Scheme, u.Host, strings.TrimPrefix(u.Path, "/"))
	if user.Username() != "" {
		question += "username=" + user.Username() + "\n"
	}
	cmd := exec.CommandContext(ctx, "git", "credential", "fill")
	cmd.Env = append(process.WithoutOwnSecrets(cmd.Environ()), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=")
	cmd.Stdin = strings.NewReader(question + "\n")
	cmd.WaitDelay = programPatience
	answer, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	found := map[string]string{}
	for line := range strings.Lines(string(answer)) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		found[name] = value
	}
	return url.UserPassword(found["username"], found["password"]), found["password"] != ""
}

// programPatience is how long a program may take to end when it is told to.
const programPatience = 2 * time.Second

// maxComplaint bounds the bytes kept of what a program writes to its standard
// error.
const maxComplaint = 2048

// programConn speaks with a program over its standard input and output:
// git-upload-pack itself for a repository on this machine, ssh for one far away.
// The program of the system is used for ssh because it knows the user's keys,
// hosts, proxies and agent.
type programConn struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr *process.Tail
}

func newProgramConn(ctx context.Context, ep *transport.Endpoint) (*programConn, error) {
	// The program is our own, so it may leave out what is not wanted.
	name, args := "git", []string{"-c", "uploadpack.allowFilter=true", "upload-pack", ep.Path}
	if ep.Protocol == "ssh" {
		name, args = sshCommand(ep)
	}
	// The program outlives the question that starts it; see while and Close.
	c := &programConn{cmd: exec.CommandContext(context.WithoutCancel(ctx), name, args...), stderr: process.NewTail(maxComplaint)}
	c.cmd.Env = append(process.WithoutOwnSecrets(c.cmd.Environ()), "GIT_PROTOCOL=version=2")
	c.cmd.Stderr = c.stderr
	c.cmd.WaitDelay = programPatience
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, &Error{Op: "start", Name: name, Err: err, Remedy: "this kind of address needs the program " + name}
	}
	return c, nil
}

// sshCommand is the command line that git uses, too. The path is quoted for the
// shell of the remote.
func sshCommand(ep *transport.Endpoint) (name string, args []string) {
	args = []string{"-o", "SendEnv=GIT_PROTOCOL"}
	if ep.Port != 0 && ep.Port != 22 {
		args = append(args, "-p", strconv.Itoa(ep.Port))
	}
	path := "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(ep.Path) + "'"
	host := strings.Trim(ep.Host, "[]")
	return "ssh", append(args, "--", ep.User+"@"+host, "git-upload-pack "+path)
}

func (c *programConn) greet(ctx context.Context) (io.ReadCloser, error) {
	return c.while(ctx, &explainedReader{c}), nil
}

func (c *programConn) ask(ctx context.Context, request []byte) (io.ReadCloser, error) {
	answer := c.while(ctx, c.out)
	if _, err := c.in.Write(request); err != nil {
		return nil, errors.Join(c.explain(err), answer.Close())
	}
	return answer, nil
}

// while makes the program end with the context, until the answer is closed.
func (c *programConn) while(ctx context.Context, answer io.Reader) io.ReadCloser {
	return answering{answer, context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })}
}

type answering struct {
	io.Reader
	stop func() bool
}

func (a answering) Close() error {
	a.stop()
	return nil
}

// Close tells the program that nothing more is asked, and waits for it.
func (c *programConn) Close() error {
	_, _ = io.WriteString(c.in, pktFlush) // the program may have ended already
	_ = c.in.Close()
	_, _ = io.Copy(io.Discard, c.out)
	_ = c.cmd.Wait() // how it ends after its last answer says nothing
	return nil
}

// explainedReader reads what the program says; if it says nothing, the error is
// what it complained of.
type explainedReader struct{ c *programConn }

func (r *explainedReader) Read(b []byte) (int, error) {
	n, err := r.c.out.Read(b)
	if n == 0 && errors.Is(err, io.EOF) {
		return 0, r.c.explain(io.ErrUnexpectedEOF)
	}
	return n, err
}

func (c *programConn) explain(err error) error {
	_ = c.in.Close()
	_ = c.cmd.Wait()
	text := strings.TrimSpace(string(c.stderr.Bytes()))
	switch {
	case text == "":
		return err
	case strings.Contains(text, "does not appear to be a git repository"), strings.Contains(text, "not a git repository"):
		return fmt.Errorf("%w: %w", transport.ErrRepositoryNotFound, remoteSays(text))
	case strings.Contains(text, "Permission denied"):
		return fmt.Errorf("%w: %w", transport.ErrAuthorizationFailed, remoteSays(text))
	}
	return remoteSays(text)
}
