package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/clydepm/clyde/internal/forge"
)

// Release is a release on GitHub.
type Release struct {
	ID         int64
	Tag        string
	Draft      bool
	Prerelease bool
	Immutable  bool
	Page       string // its URL for people

	client *Client
	upload string // URL
	assets map[string]asset
}

// description is what GitHub says about a release.
type description struct {
	ID         int64   `json:"id"`
	Tag        string  `json:"tag_name"`
	Draft      bool    `json:"draft"`
	Prerelease bool    `json:"prerelease"`
	Immutable  bool    `json:"immutable"`
	Page       string  `json:"html_url"`
	UploadURL  string  `json:"upload_url"`
	Assets     []asset `json:"assets"`
}

func (r *Release) take(d description) {
	r.ID, r.Tag, r.Draft, r.Prerelease, r.Immutable, r.Page = d.ID, d.Tag, d.Draft, d.Prerelease, d.Immutable, d.Page
	r.upload, _, _ = strings.Cut(d.UploadURL, "{") // it ends in {?name,label}
	r.assets = map[string]asset{}
	for _, a := range d.Assets {
		r.assets[a.Name] = a
	}
}

type asset struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	State  string `json:"state"`  // "uploaded", or what a broken upload left
	Digest string `json:"digest"` // "sha256:..."; "" where GitHub does not say
	Size   int64  `json:"size"`
}

// path is where the API has it, from the repository.
func (a asset) path() string { return "/releases/assets/" + strconv.FormatInt(a.ID, 10) }

// ImmutableError reports a release that takes no files any more. It is
// forge.ErrRefused.
type ImmutableError struct{ Tag, Name string }

func (e *ImmutableError) Error() string {
	return fmt.Sprintf("the release %s is immutable and published, so it does not take %s", e.Tag, e.Name)
}

// Hint says what to do instead.
func (e *ImmutableError) Hint() string {
	return "make the release as a draft in the job itself, give its tag to the action (input tag), and let the action upload and publish it"
}

// Is makes the error match forge.ErrRefused.
func (e *ImmutableError) Is(target error) bool { return target == forge.ErrRefused }

// AssetName returns the name under which GitHub keeps a file: what is not a
// letter, a digit or one of ". _ -" becomes a ".".
func AssetName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '.'
	}, name)
}

// URL returns the URL of an asset that is or will be there, once the release is
// published. The digest, which a store may use in its URLs, is not in it.
func (r *Release) URL(name, _ string) string {
	return r.client.opts.Web + "/" + r.client.opts.Repository + "/releases/download/" + escapePath(r.Tag) + "/" + url.PathEscape(AssetName(name))
}

// content is what an asset has to be. The bytes are opened as often as they are
// needed, and are never in memory as a whole when they come from a file.
type content struct {
	size   int64
	digest string // SHA-256 in hex
	open   func() (io.ReadCloser, error)
}

// fileContent reads a file once for its size and digest.
func fileContent(name string) (content, error) {
	f, err := os.Open(name)
	if err != nil {
		return content{}, err
	}
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	return content{size, hex.EncodeToString(hash.Sum(nil)), func() (io.ReadCloser, error) { return os.Open(name) }}, errors.Join(err, f.Close())
}

// Put uploads the file from, which has the SHA-256 given in hex, or does nothing
// when it is there. Other bytes under that name are replaced.
func (r *Release) Put(ctx context.Context, from, name, digest string) error {
	c, err := fileContent(from)
	if err != nil {
		return err
	}
	if c.digest != digest {
		return fmt.Errorf("%s has the SHA-256 %s and not %s", from, c.digest, digest)
	}
	return r.put(ctx, name, c)
}

// PutBytes uploads an asset, or does nothing when it is there. Other bytes under
// that name are replaced.
func (r *Release) PutBytes(ctx context.Context, name string, data []byte) error {
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return r.put(ctx, name, content{int64(len(data)), digestOf(data), open})
}

func (r *Release) put(ctx context.Context, name string, want content) error {
	name = AssetName(name)
	op := fmt.Sprintf("upload %s to the release %s", name, r.Tag)
	have, ok := r.assets[name]
	if ok {
		same, err := r.same(ctx, have, want)
		if err != nil || same {
			return explain(op, err)
		}
	}
	if r.Immutable && !r.Draft {
		return &ImmutableError{r.Tag, name}
	}
	if ok {
		if err := r.remove(ctx, have); err != nil {
			return explain(op, err)
		}
	}
	return explain(op, r.create(ctx, name, want))
}

