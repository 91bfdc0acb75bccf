package registrytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Forge is a host of git repositories with pull requests, on loopback. It keeps
// real repositories in a folder and speaks, strictly, the part of GitHub's REST
// API that clyde calls, one mutation of its GraphQL API, the pull requests of
// Gitea's API, and git's smart HTTP protocol through "git http-backend".
//
//	GITHUB_API_URL     = API()           what GitHub Enterprise has: /api/v3
//	GITHUB_GRAPHQL_URL = URL + "/api/graphql"
//	GITHUB_SERVER_URL  = URL             pages, clones, downloads of assets
//	Gitea              = URL + "/api/v1"
//
// Errors have GitHub's statuses and texts. A request that no real forge would
// understand fails the test.
type Forge struct {
	URL string

	t      testing.TB
	dir    string
	server *httptest.Server
	// backend is git's own server of repositories.
	backend func() string

	mu      sync.Mutex // of everything below
	users   map[string]*user
	tokens  map[string]*Token
	repos   map[string]*repository // by lower-case "owner/name"
	calls   []Call
	faults  func(n int, r *http.Request) Fault
	ids     int
	now     time.Time
	Tree    int // entries that a recursive tree shows before it is cut short
	Unready int // requests that a new fork answers before it is there
}

// Token is what a request authenticates with.
type Token struct {
	Value string
	Login string
	App   bool // of an app, like a workflow's: what it may do is not told

	NoPulls, NoFork, NoLabels bool   // what the token itself may not do
	NoPushTo                  string // "owner/name" that the token itself may not push to
}

// Call is a request that the forge has answered, or was about to.
type Call struct {
	Method, Path string
	Status       int // 0 when the connection was cut
}

type user struct {
	login string
	id    int
}

// NewForge starts a forge that ends with the test.
func NewForge(t testing.TB) *Forge {
	t.Helper()
	f := &Forge{
		t: t, dir: t.TempDir(), users: map[string]*user{}, tokens: map[string]*Token{},
		repos: map[string]*repository{}, Tree: 100_000, now: forgeTime(),
	}
	f.backend = sync.OnceValue(func() string {
		folder, err := exec.Command("git", "--exec-path").Output()
		if err != nil {
			t.Error(err)
		}
		return filepath.Join(strings.TrimSpace(string(folder)), "git-http-backend")
	})
	f.server = httptest.NewUnstartedServer(f.faulty(f.routes()))
	f.server.Start()
	f.URL = f.server.URL
	t.Cleanup(f.server.Close)
	return f
}

// Close ends the forge before the test does, where there are hundreds.
func (f *Forge) Close() { f.server.Close() }

// API is the address of the REST API.
func (f *Forge) API() string { return f.URL + "/api/v3" }

// AddUser makes a user, or an organization, which is the same here.
func (f *Forge) AddUser(login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addUser(login)
}

func (f *Forge) addUser(login string) *user {
	if u := f.users[strings.ToLower(login)]; u != nil {
		return u
	}
	u := &user{login, f.nextID()}
	f.users[strings.ToLower(login)] = u
	return u
}

func (f *Forge) nextID() int { f.ids++; return f.ids }

// AddToken makes a token and returns its value, which is made up when the
// template has none.
func (f *Forge) AddToken(template Token) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addUser(template.Login)
	if template.Value == "" {
		prefix := "ghp_"
		if template.App {
			prefix = "ghs_"
		}
		template.Value = fmt.Sprintf("%scanary%08dtoken", prefix, f.nextID())
	}
	f.tokens[template.Value] = &template
	return template.Value
}

// AddIndex makes the repository "owner/name" with the content of the registry.
func (f *Forge) AddIndex(name string, r *Registry) {
	f.t.Helper()
	f.add(name, func(repo *repository) error { return copyRepository(r.Path, repo.dir) })
}

// AddRepository makes the repository "owner/name" with one commit of the files.
func (f *Forge) AddRepository(name string, files map[string]string) {
	f.t.Helper()
	f.add(name, func(repo *repository) error { return repo.addFiles("Start\n", files) })
}

