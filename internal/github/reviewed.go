package github

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/clydepm/clyde/internal/forge"
)

// OpenPulls returns the open pull requests to the index's branch, oldest first.
func (x *Index) OpenPulls(ctx context.Context) ([]forge.Pull, error) {
	all, err := x.listOpen(ctx)
	if err != nil {
		return nil, err
	}
	var pulls []forge.Pull
	for _, p := range slices.Backward(all) {
		if !p.GetDraft() {
			pulls = append(pulls, x.pull(p))
		}
	}
	return pulls, nil
}

// Pull returns a pull request as it is now. The error is forge.ErrNotFound when
// there is none, or none to the index's branch.
func (x *Index) Pull(ctx context.Context, number int) (forge.Pull, error) {
	r, err := x.about(ctx)
	if err != nil {
		return forge.Pull{}, err
	}
	op := fmt.Sprintf("read pull request %d", number)
	p, _, err := x.client.api.PullRequests.Get(ctx, x.owner, x.name, number)
	if err != nil {
		return forge.Pull{}, explain(op, err)
	}
	if base := p.GetBase().GetRef(); base != r.GetDefaultBranch() {
		return forge.Pull{}, &forge.Error{Kind: forge.ErrNotFound, Op: op, Detail: "it is to the branch " + base + " and not to the index's"}
	}
	return x.pull(p), nil
}

// Tree returns the tree of a commit of the index or of a pull request. Folders
// are read when they are needed.
func (x *Index) Tree(ctx context.Context, commit string) (fs.FS, error) {
	if _, err := x.about(ctx); err != nil {
		return nil, err
	}
	c, _, err := x.client.api.Git.GetCommit(ctx, x.owner, x.name, commit)
	if err != nil {
		return nil, explain("read the commit "+commit, err)
	}
	return &treeFS{index: x, id: c.GetTree().GetSHA(), sparse: true, ctx: ctx, folders: map[string][]entry{}, files: map[string][]byte{}}, nil
}

// Proposed returns the commit of the index that a pull request was made on, and
// the pull request's head.
func (x *Index) Proposed(ctx context.Context, p forge.Pull) (fork, head forge.Snapshot, err error) {
	head.ID = p.Head
	if fork.ID, err = x.forkedFrom(ctx, p); err != nil {
		return fork, head, err
	}
	if fork.Tree, err = x.Tree(ctx, fork.ID); err != nil {
		return fork, head, err
	}
	head.Tree, err = x.Tree(ctx, p.Head)
	return fork, head, err
}

// forkedFrom is the newest commit of the index that a pull request has.
func (x *Index) forkedFrom(ctx context.Context, p forge.Pull) (string, error) {
	r, err := x.about(ctx)
	if err != nil {
		return "", err
	}
	compared, _, err := x.client.api.Repositories.CompareCommits(ctx, x.owner, x.name, r.GetDefaultBranch(), p.Head, &gh.ListOptions{PerPage: 1})
	if err != nil {
		return "", explain(fmt.Sprintf("compare pull request %d with the index", p.Number), err)
	}
	return compared.GetMergeBaseCommit().GetSHA(), nil
}

