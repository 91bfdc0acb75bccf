package gitea

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

	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/git"
)

// OpenPulls returns the open pull requests to the index's branch, oldest first.
func (x *Index) OpenPulls(ctx context.Context) ([]forge.Pull, error) {
	all, err := x.listOpen(ctx)
	if err != nil {
		return nil, err
	}
	var pulls []forge.Pull
	for _, p := range slices.Backward(all) {
		if p.Draft {
			continue
		}
		pull, err := x.pull(ctx, p)
		if err != nil {
			return nil, err
		}
		pulls = append(pulls, pull)
	}
	return pulls, nil
}

// read asks for one pull request.
func (x *Index) read(ctx context.Context, number int) (pullRequest, error) {
	op := fmt.Sprintf("read pull request %d", number)
	if _, err := x.facts(ctx); err != nil {
		return pullRequest{}, err
	}
	var p pullRequest
	if err := x.client.call(ctx, http.MethodGet, x.path("/pulls/%d", number), nil, &p); err != nil {
		return p, explain(op, err)
	}
	if p.Base.Ref != x.about.DefaultBranch {
		return p, &forge.Error{Kind: forge.ErrNotFound, Op: op, Detail: "it is to the branch " + p.Base.Ref + " and not to the index's"}
	}
	return p, nil
}

// Pull returns a pull request as it is now. The error is forge.ErrNotFound when
// there is none, or none to the index's branch.
func (x *Index) Pull(ctx context.Context, number int) (forge.Pull, error) {
	p, err := x.read(ctx, number)
	if err != nil {
		return forge.Pull{}, err
	}
	return x.pull(ctx, p)
}

// Tree returns the tree of a commit that was fetched. The error is that of the
// repository when none was.
func (x *Index) Tree(_ context.Context, commit string) (fs.FS, error) {
	return x.mirror.Repo().Tree(commit)
}

// Proposed returns the commit of the index that a pull request was made on, and
// the pull request's head, which it fetches. A head that the branch had before is
// fetched by its ID; the error is forge.ErrMoved when the host does not send it
// any more.
func (x *Index) Proposed(ctx context.Context, p forge.Pull) (fork, head forge.Snapshot, err error) {
	op := fmt.Sprintf("fetch pull request %d", p.Number)
	tip, err := x.Head(ctx)
	if err != nil {
		return fork, head, err
	}
	if p.Repository == "" {
		return fork, head, &forge.Error{Kind: forge.ErrRefused, Op: op, Detail: "the fork with its branch is gone", Remedy: "close it"}
	}
	fetched, err := x.mirror.Repo().Fetch(ctx, git.FetchOptions{URL: x.gitURL(p.Repository), Branch: p.Branch, Auth: x.auth()})
	if err != nil {
		return fork, head, err
	}
	if fetched.New != p.Head {
		if err := x.fetchOld(ctx, p, tip.ID); err != nil {
			return fork, head, &forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "it was pushed to, and the host does not send " + p.Head + " any more", Err: err}
		}
	}
	head.ID = p.Head
	if fork.ID, err = x.mirror.Repo().ForkPoint(p.Head, tip.ID); errors.Is(err, git.ErrNotFound) {
		return fork, head, &forge.Error{Kind: forge.ErrRefused, Op: op, Detail: "it has no commit in common with the index"}
	}
	if err != nil {
		return fork, head, err
	}
	if fork.Tree, err = x.Tree(ctx, fork.ID); err != nil {
		return fork, head, err
	}
	head.Tree, err = x.Tree(ctx, head.ID)
	return fork, head, err
}

// fetchOld fetches a commit that the branch of a pull request had before.
func (x *Index) fetchOld(ctx context.Context, p forge.Pull, have string) error {
	from, err := git.DialUpload(ctx, x.gitURL(p.Repository), x.auth())
	if err != nil {
		return err
	}
	defer from.Close()
	if err := x.mirror.Repo().FetchCommit(ctx, from, p.Head, have); err != nil {
		return err
	}
	_, err = x.mirror.Repo().CommitInfo(p.Head)
	return err
}