// same reports whether an asset has these bytes, whole. What is too large to look
// at, where GitHub does not say its digest, is taken for other bytes.
func (r *Release) same(ctx context.Context, have asset, want content) (bool, error) {
	if have.State != "uploaded" || have.Size != want.size {
		return false, nil
	}
	if have.Digest != "" {
		return have.Digest == "sha256:"+want.digest, nil
	}
	if have.Size > forge.MaxResponse {
		return false, nil
	}
	there, err := r.download(ctx, have)
	return err == nil && digestOf(there) == want.digest, err
}

// remove deletes an asset. One that is gone already is what was wanted.
func (r *Release) remove(ctx context.Context, a asset) error {
	// Deleting twice does no harm: the second time there is nothing.
	err := r.client.call(forge.Repeatable(ctx), http.MethodDelete, "/releases/assets/"+strconv.FormatInt(a.ID, 10), nil, nil)
	if err != nil && status(err) != http.StatusNotFound {
		return err
	}
	delete(r.assets, a.Name)
	return nil
}

// create makes the asset. When it is not known whether an upload took effect, the
// release is looked at before it is made again.
func (r *Release) create(ctx context.Context, name string, want content) error {
	const attempts = 4
	for attempt := 1; ; attempt++ {
		err := r.uploadOnce(ctx, name, want)
		code := status(err)
		taken := code == http.StatusUnprocessableEntity && strings.Contains(err.Error(), "already_exists")
		unclear := err != nil && (code == 0 || code >= 500 || taken)
		switch {
		case err == nil:
			return nil
		case code == http.StatusUnprocessableEntity && strings.Contains(strings.ToLower(err.Error()), "immutable"):
			return &ImmutableError{r.Tag, name}
		case !unclear || attempt == attempts || ctx.Err() != nil:
			return err
		}
		if err := r.readAssets(ctx); err != nil {
			return err
		}
		have, there := r.assets[name]
		if !there {
			continue
		}
		if same, err := r.same(ctx, have, want); err != nil || same {
			return err
		}
		if err := r.remove(ctx, have); err != nil {
			return err
		}
	}
}

func (r *Release) uploadOnce(ctx context.Context, name string, want content) error {
	body, err := want.open()
	if err != nil {
		return err
	}
	defer body.Close()
	request, err := newRequest(ctx, http.MethodPost, r.upload+"?name="+url.QueryEscape(name), "application/vnd.github+json", body)
	if err != nil {
		return err
	}
	request.ContentLength, request.GetBody = want.size, want.open
	request.Header.Set("Content-Type", "application/octet-stream")
	answer, _, err := r.client.do(request)
	if err != nil {
		return err
	}
	var made asset
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	if made.Name != name {
		return &forge.Error{Kind: forge.ErrRefused, Op: "upload " + name, Detail: "GitHub calls it " + made.Name}
	}
	r.assets[name] = made
	return nil
}

// Read returns an asset; nil when there is none that is whole.
func (r *Release) Read(ctx context.Context, name string) ([]byte, error) {
	a, ok := r.assets[AssetName(name)]
	if !ok || a.State != "uploaded" {
		return nil, nil
	}
	data, err := r.download(ctx, a)
	return data, explain("read "+a.Name+" of the release "+r.Tag, err)
}

func (r *Release) download(ctx context.Context, a asset) ([]byte, error) {
	return r.client.exchange(ctx, http.MethodGet, a.path(), "", "application/octet-stream", nil)
}

// Publish makes a draft public. It does nothing to a release that is.
func (r *Release) Publish(ctx context.Context) error {
	if !r.Draft {
		return nil
	}
	var now description
	err := r.client.call(ctx, http.MethodPatch, "/releases/"+strconv.FormatInt(r.ID, 10), map[string]bool{"draft": false}, &now)
	if err != nil {
		return explain("publish the release "+r.Tag, err)
	}
	r.take(now)
	return nil
}

// readAssets looks at the release again.
func (r *Release) readAssets(ctx context.Context) error {
	var now description
	if err := r.client.call(ctx, http.MethodGet, "/releases/"+strconv.FormatInt(r.ID, 10), nil, &now); err != nil {
		return err
	}
	r.take(now)
	return nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
