package releaseindex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/clydepm/clyde/index"
)

// Bounds of what a host says.
const (
	maxPages    = 20
	maxDocument = 32 << 20
	maxSmall    = 1 << 20 // a line, or a list of checksums
)

// Get reads a document of at most limit bytes. The error is fs.ErrNotExist when
// the server does not have it.
type Get func(ctx context.Context, address string, limit int64) ([]byte, error)

// UnknownError reports a repository whose releases nobody tells of.
type UnknownError struct {
	Page  string
	Asked []string // addresses that were asked in vain
}

func (e *UnknownError) Error() string {
	return e.Page + " has no releases that can be read: nothing is at " + strings.Join(e.Asked, ", nor at ")
}

// FormatError reports an answer that is not what the API promises.
type FormatError struct {
	Address string
	Detail  string
}

func (e *FormatError) Error() string { return e.Address + ": " + e.Detail }

// Asset is a file of a release.
type Asset struct {
	ID      int64  `json:"id"`
	UUID    string `json:"uuid"` // Gitea's
	Name    string `json:"name"`
	State   string `json:"state"` // "uploaded", or "" where the host does not say
	Size    int64  `json:"size"`
	Digest  string `json:"digest"` // "sha256:..." or ""
	Address string `json:"browser_download_url"`
}

// Release is a release of the repository.
type Release struct {
	Tag       string    `json:"tag_name"`
	Draft     bool      `json:"draft"`
	Published time.Time `json:"published_at"`
	Assets    []Asset   `json:"assets"`

	Version string `json:"-"` // that the tag names
	Source  string `json:"-"` // address of the archive of the tag's files
}

// Repository is a repository at a host whose API is known.
type Repository struct {
	page string // of the repository, without a slash at the end
	api  api
	get  Get
}

// api is one way to ask for releases.
type api struct {
	base   string // before "/repos/"
	query  string // that asks for a page
	size   int    // releases on a page
	source string // path of a tag's archive below the repository's page
}

// Open finds out which API the host of a repository's page has. The error is an
// *UnknownError when there is none, or that of Get.
func Open(ctx context.Context, page *url.URL, get Get) (*Repository, error) {
	r := &Repository{page: strings.TrimSuffix(strings.TrimSuffix(page.String(), "/"), ".git"), get: get}
	unknown := &UnknownError{Page: r.page}
	for _, candidate := range apis(page) {
		r.api = candidate
		_, err := r.list(ctx, 1)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		unknown.Asked = append(unknown.Asked, r.address(1))
	}
	return nil, unknown
}

func apis(page *url.URL) []api {
	server := page.Scheme + "://" + page.Host
	gitHub := api{base: server + "/api/v3", query: "per_page=100", size: 100, source: "/archive/refs/tags/"}
	gitea := api{base: server + "/api/v1", query: "limit=50", size: 50, source: "/archive/"}
	host := strings.ToLower(page.Hostname())
	first, _, _ := strings.Cut(host, ".")
	switch {
	case host == "github.com" || host == "www.github.com":
		gitHub.base = "https://api.github.com"
		return []api{gitHub}
	case host == "codeberg.org" || strings.HasPrefix(first, "gitea") || strings.HasPrefix(first, "forgejo"):
		return []api{gitea}
	}
	return []api{gitHub, gitea}
}

func (r *Repository) name() string {
	parts := strings.Split(r.page, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

func (r *Repository) address(page int) string {
	address := r.api.base + "/repos/" + r.name() + "/releases?" + r.api.query
	if page > 1 {
		address += fmt.Sprintf("&page=%d", page)
	}
	return address
}

func (r *Repository) list(ctx context.Context, page int) ([]Release, error) {
	at := r.address(page)
	data, err := r.get(ctx, at, maxDocument)
	if err != nil {
		return nil, err
	}
	var releases []Release
	if err := json.Unmarshal(data, &releases); err != nil || releases == nil {
		return nil, &FormatError{at, "is no list of releases"}
	}
	return releases, nil
}

// Releases lists the releases that are versions.
func (r *Repository) Releases(ctx context.Context) ([]Release, error) {
	var all []Release
	for page := 1; page <= maxPages; page++ {
		releases, err := r.list(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, release := range releases {
			release.Version = versionOf(release.Tag)
			if release.Draft || release.Version == "" {
				continue
			}
			release.Source = r.page + r.api.source + escapePath(release.Tag) + ".tar.gz"
			all = append(all, release)
		}
		if len(releases) < r.api.size {
			break
		}
	}
	return all, nil
}

// published is the time of the release as lines have it, "" where the host does
// not say.
func (r Release) published() string {
	if r.Published.IsZero() {
		return ""
	}
	return r.Published.UTC().Format(index.TimeLayout)
}

func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// versionOf is the full version that a tag ends in, "" when there is none.
func versionOf(tag string) string {
	for i := range len(tag) {
		if i > 0 && !strings.ContainsRune("v-/@", rune(tag[i-1])) {
			continue
		}
		if _, err := index.ParseVersion(tag[i:]); err == nil {
			return tag[i:]
		}
	}
	return ""
}
