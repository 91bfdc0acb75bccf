package gitea

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/clydepm/clyde/internal/forge"
)

// Bounds of lists.
const (
	perPage  = 50 // the most that a host with default settings gives
	maxPages = 200
)

// labelColor is that of labels that the index does not have yet.
const labelColor = "#ededed"

type pullRequest struct {
	Number  int    `json:"number"`
	HTMLURL string `json:"html_url"`
	Title   string
	Body    string
	State   string
	Merged  bool
	Draft   bool
	User    user
	Labels  []label
	Head    side
	Base    side

	CreatedAt time.Time `json:"created_at"`
}

type side struct {
	Ref  string
	SHA  string
	Repo *repository
}

type label struct {
	ID   int64
	Name string
}

// Pulls returns the open pull requests whose branch has a name, from whatever
// repository.
func (x *Index) Pulls(ctx context.Context, branch string) ([]forge.Pull, error) {
	all, err := x.listOpen(ctx)
	if err != nil {
		return nil, err
	}
	var found []forge.Pull
	for _, p := range all {
		if p.Head.Ref != branch {
			continue
		}
		pull, err := x.pull(ctx, p)
		if err != nil {
			return nil, err
		}
		found = append(found, pull)
	}
	return found, nil
}

// listOpen returns the open pull requests to the index's branch, newest first.
func (x *Index) listOpen(ctx context.Context) ([]pullRequest, error) {
	if _, err := x.facts(ctx); err != nil {
		return nil, err
	}
	op := "list the pull requests of " + x.String()
	var found []pullRequest
	for page := 1; page <= maxPages; page++ {
		var pulls []pullRequest
		if err := x.client.call(ctx, http.MethodGet, x.path("/pulls?state=open&limit=%d&page=%d", perPage, page), nil, &pulls); err != nil {
			return nil, explain(op, err)
		}
		for _, p := range pulls {
			if p.Base.Ref == x.about.DefaultBranch {
				found = append(found, p)
			}
		}
		if len(pulls) < perPage {
			return found, nil
		}
	}
	return nil, &forge.Error{Kind: forge.ErrRefused, Op: op, Detail: fmt.Sprintf("there are more than %d", perPage*maxPages)}
}

// pull translates.
func (x *Index) pull(ctx context.Context, p pullRequest) (forge.Pull, error) {
	pull := forge.Pull{
		Number: p.Number, URL: p.HTMLURL, Author: p.User.Login, State: forge.Closed,
		Opened: p.CreatedAt,
		Text:   forge.Text{Title: p.Title, Body: strings.ReplaceAll(p.Body, "\r\n", "\n")},
		Branch: p.Head.Ref, Head: p.Head.SHA, Base: p.Base.SHA, Labels: x.about.Permissions.Push,
	}
	switch {
	case p.Merged:
		pull.State = forge.Merged
	case p.State == "open":
		pull.State = forge.Open
	}
	for _, l := range p.Labels {
		pull.Text.Labels = append(pull.Text.Labels, l.Name)
	}
	if p.Head.Repo == nil {
		return pull, nil // its fork is gone
	}
	pull.Repository = p.Head.Repo.FullName
	if x.about.Permissions.Push {
		pull.Own = strings.EqualFold(pull.Repository, x.name)
		return pull, nil
	}
	me, err := x.me(ctx)
	owner, _, _ := strings.Cut(pull.Repository, "/")
	pull.Own = me != "" && strings.EqualFold(owner, me)
	return pull, err
}

// ReadFile reads a file of a pull request's branch; nil when there is none.
func (x *Index) ReadFile(ctx context.Context, p forge.Pull, path string) ([]byte, error) {
	owner, name, _ := strings.Cut(p.Repository, "/")
	var data []byte
	err := x.client.call(ctx, http.MethodGet, "repos/"+url.PathEscape(owner)+"/"+url.PathEscape(name)+"/raw/"+(&url.URL{Path: path}).EscapedPath()+"?ref="+url.QueryEscape(p.Head), nil, &data)
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	return data, explain(fmt.Sprintf("read %s of pull request %d", path, p.Number), err)
}

// Open opens a pull request for the branch that was written last. One that is
// open already is returned as it is. Where the token may open none, the error is
// a *forge.CompareError.
func (x *Index) Open(ctx context.Context, branch string, text forge.Text) (forge.Pull, error) {
	at, err := x.place(ctx)
	if err != nil {
		return forge.Pull{}, err
	}
	head := branch
	if at != x.name {
		owner, _, _ := strings.Cut(at, "/")
		head = owner + ":" + branch
	}
	base := x.about.DefaultBranch
	pull, err := forge.Once(ctx, x.client.transport, unclear,
		func() (forge.Pull, error) {
			var made pullRequest
			body := map[string]string{"title": text.Title, "body": text.Body, "head": head, "base": base}
			if err := x.client.call(ctx, http.MethodPost, x.path("/pulls"), body, &made); err != nil {
				return forge.Pull{}, err
			}
			return x.pull(ctx, made)
		},
		func() (forge.Pull, bool, error) { return x.findOpen(ctx, branch) })
	if status(err) == http.StatusConflict {
		var open bool
		if pull, open, err = x.findOpen(ctx, branch); err == nil && !open {
			err = &forge.Error{Kind: forge.ErrNetwork, Op: "open a pull request on " + x.String(), Detail: "the host says that there is one and lists none", Remedy: "run the same again"}
		}
	}
	if code := status(err); code == http.StatusForbidden || code == http.StatusNotFound {
		compare := x.String() + "/compare/" + url.PathEscape(base) + "..." + (&url.URL{Path: head}).EscapedPath()
		return forge.Pull{}, &forge.CompareError{URL: compare, Err: err}
	}
	if err != nil {
		return forge.Pull{}, explain("open a pull request on "+x.String(), err)
	}
	pull.Own = true
	return x.label(ctx, pull, text.Labels)
}

