package registrytest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// pullRequest is one of a repository of the forge.
type pullRequest struct {
	number      int
	author      *user
	title, body string
	labels      []string
	comments    []comment
	reviews     []review
	state       string // open or closed
	merged      bool
	auto        bool // merged when the required status is there
	head        *repository
	ref         string // branch of head
	base        string // commit of the index when the pull request was opened
	last        string // commit of the branch when it was last there
	created     string // commit of the branch when the pull request was opened
	opened      time.Time
	pushes      []push // after it was opened, as far as anybody looked
}

// push is one to the branch of a pull request.
type push struct {
	commit string
	at     time.Time
}

type comment struct {
	by   *user
	text string
}

// review is a person's word on one commit.
type review struct {
	by            *user
	state, commit string
}

// headSHA is the commit of the branch, or of what it was before it went away.
func (p *pullRequest) headSHA() string {
	if sha := p.head.resolve("refs/heads/" + p.ref); sha != "" && p.state == "open" {
		p.last = sha
	}
	return p.last
}

// notice records a push that happened since the last time.
func (f *Forge) notice(p *pullRequest) {
	was, now := p.created, p.headSHA()
	if n := len(p.pushes); n > 0 {
		was = p.pushes[n-1].commit
	}
	if now != was {
		p.pushes = append(p.pushes, push{now, f.now})
	}
}

func (f *Forge) pullView(repo *repository, p *pullRequest) map[string]any {
	f.notice(p)
	labels := []map[string]string{}
	for _, l := range p.labels {
		labels = append(labels, map[string]string{"name": l})
	}
	v := map[string]any{
		"number": p.number, "node_id": fmt.Sprintf("PR_%d_%d", repo.id, p.number), "state": p.state, "merged": p.merged,
		"html_url": fmt.Sprintf("%s/%s/pull/%d", f.URL, repo.fullName(), p.number), "title": p.title, "body": p.body,
		"user": f.userView(p.author), "labels": labels, "created_at": p.opened.Format(time.RFC3339), "draft": false,
		"head": map[string]any{"ref": p.ref, "sha": p.headSHA(), "label": p.head.owner.login + ":" + p.ref, "repo": map[string]any{"full_name": p.head.fullName(), "name": p.head.name, "owner": f.userView(p.head.owner)}},
		"base": map[string]any{"ref": repo.branch, "sha": p.base, "repo": map[string]any{"full_name": repo.fullName()}},
	}
	if p.merged {
		v["merged_at"] = "2026-01-02T03:04:05Z"
	}
	return v
}

func listPulls(r *request) answer {
	q := r.URL.Query()
	state, head, base := q.Get("state"), q.Get("head"), q.Get("base")
	if state == "" {
		state = "open"
	}
	if head != "" && !strings.Contains(head, ":") {
		r.f.t.Errorf("head=%s: GitHub ignores a head without its owner", head)
	}
	var found []any
	for _, p := range slices.Backward(r.repo.pulls) {
		if state != "all" && p.state != state || base != "" && base != r.repo.branch ||
			head != "" && !strings.EqualFold(head, p.head.owner.login+":"+p.ref) {
			continue
		}
		found = append(found, r.f.pullView(r.repo, p))
	}
	return r.page(found)
}

// page cuts a list into pages and links to the next one.
func (r *request) page(list []any) answer {
	size, number := r.number("per_page", 30), r.number("page", 1)
	from := min((number-1)*size, len(list))
	to := min(from+size, len(list))
	a := ok(append([]any{}, list[from:to]...))
	if to < len(list) {
		next := *r.URL
		q := next.Query()
		q.Set("page", fmt.Sprint(number+1))
		next.RawQuery = q.Encode()
		a.header = map[string]string{"Link": fmt.Sprintf(`<%s%s>; rel="next"`, r.f.URL, next.String())}
	}
	return a
}

func (r *request) number(name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return min(n, 100)
}