func (f *Forge) add(name string, fill func(*repository) error) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	owner, repo, _ := strings.Cut(name, "/")
	u := f.addUser(owner)
	r := &repository{
		id: f.nextID(), owner: u, name: repo, branch: "main", network: f.nextID(),
		push: map[string]bool{strings.ToLower(owner): true}, dir: filepath.Join(f.dir, strings.ToLower(owner), strings.ToLower(repo)+".git"),
	}
	var err error
	if r.refs, err = initRepository(r.dir, r.branch, ""); err == nil {
		r.objects = r.refs
		err = fill(r)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.repos[strings.ToLower(name)] = r
}

// Allow lets a user push to a repository.
func (f *Forge) Allow(name, login string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.repos[strings.ToLower(name)].push[strings.ToLower(login)] = true
}

// Path is the folder of a repository.
func (f *Forge) Path(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.repos[strings.ToLower(name)].dir
}

// At sets the forge's clock, which stands still otherwise.
func (f *Forge) At(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
}

// Calls returns what was called since the last time, and forgets it.
func (f *Forge) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

// Fault is what happens to a request.
type Fault struct {
	Drop      bool // cut the connection before anything is done
	DropAfter bool // cut it when all is done, in place of the answer
	Cut       bool // send half of the answer, then cut it
	Delay     time.Duration
	Status    int               // answer with it and do nothing
	Header    map[string]string // of that answer
	Body      string
}