// Reviews returns the approvals of a pull request and the wishes for changes
// that stand, with what those who gave them may do.
func (x *Index) Reviews(ctx context.Context, p forge.Pull) ([]forge.Review, error) {
	op := fmt.Sprintf("list the reviews of pull request %d", p.Number)
	last := map[string]*gh.PullRequestReview{}
	opts := &gh.ListOptions{PerPage: perPage}
	for range maxPages {
		reviews, resp, err := x.client.api.PullRequests.ListReviews(ctx, x.owner, x.name, p.Number, opts)
		if err != nil {
			return nil, explain(op, err)
		}
		for _, r := range reviews {
			// A comment leaves what was said before standing, a dismissal is its own state.
			if state := r.GetState(); state == "APPROVED" || state == "CHANGES_REQUESTED" || state == "DISMISSED" {
				last[r.GetUser().GetLogin()] = r
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	var standing []forge.Review
	for by, r := range last {
		if r.GetState() == "DISMISSED" {
			continue
		}
		level, _, err := x.client.api.Repositories.GetPermissionLevel(ctx, x.owner, x.name, by)
		if err != nil {
			return nil, explain(op, err)
		}
		standing = append(standing, forge.Review{
			By: by, Commit: r.GetCommitID(), At: r.GetSubmittedAt().Time, Permission: level.GetPermission(), Approves: r.GetState() == "APPROVED",
		})
	}
	slices.SortFunc(standing, func(a, b forge.Review) int { return strings.Compare(a.By, b.By) })
	return standing, nil
}

// ProposedAt returns the later of the times when the pull request was opened and
// when its branch came to its head, as GitHub's list of activities tells it. The
// dates that a commit claims do not count. It is zero when GitHub does not show
// the push, as of a branch that is gone or in a fork that this token cannot see.
func (x *Index) ProposedAt(ctx context.Context, p forge.Pull) (time.Time, error) {
	owner, name, err := split(p.Repository)
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // its fork is gone
	}
	address := fmt.Sprintf("repos/%s/%s/activity?ref=%s&per_page=%d", owner, name, url.QueryEscape("refs/heads/"+p.Branch), perPage)
	req, err := x.client.api.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return time.Time{}, err
	}
	var activities []struct { // newest first
		After     string    `json:"after"`
		Timestamp time.Time `json:"timestamp"`
	}
	_, err = x.client.api.Do(ctx, req, &activities)
	if isNotPermitted(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, explain(fmt.Sprintf("ask when pull request %d was pushed to", p.Number), err)
	}
	for _, a := range activities {
		if a.After == p.Head {
			return forge.Later(p.Opened, a.Timestamp), nil
		}
	}
	return time.Time{}, nil
}

// account is the login under which this token comments. Only GraphQL tells it
// for an app's token, such as a workflow's.
func (x *Index) account(ctx context.Context) (string, error) {
	req, err := x.client.api.NewRequest(http.MethodPost, x.client.graphQL, map[string]string{"query": "query { viewer { login } }"})
	if err != nil {
		return "", err
	}
	var answer struct {
		Data struct{ Viewer struct{ Login string } }
	}
	if _, err := x.client.api.Do(forge.Repeatable(ctx), req, &answer); err != nil {
		return "", err
	}
	if answer.Data.Viewer.Login == "" {
		return "", &forge.Error{Kind: forge.ErrNotPermitted, Op: "ask who the token belongs to", Detail: "GitHub does not say", Remedy: "give a token that may comment"}
	}
	return answer.Data.Viewer.Login, nil
}

// Comment says something on a pull request, in place of what this token said
// there under the same marker before, unless that is as good. The marker is the
// first line of the text.
func (x *Index) Comment(ctx context.Context, number int, text string, asGood func(said string) bool) error {
	op := fmt.Sprintf("comment on pull request %d", number)
	if _, err := x.about(ctx); err != nil {
		return err
	}
	me, err := x.account(ctx)
	if err != nil {
		return explain(op, err)
	}
	marker, _, _ := strings.Cut(text, "\n")
	opts := &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{PerPage: perPage}}
	for range maxPages {
		comments, resp, err := x.client.api.Issues.ListComments(ctx, x.owner, x.name, number, opts)
		if err != nil {
			return explain(op, err)
		}
		for _, c := range comments {
			first, _, _ := strings.Cut(lines(c.GetBody()), "\n")
			switch {
			case !strings.EqualFold(c.GetUser().GetLogin(), me) || first != marker:
				continue
			case asGood(lines(c.GetBody())):
				return nil
			}
			_, _, err := x.client.api.Issues.EditComment(ctx, x.owner, x.name, c.GetID(), &gh.IssueComment{Body: gh.String(text)})
			return explain(op, err)
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	return explain(op, x.comment(ctx, number, text))
}

// SetStatus says what a check found out about a commit, unless the commit's last
// status of that context says so already: GitHub keeps every one, and takes a
// thousand. Where more is to be read does not count as a difference.
func (x *Index) SetStatus(ctx context.Context, s forge.Status) error {
	if _, err := x.about(ctx); err != nil {
		return err
	}
	op := "set the status " + s.Context
	said, _, err := x.client.api.Repositories.GetCombinedStatus(ctx, x.owner, x.name, s.Commit, &gh.ListOptions{PerPage: perPage})
	if err != nil {
		return explain(op, err)
	}
	for _, last := range said.Statuses {
		if last.GetContext() == s.Context && last.GetState() == s.State && last.GetDescription() == s.Description {
			return nil
		}
	}
	status := &gh.RepoStatus{State: gh.String(s.State), Context: gh.String(s.Context), Description: gh.String(s.Description)}
	if s.URL != "" {
		status.TargetURL = gh.String(s.URL)
	}
	_, _, err = x.client.api.Repositories.CreateStatus(forge.Repeatable(ctx), x.owner, x.name, s.Commit, status)
	return explain(op, err)
}

// Merge makes the index's branch a commit with the merge's files on top of its
// base. It takes in the pull request's head, so that GitHub shows it as merged,
// when that is one commit with nothing but these files; what else a branch has
// in its history is kept out of the index's, and the pull request closed with a
// word. The error is forge.ErrMoved, and nothing has happened, when the index is
// no longer at the base or the pull request no longer open at its head.
//
// Where the rules of the branch let nobody push to it, the pull request itself
// is merged, by its head; see mergeByHost.
func (x *Index) Merge(ctx context.Context, m forge.Merge) (string, error) {
	op := fmt.Sprintf("merge pull request %d", m.Pull.Number)
	now, err := x.Pull(ctx, m.Pull.Number)
	if err != nil {
		return "", err
	}
	if now.State != forge.Open || now.Head != m.Pull.Head {
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "it was pushed to, or closed"}
	}
	parents, err := x.mergeParents(ctx, m)
	if err != nil {
		return "", explain(op, err)
	}
	id, err := x.writeFiles(ctx, m, parents)
	if err != nil {
		return "", explain(op, err)
	}
	ref := &gh.Reference{Ref: gh.String("refs/heads/" + x.repository.GetDefaultBranch()), Object: &gh.GitObject{SHA: gh.String(id)}}
	_, _, err = x.client.api.Git.UpdateRef(ctx, x.owner, x.name, ref, false)
	switch {
	case err == nil && len(parents) == 1:
		return id, x.ClosePull(ctx, m.Pull, "Merged as "+id+".")
	case err == nil:
		return id, nil
	case says(err, "not a fast forward"):
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "the index moved", Err: err}
	case status(err) == http.StatusForbidden, says(err, "rule"), says(err, "protected branch"):
		return x.mergeByHost(ctx, m)
	}
	return "", explain(op, err)
}