func createPull(r *request) answer {
	var body struct {
		Title, Body, Head, Base string
		MaintainerCanModify     bool `json:"maintainer_can_modify"`
		Draft                   bool
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	if r.token == nil || r.token.NoPulls {
		return refuse(http.StatusForbidden, "GitHub Actions is not permitted to create or approve pull requests.")
	}
	if body.Base != r.repo.branch {
		return invalid("PullRequest", map[string]string{"code": "invalid", "field": "base"})
	}
	return r.open(body.Title, body.Body, body.Head)
}

// open makes a pull request of [owner:]branch.
func (r *request) open(title, text, label string) answer {
	from, branch := r.repo, label
	if owner, rest, ok := strings.Cut(label, ":"); ok {
		from, branch = r.f.inNetwork(r.repo, owner), rest
	}
	if from == nil || from.resolve("refs/heads/"+branch) == "" {
		return invalid("PullRequest", map[string]string{"code": "invalid", "field": "head"})
	}
	head, base := from.resolve("refs/heads/"+branch), r.repo.head()
	switch {
	case title == "" || len(text) > 65536:
		return invalid("PullRequest", map[string]string{"code": "custom", "message": "body is too long (maximum is 65536 characters)"})
	case r.repo.isAncestor(head, base):
		return invalid("PullRequest", map[string]string{"code": "custom", "message": fmt.Sprintf("No commits between %s and %s", r.repo.branch, label)})
	}
	for _, p := range r.repo.pulls {
		if p.state == "open" && p.head == from && p.ref == branch {
			return invalid("PullRequest", map[string]string{"code": "custom", "message": fmt.Sprintf("A pull request already exists for %s:%s.", from.owner.login, branch)})
		}
	}
	p := &pullRequest{
		number: len(r.repo.pulls) + 1, author: r.f.addUser(r.token.Login), title: title, body: text, state: "open",
		head: from, ref: branch, base: base, last: head, created: head, opened: r.f.now,
	}
	r.repo.pulls = append(r.repo.pulls, p)
	return created(r.f.pullView(r.repo, p))
}

// inNetwork is the fork of a repository that an owner has, or the repository.
func (f *Forge) inNetwork(repo *repository, owner string) *repository {
	for _, other := range f.repos {
		if other.network == repo.network && strings.EqualFold(other.owner.login, owner) {
			return other
		}
	}
	return nil
}

// pull finds the pull request of a request.
func (r *request) pull() *pullRequest {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 || n > len(r.repo.pulls) {
		return nil
	}
	return r.repo.pulls[n-1]
}

func getPull(r *request) answer {
	p := r.pull()
	if p == nil {
		return notFound()
	}
	return ok(r.f.pullView(r.repo, p))
}

// mayEdit reports whether the request may change a pull request: its author may,
// and whoever may push.
func (r *request) mayEdit(p *pullRequest) bool {
	return r.token != nil && (strings.EqualFold(r.token.Login, p.author.login) || r.mayPush(r.repo))
}

func editIssue(r *request) answer {
	var body struct {
		Title, Body, State *string
		Labels             *[]string
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	p := r.pull()
	if p == nil {
		return notFound()
	}
	if !r.mayEdit(p) {
		return refuse(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	if body.Title != nil {
		p.title = *body.Title
	}
	if body.Body != nil {
		p.body = *body.Body
	}
	if body.Labels != nil && r.mayPush(r.repo) && !r.token.NoLabels {
		p.labels = *body.Labels // silently dropped otherwise
	}
	if body.State != nil && !p.merged {
		p.state = *body.State
	}
	return ok(r.f.pullView(r.repo, p))
}

func addLabels(r *request) answer {
	var labels []string
	if a := r.decode(&labels); a != nil {
		return *a
	}
	p := r.pull()
	if p == nil {
		return notFound()
	}
	if !r.mayPush(r.repo) || r.token.NoLabels {
		return refuse(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	for _, l := range labels {
		if !slices.Contains(p.labels, l) {
			p.labels = append(p.labels, l)
		}
	}
	return ok(r.f.pullView(r.repo, p)["labels"])
}

func listComments(r *request) answer {
	p := r.pull()
	if p == nil {
		return notFound()
	}
	var list []any
	for i := range p.comments {
		list = append(list, r.f.commentView(p, i))
	}
	return r.page(list)
}

func createComment(r *request) answer {
	var body struct{ Body string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	p := r.pull()
	if p == nil {
		return notFound()
	}
	if r.token == nil {
		return r.denied()
	}
	if utf8.RuneCountInString(body.Body) > 65536 {
		return invalid("IssueComment", map[string]string{"code": "unprocessable", "field": "data", "message": "Body is too long (maximum is 65536 characters)"})
	}
	p.comments = append(p.comments, comment{r.f.addUser(r.token.Login), body.Body})
	return created(r.f.commentView(p, len(p.comments)-1))
}

func mergePull(r *request) answer {
	var body struct {
		CommitTitle   string `json:"commit_title"`
		CommitMessage string `json:"commit_message"`
		SHA           string
		MergeMethod   string `json:"merge_method"`
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	p := r.pull()
	switch {
	case p == nil:
		return notFound()
	case !r.mayPush(r.repo):
		return r.denied()
	case p.state == "open" && body.SHA != p.headSHA():
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case p.state == "open" && r.repo.UpToDate && !r.repo.isAncestor(r.repo.head(), p.headSHA()):
		return refuse(http.StatusMethodNotAllowed, "Head branch is out of date. Review and try the merge again.")
	case p.state != "open" || !r.f.merge(r.repo, p):
		return refuse(http.StatusMethodNotAllowed, "Pull Request is not mergeable")
	}
	return ok(map[string]any{"merged": true, "sha": r.repo.head(), "message": "Pull Request successfully merged"})
}

// merge merges a pull request when it can be.
func (f *Forge) merge(repo *repository, p *pullRequest) bool {
	done, err := repo.merge(p.headSHA(), fmt.Sprintf("%s (#%d)", p.title, p.number))
	if err != nil {
		f.t.Error(err)
	}
	if done {
		p.merged, p.state = true, "closed"
	}
	return done
}

var mutationID = regexp.MustCompile(`^PR_(\d+)_(\d+)$`)

// graphQL knows one mutation, and who asks: an app's bot, too, has a login.
func graphQL(r *request) answer {
	var body struct {
		Query     string
		Variables struct{ ID string }
	}
	if a := r.decode(&body); a != nil {
		return *a
	}
	fail := func(kind, message string) answer {
		return ok(map[string]any{"data": nil, "errors": []map[string]any{{"type": kind, "path": []string{"enablePullRequestAutoMerge"}, "message": message}}})
	}
	if body.Query == "query { viewer { login } }" && r.token != nil {
		return ok(map[string]any{"data": map[string]any{"viewer": map[string]any{"login": r.token.Login}}})
	}
	m := mutationID.FindStringSubmatch(body.Variables.ID)
	if !strings.Contains(body.Query, "enablePullRequestAutoMerge(input:") || m == nil {
		r.f.t.Errorf("a GraphQL query that is not known: %s", body.Query)
		return fail("NOT_FOUND", "Could not resolve to a node")
	}
	for _, repo := range r.f.repos {
		if fmt.Sprint(repo.id) != m[1] {
			continue
		}
		n, _ := strconv.Atoi(m[2])
		p := repo.pulls[n-1]
		switch {
		case !r.mayPush(repo):
			return fail("FORBIDDEN", "Resource not accessible by integration")
		case !repo.AutoMerge:
			return fail("UNPROCESSABLE", "Pull request Auto merge is not allowed for this repository")
		}
		p.auto = true
		return ok(map[string]any{"data": map[string]any{"enablePullRequestAutoMerge": map[string]any{"clientMutationId": nil}}})
	}
	return fail("NOT_FOUND", "Could not resolve to a node")
}

// PullView is a pull request as a test sees it.
type PullView struct {
	Number                           int
	Title, Body, State, Branch, Head string // State is open, closed or merged; Head "owner/name"
	Labels, Comments                 []string
	Auto, Mergeable                  bool
	Commit                           string
}

// Pulls returns all pull requests of a repository, oldest first.
func (f *Forge) Pulls(name string) []PullView {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	var views []PullView
	for _, p := range repo.pulls {
		v := PullView{
			Number: p.number, Title: p.title, Body: p.body, State: p.state, Branch: p.ref, Head: p.head.fullName(),
			Labels: slices.Clone(p.labels), Auto: p.auto, Commit: p.headSHA(),
		}
		if p.merged {
			v.State = "merged"
		}
		for _, c := range p.comments {
			v.Comments = append(v.Comments, c.text)
		}
		views = append(views, v)
	}
	return views
}

// Merge merges a pull request as a keeper would, and reports whether that was
// possible. Delete removes the branch afterwards.
func (f *Forge) Merge(name string, number int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	p := repo.pulls[number-1]
	return p.state == "open" && f.merge(repo, p)
}

// AllowAutoMerge has a repository merge when a status is successful.
func (f *Forge) AllowAutoMerge(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.repos[strings.ToLower(name)].AutoMerge = true
}

// File reads a file of a repository's branch, "" when there is none.
func (f *Forge) File(name, path string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	data, err := repo.read("refs/heads/" + repo.branch + ":" + path)
	if err != nil {
		return ""
	}
	return string(data)
}

// OpenBranch makes a branch of a repository with the commit of a pull request,
// and another pull request for it, as somebody who may push could by hand.
func (f *Forge) OpenBranch(name, login, branch string, like int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	p := repo.pulls[like-1]
	if err := repo.setRef("refs/heads/"+branch, p.headSHA()); err != nil {
		f.t.Error(err)
	}
	twin := *p
	twin.number, twin.author, twin.head, twin.ref = len(repo.pulls)+1, f.addUser(login), repo, branch
	twin.labels, twin.comments = nil, nil
	repo.pulls = append(repo.pulls, &twin)
}