// SecondaryLimit is GitHub's answer to too many requests at once.
func SecondaryLimit(header map[string]string) Fault {
	return Fault{Status: http.StatusForbidden, Header: header, Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`}
}

// PrimaryLimit is GitHub's answer to too many requests in an hour.
func PrimaryLimit(reset time.Time) Fault {
	return Fault{Status: http.StatusForbidden, Body: `{"message":"API rate limit exceeded for user ID 1.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"}`, Header: map[string]string{
		"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(reset.Unix()),
	}}
}

// Break has a function decide about the fate of every request from now on. It
// is told how many there were before. Nil ends it.
func (f *Forge) Break(fate func(n int, r *http.Request) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	f.faults = nil
	if fate != nil {
		f.faults = func(_ int, r *http.Request) Fault {
			n++
			return fate(n-1, r)
		}
	}
}

// faulty applies the faults and keeps the list of calls.
func (f *Forge) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.calls = append(f.calls, Call{Method: r.Method, Path: r.URL.RequestURI()})
		at := len(f.calls) - 1
		list := f.calls
		var fault Fault
		if f.faults != nil {
			fault = f.faults(0, r)
		}
		f.mu.Unlock()
		time.Sleep(fault.Delay)
		if fault.Drop {
			panic(http.ErrAbortHandler)
		}
		recorded := httptest.NewRecorder()
		if fault.Status != 0 {
			recorded.WriteHeader(fault.Status)
			recorded.Body.WriteString(fault.Body)
			for k, v := range fault.Header {
				recorded.Header().Set(k, v)
			}
		} else {
			next.ServeHTTP(recorded, r)
		}
		if fault.DropAfter {
			panic(http.ErrAbortHandler)
		}
		f.mu.Lock()
		list[at].Status = recorded.Code
		f.mu.Unlock()
		for k, v := range recorded.Header() {
			w.Header()[k] = v
		}
		data := recorded.Body.Bytes()
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.WriteHeader(recorded.Code)
		if fault.Cut {
			_, _ = w.Write(data[:len(data)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(data)
	})
}

// answer is a response of the API.
type answer struct {
	status int
	body   any
	header map[string]string
}

func ok(body any) answer      { return answer{status: http.StatusOK, body: body} }
func created(body any) answer { return answer{status: http.StatusCreated, body: body} }

// refuse is an error in GitHub's form.
func refuse(status int, message string, errors ...map[string]string) answer {
	body := map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": fmt.Sprint(status)}
	if len(errors) > 0 {
		body["errors"] = errors
	}
	return answer{status: status, body: body}
}

func notFound() answer { return refuse(http.StatusNotFound, "Not Found") }

func invalid(resource string, detail map[string]string) answer {
	detail["resource"] = resource
	return refuse(http.StatusUnprocessableEntity, "Validation Failed", detail)
}

// request is what a handler of the API gets: the lock is held.
type request struct {
	*http.Request
	f     *Forge
	token *Token // nil for nobody
	repo  *repository
}

// decode reads a JSON body and refuses members that GitHub does not know. A body
// that breaks off is of a client that was ended while it wrote.
func (r *request) decode(v any) *answer {
	unreadable := refuse(http.StatusBadRequest, "Problems parsing JSON")
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return &unreadable
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		r.f.t.Errorf("%s %s: the body is not what the API takes: %v", r.Method, r.URL.Path, err)
		return &unreadable
	}
	return nil
}

// mayPush reports whether the request may write to a repository.
func (r *request) mayPush(repo *repository) bool {
	return r.token != nil && !strings.EqualFold(r.token.NoPushTo, repo.fullName()) && repo.push[strings.ToLower(r.token.Login)]
}

// denied is how GitHub says that a token may not write: an app's is told so, for
// others the repository has no such address.
func (r *request) denied() answer {
	switch {
	case r.token == nil:
		return refuse(http.StatusUnauthorized, "Requires authentication")
	case r.token.App:
		return refuse(http.StatusForbidden, "Resource not accessible by integration")
	}
	return notFound()
}

type handler func(r *request) answer

// api wraps a handler: authentication, the repository, the lock and JSON.
func (f *Forge) api(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		f.mu.Lock()
		a := f.answer(hr, h)
		f.mu.Unlock()
		for k, v := range a.header {
			w.Header().Set(k, v)
		}
		w.Header().Set("X-RateLimit-Limit", "5000")
		w.Header().Set("X-RateLimit-Remaining", "4999")
		w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
		if raw, isRaw := a.body.([]byte); isRaw {
			w.WriteHeader(a.status)
			_, _ = w.Write(raw)
			return
		}
		if hr.Method == http.MethodGet && a.status == http.StatusOK && !strings.HasPrefix(hr.URL.Path, "/api/v1/") { // Gitea tags no answers
			tag := etag(a.body)
			w.Header().Set("ETag", tag)
			if hr.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(a.status)
		if a.body == nil {
			return
		}
		if err := json.NewEncoder(w).Encode(a.body); err != nil {
			f.t.Error(err)
		}
	}
}

// etag is a tag of what the API shows.
func etag(body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(`W/"%x"`, sha256.Sum256(text))
}

func (f *Forge) answer(hr *http.Request, h handler) answer {
	if hr.Header.Get("User-Agent") == "" {
		return refuse(http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
	}
	r := &request{Request: hr, f: f}
	if hr.Header.Get("Authorization") != "" {
		if r.token = f.tokenOf(hr); r.token == nil {
			return refuse(http.StatusUnauthorized, "Bad credentials")
		}
	}
	if strings.Contains(hr.URL.RawQuery, "token") {
		f.t.Errorf("%s: a token in the URL", hr.URL.Path)
	}
	if owner := hr.PathValue("owner"); owner != "" {
		name := strings.ToLower(owner + "/" + strings.TrimSuffix(hr.PathValue("repo"), ".git"))
		if r.repo = f.repos[name]; r.repo == nil {
			return notFound()
		}
		if r.repo.unready > 0 && strings.Contains(hr.URL.Path, "/git/") {
			r.repo.unready--
			return refuse(http.StatusConflict, "Git Repository is empty.")
		}
	}
	return h(r)
}

// tokenOf reads the header of the API, or that of git, whose password it is.
func (f *Forge) tokenOf(r *http.Request) *Token {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if _, password, basic := r.BasicAuth(); basic {
		return f.tokens[password]
	}
	if !slices.Contains([]string{"bearer", "token"}, strings.ToLower(kind)) {
		return nil
	}
	return f.tokens[value]
}

// routes is everything the forge answers. What it does not know fails the test.
func (f *Forge) routes() http.Handler {
	mux := http.NewServeMux()
	f.gitHubRoutes(mux)
	f.releaseRoutes(mux)
	f.archiveRoutes(mux)
	f.giteaRoutes(mux)
	f.gitRoutes(mux)
	return mux
}

// Identify gives a repository and its owner the numbers that something else has
// them by, and its pages another address, such as one with https.
func (f *Forge) Identify(name string, id, owner int, pages string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.repos[strings.ToLower(name)]
	r.id, r.owner.id, r.pages = id, owner, pages
}

// RepositoryID is the number of a repository.
func (f *Forge) RepositoryID(name string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(f.repos[strings.ToLower(name)].id)
}

// UserID is the number of a user.
func (f *Forge) UserID(login string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return int64(f.addUser(login).id)
}