// Reviews returns the approvals of a pull request and the wishes for changes
// that stand, with what those who gave them may do.
func (x *Index) Reviews(ctx context.Context, p forge.Pull) ([]forge.Review, error) {
	op := fmt.Sprintf("list the reviews of pull request %d", p.Number)
	type review struct {
		User      user
		State     string
		Dismissed bool
		Commit    string    `json:"commit_id"`
		At        time.Time `json:"submitted_at"`
	}
	last := map[string]review{}
	for page := 1; page <= maxPages; page++ {
		var reviews []review
		if err := x.client.call(ctx, http.MethodGet, x.path("/pulls/%d/reviews?limit=%d&page=%d", p.Number, perPage, page), nil, &reviews); err != nil {
			return nil, explain(op, err)
		}
		for _, r := range reviews {
			if r.State == "APPROVED" || r.State == "REQUEST_CHANGES" {
				last[r.User.Login] = r
			}
		}
		if len(reviews) < perPage {
			break
		}
	}
	var standing []forge.Review
	for by, r := range last {
		if r.Dismissed {
			continue
		}
		var may struct{ Permission string }
		if err := x.client.call(ctx, http.MethodGet, x.path("/collaborators/%s/permission", url.PathEscape(by)), nil, &may); err != nil {
			return nil, explain(op, err)
		}
		if may.Permission == "owner" {
			may.Permission = "admin"
		}
		standing = append(standing, forge.Review{By: by, Commit: r.Commit, At: r.At, Permission: may.Permission, Approves: r.State == "APPROVED"})
	}
	slices.SortFunc(standing, func(a, b forge.Review) int { return strings.Compare(a.By, b.By) })
	return standing, nil
}

// ProposedAt returns the later of the times when the pull request was opened and
// when it was last pushed to, as the host's own timeline tells it. The dates that
// a commit claims do not count.
func (x *Index) ProposedAt(ctx context.Context, p forge.Pull) (time.Time, error) {
	at := p.Opened
	for page := 1; page <= maxPages; page++ {
		var events []struct {
			Type string
			At   time.Time `json:"created_at"`
		}
		if err := x.client.call(ctx, http.MethodGet, x.path("/issues/%d/timeline?limit=%d&page=%d", p.Number, perPage, page), nil, &events); err != nil {
			return time.Time{}, explain(fmt.Sprintf("ask when pull request %d was pushed to", p.Number), err)
		}
		for _, e := range events {
			if e.Type == "pull_push" {
				at = forge.Later(at, e.At)
			}
		}
		if len(events) < perPage {
			break
		}
	}
	return at, nil
}

// Comment says something on a pull request, in place of what this token said
// there under the same marker before, unless that is as good. The marker is the
// first line of the text.
func (x *Index) Comment(ctx context.Context, number int, text string, asGood func(said string) bool) error {
	op := fmt.Sprintf("comment on pull request %d", number)
	me, err := x.me(ctx)
	if err != nil {
		return err
	}
	var comments []struct {
		ID   int64
		Body string
		User user
	}
	if err := x.client.call(ctx, http.MethodGet, x.path("/issues/%d/comments", number), nil, &comments); err != nil {
		return explain(op, err)
	}
	marker, _, _ := strings.Cut(text, "\n")
	for _, c := range comments {
		body := strings.ReplaceAll(c.Body, "\r\n", "\n")
		first, _, _ := strings.Cut(body, "\n")
		switch {
		case c.User.Login != me || first != marker:
			continue
		case asGood(body):
			return nil
		}
		return explain(op, x.client.call(ctx, http.MethodPatch, x.path("/issues/comments/%d", c.ID), map[string]string{"body": text}, nil))
	}
	return explain(op, x.comment(ctx, number, text))
}

// SetStatus says what a check found out about a commit, unless the commit's last
// status of that context says so already. Where more is to be read does not count
// as a difference.
func (x *Index) SetStatus(ctx context.Context, s forge.Status) error {
	op := "set the status " + s.Context
	var said struct {
		Statuses []struct{ Context, Status, Description string } // the last of each context
	}
	if err := x.client.call(ctx, http.MethodGet, x.path("/commits/%s/status?limit=%d", s.Commit, perPage), nil, &said); err != nil {
		return explain(op, err)
	}
	for _, last := range said.Statuses {
		if last.Context == s.Context && last.Status == s.State && last.Description == s.Description {
			return nil
		}
	}
	body := map[string]string{"state": s.State, "context": s.Context, "description": s.Description, "target_url": s.URL}
	return explain(op, x.client.call(forge.Repeatable(ctx), http.MethodPost, x.path("/statuses/%s", s.Commit), body, nil))
}

