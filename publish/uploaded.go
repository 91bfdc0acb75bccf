package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/internal/forge"
)

// maxUploaded bounds an archive that is downloaded to be compared.
const maxUploaded = 4 << 30

// Uploaded is a place on the web where somebody else puts the archives, under
// the same paths as a FileStore. It is a Store that checks that they are there.
type Uploaded struct {
	base string
	http *http.Client
}

// NewUploaded returns the place at base. The error is ErrUsage when base is no
// absolute URL of the web.
func NewUploaded(base string, client *http.Client) (Uploaded, error) {
	if _, err := NewFileStore("", base); err != nil {
		return Uploaded{}, err
	}
	if u, err := url.Parse(base); err != nil || u.Scheme == "file" {
		return Uploaded{}, &Error{Kind: ErrUsage, Detail: fmt.Sprintf("%q is not on the web", base), Remedy: "give an https:// URL that clients can download from"}
	}
	return Uploaded{base: strings.TrimSuffix(base, "/"), http: client}, nil
}

// URL returns the URL that an archive has to have.
func (u Uploaded) URL(name, sha256 string) string {
	return u.base + "/" + sha256 + "/" + url.PathEscape(name)
}

// Put downloads what is at the archive's URL and compares the digest.
func (u Uploaded) Put(ctx context.Context, _, name, sha256sum string) error {
	address := u.URL(name, sha256sum)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := u.http.Do(req)
	if err != nil {
		return &forge.Error{Kind: forge.ErrNetwork, Op: "look for " + address, Err: err}
	}
	defer resp.Body.Close()
	upload := &Error{Kind: ErrRefused, Remedy: "make the archive with 'clyde pack' and upload it to exactly this address"}
	if resp.StatusCode != http.StatusOK {
		upload.Detail = fmt.Sprintf("%s: the server says %s", address, resp.Status)
		return upload
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.LimitReader(resp.Body, maxUploaded)); err != nil {
		return &forge.Error{Kind: forge.ErrNetwork, Op: "read " + address, Err: err}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sha256sum {
		upload.Detail = fmt.Sprintf("%s: there are other bytes, with sha256 %s", address, got)
		return upload
	}
	return nil
}
