package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/clydepm/clyde/internal/forge"
)

// Bounds of lists: beyond them something is wrong, and no answer is better than
// a wrong one.
const (
	perPage  = 100
	maxPages = 100
)

// Pulls returns the open pull requests whose branch has a name, from whatever
// repository.
func (x *Index) Pulls(ctx context.Context, branch string) ([]forge.Pull, error) {
	all, err := x.listOpen(ctx)
	if err != nil {
		return nil, err
	}
	var found []forge.Pull
	for _, p := range all {
		if p.GetHead().GetRef() == branch {
			found = append(found, x.pull(p))
		}
	}
	return found, explain("list the pull requests of "+x.String(), x.claim(ctx, found))
}

// listOpen returns the open pull requests to the index's branch, newest first.
func (x *Index) listOpen(ctx context.Context) ([]*gh.PullRequest, error) {
	r, err := x.about(ctx)
	if err != nil {
		return nil, err
	}
	op := "list the pull requests of " + x.String()
	var found []*gh.PullRequest
	opts := &gh.PullRequestListOptions{State: "open", Base: r.GetDefaultBranch(), ListOptions: gh.ListOptions{PerPage: perPage}}
	for range maxPages {
		pulls, resp, err := x.client.api.PullRequests.List(ctx, x.owner, x.name, opts)
		if err != nil {
			return nil, explain(op, err)
		}
		found = append(found, pulls...)
		if resp.NextPage == 0 {
			return found, nil
		}
		opts.Page = resp.NextPage
	}
	return nil, &forge.Error{Kind: forge.ErrRefused, Op: op, Detail: fmt.Sprintf("there are more than %d", perPage*maxPages)}
}

// pull translates.
func (x *Index) pull(p *gh.PullRequest) forge.Pull {
	pull := forge.Pull{
		Number: p.GetNumber(), URL: p.GetHTMLURL(), Author: p.GetUser().GetLogin(), State: stateOf(p.GetState(), p.GetMerged() || p.MergedAt != nil),
		Opened: p.GetCreatedAt().Time,
		Text:   forge.Text{Title: p.GetTitle(), Body: lines(p.GetBody())},
		Branch: p.GetHead().GetRef(), Repository: p.GetHead().GetRepo().GetFullName(),
		Head: p.GetHead().GetSHA(), Base: p.GetBase().GetSHA(),
		Identity: p.GetNodeID(),
	}
	pull.Labels = x.mayPush() && strings.EqualFold(pull.Repository, x.owner+"/"+x.name)
	for _, l := range p.Labels {
		pull.Text.Labels = append(pull.Text.Labels, l.GetName())
	}
	return pull
}

func stateOf(state string, merged bool) string {
	switch {
	case merged:
		return forge.Merged
	case state == "open":
		return forge.Open
	}
	return forge.Closed
}

// lines undoes what a web form makes of line ends.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// ReadFile reads a file of a pull request's branch; nil when there is none.
func (x *Index) ReadFile(ctx context.Context, p forge.Pull, path string) ([]byte, error) {
	owner, name, err := split(p.Repository)
	if err != nil {
		return nil, err
	}
	op := fmt.Sprintf("read %s of pull request %d", path, p.Number)
	address := fmt.Sprintf("repos/%s/%s/contents/%s?ref=%s", owner, name, (&url.URL{Path: path}).EscapedPath(), url.QueryEscape(p.Head))
	req, err := x.client.api.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return nil, explain(op, err)
	}
	req.Header.Set("Accept", "application/vnd.github.raw+json")
	var raw strings.Builder
	if _, err := x.client.api.Do(ctx, req, &raw); err != nil {
		if status(err) == http.StatusNotFound {
			return nil, nil
		}
		return nil, explain(op, err)
	}
	return []byte(raw.String()), nil
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
	if at.fork {
		head = at.owner + ":" + branch
	}
	base := x.repository.GetDefaultBranch()
	made, err := forge.Once(ctx, x.client.transport, unclear,
		func() (*gh.PullRequest, error) {
			p, _, err := x.client.api.PullRequests.Create(ctx, x.owner, x.name, &gh.NewPullRequest{
				Title: gh.String(text.Title), Body: gh.String(text.Body), Head: gh.String(head), Base: gh.String(base),
				MaintainerCanModify: gh.Bool(true),
			})
			return p, err
		},
		func() (*gh.PullRequest, bool, error) { return x.findOpen(ctx, at, branch) })
	if status(err) == http.StatusUnprocessableEntity && says(err, "already exists") {
		found, ok, lookupErr := x.findOpen(ctx, at, branch)
		if ok {
			made, err = found, nil
		} else if lookupErr != nil {
			err = lookupErr
		}
	}
	if err != nil && isNotPermitted(err) {
		return forge.Pull{}, &forge.CompareError{URL: x.compare(base, head), Err: err}
	}
	if err != nil {
		return forge.Pull{}, explain("open a pull request on "+x.String(), err)
	}
	pull := x.pull(made)
	pull.Own = true
	return x.label(ctx, pull, text.Labels)
}