// Merge pushes a commit with the merge's files on top of its base. It takes in
// the pull request's head when that is one commit with nothing but these files;
// what else a branch has in its history is kept out of the index's. The host is
// then told that the pull request is merged or, where it does not let one say
// so, has it closed with a word. The error is forge.ErrMoved, and nothing has
// happened, when the index is no longer at the base or the pull request no
// longer open at its head.
//
// Where the branch may not be pushed to, the host merges the pull request, if it
// is one commit on the base and still at its head.
func (x *Index) Merge(ctx context.Context, m forge.Merge) (string, error) {
	op := fmt.Sprintf("merge pull request %d", m.Pull.Number)
	now, err := x.Pull(ctx, m.Pull.Number)
	if err != nil {
		return "", err
	}
	if now.State != forge.Open || now.Head != m.Pull.Head {
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "it was pushed to, or closed"}
	}
	by, err := x.author(ctx, m.Author)
	if err != nil {
		return "", err
	}
	commit := git.Commit{Parent: m.Base.ID, Files: m.Files, Message: m.Message, Name: by.Name, Email: by.Email, When: m.When}
	head, err := x.mirror.Repo().CommitInfo(m.Pull.Head)
	if err != nil {
		return "", err
	}
	if len(head.Parents) == 1 && head.Parents[0] == m.Fork {
		commit.Merged = m.Pull.Head
	}
	id, err := x.mirror.Repo().WriteCommit(commit)
	if err != nil {
		return "", err
	}
	err = x.mirror.Repo().PushWith(ctx, git.PushOptions{URL: x.gitURL(x.name), Ref: "refs/heads/" + x.about.DefaultBranch, Old: m.Base.ID, New: id, Auth: x.auth()})
	switch {
	case err == nil:
		return id, x.tellMerged(ctx, m.Pull, id)
	case errors.Is(err, git.ErrConflict):
		if at, headErr := x.Head(ctx); headErr != nil || at.ID != m.Base.ID {
			return "", errors.Join(&forge.Error{Kind: forge.ErrMoved, Op: op, Detail: "the index moved", Err: err}, headErr)
		}
		return x.mergeByHost(ctx, m)
	case errors.Is(err, git.ErrAuth):
		return x.mergeByHost(ctx, m)
	}
	return "", err
}

// tellMerged has the host show a pull request as merged by a commit.
func (x *Index) tellMerged(ctx context.Context, p forge.Pull, id string) error {
	body := map[string]string{"Do": "manually-merged", "MergeCommitID": id, "head_commit_id": p.Head}
	err := x.client.call(forge.Repeatable(ctx), http.MethodPost, x.path("/pulls/%d/merge", p.Number), body, nil)
	if err == nil {
		return nil
	}
	if now, readErr := x.Pull(ctx, p.Number); readErr == nil && now.State == forge.Merged {
		return nil // the host noticed by itself
	}
	if code := status(err); code == http.StatusMethodNotAllowed || code == http.StatusConflict || code == http.StatusUnprocessableEntity {
		return x.ClosePull(ctx, p, "Merged as "+id+".")
	}
	return explain(fmt.Sprintf("tell that pull request %d is merged", p.Number), err)
}

// mergeByHost has the host merge the pull request, if it is still at its head.
// What it makes of the texts is that of the head, since the head is on the base.
func (x *Index) mergeByHost(ctx context.Context, m forge.Merge) (string, error) {
	op := fmt.Sprintf("merge pull request %d", m.Pull.Number)
	if m.Fork != m.Base.ID {
		return "", &forge.Error{
			Kind: forge.ErrRefused, Op: op, Detail: "its branch is behind the index, whose branch this token may not push to",
			Remedy: "let the token push to the index's branch, or have the author run the publishing again",
		}
	}
	title, body, _ := strings.Cut(m.Message, "\n")
	request := map[string]string{"Do": "squash", "head_commit_id": m.Pull.Head, "MergeTitleField": title, "MergeMessageField": strings.TrimSpace(body)}
	err := x.client.call(ctx, http.MethodPost, x.path("/pulls/%d/merge", m.Pull.Number), request, nil)
	switch code := status(err); {
	case code == http.StatusConflict:
		return "", &forge.Error{Kind: forge.ErrMoved, Op: op, Err: err}
	case code == http.StatusMethodNotAllowed:
		return "", &forge.Error{Kind: forge.ErrRefused, Op: op, Err: err, Remedy: "what the branch's rules require is missing"}
	case err != nil:
		return "", explain(op, err)
	}
	merged, err := x.Head(ctx)
	return merged.ID, err
}