// mergeParents are the base and, where it is one commit on the index, the head.
func (x *Index) mergeParents(ctx context.Context, m forge.Merge) ([]string, error) {
	head, _, err := x.client.api.Git.GetCommit(ctx, x.owner, x.name, m.Pull.Head)
	if err != nil || len(head.Parents) != 1 || head.Parents[0].GetSHA() != m.Fork {
		return []string{m.Base.ID}, err
	}
	return []string{m.Base.ID, m.Pull.Head}, nil
}

// writeFiles makes the tree and the commit, which nothing refers to yet.
func (x *Index) writeFiles(ctx context.Context, m forge.Merge, parents []string) (string, error) {
	base, err := x.treeOf(ctx, m.Base)
	if err != nil {
		return "", err
	}
	own := target{owner: x.owner, name: x.name}
	return x.makeCommit(forge.Repeatable(ctx), own, base, parents, newCommit{m.Files, m.Message, m.Author, m.When})
}

// mergeByHost has GitHub merge the pull request, if it is still at its head. So
// that GitHub has no texts to merge, the head must be one commit on the base:
// where it is not, a branch of the index's own is written anew. GitHub compares
// the base only where the branch's rules want branches to be up to date;
// otherwise what came of it is looked at afterwards.
func (x *Index) mergeByHost(ctx context.Context, m forge.Merge) (string, error) {
	op := fmt.Sprintf("merge pull request %d", m.Pull.Number)
	head := m.Pull.Head
	if m.Fork != m.Base.ID {
		if !strings.EqualFold(m.Pull.Repository, x.owner+"/"+x.name) {
			return "", &forge.Error{
				Kind: forge.ErrRefused, Op: op, Detail: "its branch is behind the index, and in a fork, which this token cannot write to",
				Remedy: "let the token push to the index's branch, or have the author run the publishing again",
			}
		}
		var err error
		if head, err = x.writeFiles(ctx, m, []string{m.Base.ID}); err == nil {
			err = x.moveBranch(ctx, target{owner: x.owner, name: x.name}, m.Pull.Branch, head)
		}
		if err != nil {
			return "", explain(op, err)
		}
	}
	title, body, _ := strings.Cut(m.Message, "\n")
	merged, _, err := x.client.api.PullRequests.Merge(ctx, x.owner, x.name, m.Pull.Number, strings.TrimSpace(body), &gh.PullRequestOptions{CommitTitle: title, SHA: head, MergeMethod: "squash"})
	switch code := status(err); {
	case code == http.StatusConflict, code == http.StatusMethodNotAllowed && says(err, "modified"), code == http.StatusMethodNotAllowed && says(err, "out of date"):
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Err: err}
	case code == http.StatusMethodNotAllowed:
		return "", &forge.Error{Kind: forge.ErrRefused, Op: op, Err: err, Remedy: "what the branch's rules require is missing"}
	case err != nil:
		return "", explain(op, err)
	}
	commit, _, err := x.client.api.Git.GetCommit(ctx, x.owner, x.name, merged.GetSHA())
	if err != nil {
		return "", explain(op, err)
	}
	if len(commit.Parents) != 1 || commit.Parents[0].GetSHA() != m.Base.ID {
		return merged.GetSHA(), &forge.Error{
			Kind: forge.ErrRefused, Op: op, Err: errors.New("GitHub merged it as " + merged.GetSHA() + ", on another commit of the index than the one that it was judged on"),
			Remedy: "look at that commit with 'clyde review', and have the branch's rules want branches to be up to date before merging",
		}
	}
	return merged.GetSHA(), nil
}