// findOpen looks for the open pull request of a branch.
func (x *Index) findOpen(ctx context.Context, at target, branch string) (*gh.PullRequest, bool, error) {
	pulls, _, err := x.client.api.PullRequests.List(ctx, x.owner, x.name, &gh.PullRequestListOptions{
		State: "open", Head: at.owner + ":" + branch, Base: x.repository.GetDefaultBranch(),
	})
	for _, p := range pulls {
		if p.GetHead().GetRef() == branch && strings.EqualFold(p.GetHead().GetRepo().GetFullName(), at.owner+"/"+at.name) {
			return p, true, nil
		}
	}
	return nil, false, err
}

// compare is the page on which a person opens the pull request.
func (x *Index) compare(base, head string) string {
	return x.String() + "/compare/" + url.PathEscape(base) + "..." + (&url.URL{Path: head}).EscapedPath() + "?expand=1"
}

// label adds the labels that a new pull request does not have. A token that may
// propose may not always label, which is no reason to fail.
func (x *Index) label(ctx context.Context, p forge.Pull, labels []string) (forge.Pull, error) {
	missing := slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(p.Text.Labels, l) })
	if !p.Labels || len(missing) == 0 {
		return p, nil
	}
	_, _, err := x.client.api.Issues.AddLabelsToIssue(forge.Repeatable(ctx), x.owner, x.name, p.Number, missing)
	if isNotPermitted(err) {
		p.Labels = false
		return p, nil
	}
	p.Text.Labels = append(p.Text.Labels, missing...)
	return p, explain(fmt.Sprintf("label pull request %d", p.Number), err)
}

// Update gives a pull request another text. Labels that others gave it stay.
func (x *Index) Update(ctx context.Context, p forge.Pull, text forge.Text) (forge.Pull, error) {
	edit := &gh.IssueRequest{Title: gh.String(text.Title), Body: gh.String(text.Body)}
	if p.Labels {
		labels := slices.Clone(p.Text.Labels)
		for _, l := range text.Labels {
			if !slices.Contains(labels, l) {
				labels = append(labels, l)
			}
		}
		edit.Labels = &labels
	}
	issue, _, err := x.client.api.Issues.Edit(ctx, x.owner, x.name, p.Number, edit)
	if err != nil {
		return p, explain(fmt.Sprintf("update pull request %d", p.Number), err)
	}
	p.State = stateOf(issue.GetState(), false)
	p.Text.Title, p.Text.Body = text.Title, text.Body
	return p, nil
}

// ClosePull closes a pull request and says why.
func (x *Index) ClosePull(ctx context.Context, p forge.Pull, comment string) error {
	op := fmt.Sprintf("close pull request %d", p.Number)
	said, err := x.said(ctx, p.Number, comment)
	if err != nil {
		return explain(op, err)
	}
	if !said {
		err = x.comment(ctx, p.Number, comment)
	}
	if err != nil {
		return explain(op, err)
	}
	_, _, err = x.client.api.Issues.Edit(ctx, x.owner, x.name, p.Number, &gh.IssueRequest{State: gh.String("closed")})
	return explain(op, err)
}

// comment says something once.
func (x *Index) comment(ctx context.Context, number int, text string) error {
	_, err := forge.Once(ctx, x.client.transport, unclear,
		func() (bool, error) {
			_, _, err := x.client.api.Issues.CreateComment(ctx, x.owner, x.name, number, &gh.IssueComment{Body: gh.String(text)})
			return true, err
		},
		func() (bool, bool, error) {
			said, err := x.said(ctx, number, text)
			return said, said, err
		})
	return err
}

// said reports whether a pull request has the comment.
func (x *Index) said(ctx context.Context, number int, comment string) (bool, error) {
	opts := &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{PerPage: perPage}}
	for range maxPages {
		comments, resp, err := x.client.api.Issues.ListComments(ctx, x.owner, x.name, number, opts)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(comments, func(c *gh.IssueComment) bool { return lines(c.GetBody()) == comment }) {
			return true, nil
		}
		if resp.NextPage == 0 {
			return false, nil
		}
		opts.Page = resp.NextPage
	}
	return false, nil
}

// autoMerge is the one thing that REST does not have.
const autoMerge = `mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) { clientMutationId } }`

// AutoMerge asks for the pull request to be merged once everything that the
// index's branch protection requires is there. GitHub refuses when nothing is
// required, or when the repository does not allow it.
func (x *Index) AutoMerge(ctx context.Context, p forge.Pull) error {
	op := fmt.Sprintf("have pull request %d merged automatically", p.Number)
	query := map[string]any{"query": autoMerge, "variables": map[string]string{"id": p.Identity}}
	req, err := x.client.api.NewRequest(http.MethodPost, x.client.graphQL, query)
	if err != nil {
		return explain(op, err)
	}
	var answer struct {
		Errors []struct {
			Type    string
			Message string
		}
	}
	var raw json.RawMessage
	if _, err := x.client.api.Do(forge.Repeatable(ctx), req, &raw); err != nil {
		return explain(op, err)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return explain(op, err)
	}
	if len(answer.Errors) == 0 {
		return nil
	}
	return &forge.Error{
		Kind: forge.ErrRefused, Op: op, Detail: answer.Errors[0].Message,
		Remedy: "allow auto-merge in the settings of the index's repository, and require at least one status check for its branch",
	}
}