// findOpen looks for our open pull request of a branch.
func (x *Index) findOpen(ctx context.Context, branch string) (forge.Pull, bool, error) {
	pulls, err := x.Pulls(ctx, branch)
	i := slices.IndexFunc(pulls, func(p forge.Pull) bool { return p.Own })
	if err != nil || i < 0 {
		return forge.Pull{}, false, err
	}
	return pulls[i], true, nil
}

// label gives a pull request its labels, and makes those that the index does not
// have. A token that may propose may not always label, which is no reason to
// fail.
func (x *Index) label(ctx context.Context, p forge.Pull, labels []string) (forge.Pull, error) {
	missing := slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(p.Text.Labels, l) })
	if !p.Labels || len(missing) == 0 {
		return p, nil
	}
	// labelIDs looks before it makes any, so it is its own looking up.
	ids, err := forge.Once(ctx, x.client.transport, unclear,
		func() ([]int64, error) { return x.labelIDs(ctx, missing) },
		func() ([]int64, bool, error) { return nil, false, nil })
	if err == nil {
		err = x.client.call(forge.Repeatable(ctx), http.MethodPost, x.path("/issues/%d/labels", p.Number), map[string][]int64{"labels": ids}, nil)
	}
	if code := status(err); code == http.StatusForbidden || code == http.StatusNotFound {
		p.Labels = false
		return p, nil
	}
	p.Text.Labels = append(p.Text.Labels, missing...)
	return p, explain(fmt.Sprintf("label pull request %d", p.Number), err)
}

// labelIDs finds the labels of the index by name, and makes the missing ones.
func (x *Index) labelIDs(ctx context.Context, names []string) ([]int64, error) {
	known := map[string]int64{}
	for page := 1; page <= maxPages; page++ {
		var labels []label
		if err := x.client.call(ctx, http.MethodGet, x.path("/labels?limit=%d&page=%d", perPage, page), nil, &labels); err != nil {
			return nil, err
		}
		for _, l := range labels {
			known[l.Name] = l.ID
		}
		if len(labels) < perPage {
			break
		}
	}
	var ids []int64
	for _, name := range names {
		id, ok := known[name]
		if !ok {
			var made label
			if err := x.client.call(ctx, http.MethodPost, x.path("/labels"), map[string]string{"name": name, "color": labelColor}, &made); err != nil {
				return nil, err
			}
			id = made.ID
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Update gives a pull request another text.
func (x *Index) Update(ctx context.Context, p forge.Pull, text forge.Text) (forge.Pull, error) {
	var now pullRequest
	err := x.client.call(ctx, http.MethodPatch, x.path("/pulls/%d", p.Number), map[string]string{"title": text.Title, "body": text.Body}, &now)
	if err != nil {
		return p, explain(fmt.Sprintf("update pull request %d", p.Number), err)
	}
	updated, err := x.pull(ctx, now)
	if err != nil {
		return p, err
	}
	updated.Own = p.Own
	return x.label(ctx, updated, text.Labels)
}

// ClosePull closes a pull request and says why.
func (x *Index) ClosePull(ctx context.Context, p forge.Pull, comment string) error {
	op := fmt.Sprintf("close pull request %d", p.Number)
	said, err := x.said(ctx, p.Number, comment)
	if err == nil && !said {
		err = x.comment(ctx, p.Number, comment)
	}
	if err == nil {
		err = x.client.call(ctx, http.MethodPatch, x.path("/pulls/%d", p.Number), map[string]string{"state": "closed"}, nil)
	}
	return explain(op, err)
}

// comment says something once.
func (x *Index) comment(ctx context.Context, number int, text string) error {
	_, err := forge.Once(ctx, x.client.transport, unclear,
		func() (bool, error) {
			return true, x.client.call(ctx, http.MethodPost, x.path("/issues/%d/comments", number), map[string]string{"body": text}, nil)
		},
		func() (bool, bool, error) {
			said, err := x.said(ctx, number, text)
			return said, said, err
		})
	return err
}

// said reports whether a pull request has the comment. The host gives all of
// them at once.
func (x *Index) said(ctx context.Context, number int, comment string) (bool, error) {
	var comments []struct{ Body string }
	err := x.client.call(ctx, http.MethodGet, x.path("/issues/%d/comments", number), nil, &comments)
	for _, c := range comments {
		if strings.ReplaceAll(c.Body, "\r\n", "\n") == comment {
			return true, nil
		}
	}
	return false, err
}

// AutoMerge asks for the pull request to be merged when its checks succeed.
func (x *Index) AutoMerge(ctx context.Context, p forge.Pull) error {
	op := fmt.Sprintf("have pull request %d merged automatically", p.Number)
	body := map[string]any{"Do": "squash", "merge_when_checks_succeed": true}
	err := x.client.call(forge.Repeatable(ctx), http.MethodPost, x.path("/pulls/%d/merge", p.Number), body, nil)
	if code := status(err); code == http.StatusMethodNotAllowed || code == http.StatusConflict {
		return &forge.Error{Kind: forge.ErrRefused, Op: op, Err: err, Remedy: "a person with write access to the index merges it"}
	}
	return explain(op, err)
}
