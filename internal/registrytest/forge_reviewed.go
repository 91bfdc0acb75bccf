package registrytest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// compare answers for "BASE...HEAD" with what is asked of it here: the commit
// that both have.
func compare(r *request) answer {
	base, head, found := strings.Cut(r.PathValue("range"), "...")
	if !found || r.repo.resolve(base+"^{commit}") == "" || r.repo.resolve(head+"^{commit}") == "" {
		return notFound()
	}
	return ok(map[string]any{
		"merge_base_commit": map[string]any{"sha": r.repo.mergeBase(r.repo.resolve(base), r.repo.resolve(head))},
		"commits":           []any{}, "files": []any{},
	})
}

// mergeBase is the newest commit that two have in common, "" for none.
func (r *repository) mergeBase(one, other string) string {
	a, err := object.GetCommit(r.objects, plumbing.NewHash(one))
	if err != nil {
		return ""
	}
	b, err := object.GetCommit(r.objects, plumbing.NewHash(other))
	if err != nil {
		return ""
	}
	for _, p := range b.ParentHashes { // nearly always
		if ok, err := isBefore(r, p, a); err == nil && ok && len(b.ParentHashes) == 1 {
			return p.String()
		}
	}
	bases, err := a.MergeBase(b)
	if err != nil || len(bases) == 0 {
		return ""
	}
	return bases[0].Hash.String()
}

func isBefore(r *repository, older plumbing.Hash, newer *object.Commit) (bool, error) {
	c, err := object.GetCommit(r.objects, older)
	if err != nil {
		return false, err
	}
	return c.IsAncestor(newer)
}

func (r *repository) parents(sha string) []string {
	c, err := object.GetCommit(r.objects, plumbing.NewHash(sha))
	if err != nil {
		return nil
	}
	var parents []string
	for _, p := range c.ParentHashes {
		parents = append(parents, p.String())
	}
	return parents
}

// removeFile is a tree without one of its files.
func (r *repository) removeFile(base, path string) (string, error) {
	tree, err := object.GetTree(r.objects, plumbing.NewHash(base))
	if err != nil {
		return "", err
	}
	name, rest, below := strings.Cut(path, "/")
	entries := slices.Clone(tree.Entries)
	i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name })
	if i < 0 || below != (entries[i].Mode == filemode.Dir) {
		return "", object.ErrEntryNotFound
	}
	sub := ""
	if below {
		if sub, err = r.removeFile(entries[i].Hash.String(), rest); err != nil {
			return "", err
		}
		entries[i].Hash = plumbing.NewHash(sub)
	}
	const empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904" // the tree
	if sub == "" || sub == empty {
		entries = slices.Delete(entries, i, i+1)
	}
	id, err := r.write((&object.Tree{Entries: entries}).Encode)
	return id.String(), err
}

// noticeMerged marks the pull requests whose head the branch has just taken in.
func (r *repository) noticeMerged() {
	taken := r.parents(r.head())
	for _, p := range r.pulls {
		if p.state == "open" && slices.Contains(taken, p.headSHA()) {
			p.merged, p.state = true, "closed"
		}
	}
}

// Protect has the branch of a repository move by merging pull requests only, or
// only those that are on top of it.
func (f *Forge) Protect(name string, upToDate bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	repo.Protected, repo.UpToDate = true, upToDate
}

// AllowManualMerge has a Gitea believe that a pull request was merged by hand.
func (f *Forge) AllowManualMerge(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.repos[strings.ToLower(name)].ManualMerge = true
}

// Review has somebody review the present head of a pull request: APPROVED,
// CHANGES_REQUESTED, COMMENTED or DISMISSED.
func (f *Forge) Review(name string, number int, login, state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.repos[strings.ToLower(name)].pulls[number-1]
	p.reviews = append(p.reviews, review{f.addUser(login), state, p.headSHA()})
}

func (f *Forge) reviewList(p *pullRequest, states map[string]string) []any {
	list := []any{}
	for i, v := range p.reviews {
		state := v.state
		if s, ok := states[state]; ok {
			state = s
		}
		list = append(list, map[string]any{
			"id": i + 1, "user": f.userView(v.by), "state": state, "commit_id": v.commit, "submitted_at": forgeTime().Format(time.RFC3339),
			"dismissed": v.state == "DISMISSED",
		})
	}
	return list
}

func listReviews(r *request) answer {
	p := r.pull()
	if p == nil {
		return notFound()
	}
	return r.page(r.f.reviewList(p, nil))
}

func giteaReviews(r *request) answer {
	p := r.pull()
	if p == nil {
		return notFound()
	}
	return r.giteaPage(r.f.reviewList(p, map[string]string{"CHANGES_REQUESTED": "REQUEST_CHANGES", "COMMENTED": "COMMENT", "DISMISSED": "APPROVED"}))
}

func getPermission(r *request) answer {
	if r.token == nil {
		return r.denied()
	}
	login, level := r.PathValue("user"), "read"
	if r.repo.push[strings.ToLower(login)] {
		level = "write"
	}
	return ok(map[string]any{"permission": level, "user": r.f.userView(r.f.addUser(login))})
}

// commentIDs keeps the numbers of comments apart: those of one pull request
// begin with its own.
const commentIDs = 1000

func (f *Forge) commentView(p *pullRequest, i int) map[string]any {
	return map[string]any{"id": p.number*commentIDs + i, "body": p.comments[i].text, "user": f.userView(p.comments[i].by)}
}

func editComment(r *request) answer {
	var body struct{ Body string }
	if a := r.decode(&body); a != nil {
		return *a
	}
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id/commentIDs < 1 || id/commentIDs > len(r.repo.pulls) {
		return notFound()
	}
	p := r.repo.pulls[id/commentIDs-1]
	if id%commentIDs >= len(p.comments) {
		return notFound()
	}
	if r.token == nil || p.comments[id%commentIDs].by != r.f.addUser(r.token.Login) && !r.mayPush(r.repo) {
		return refuse(http.StatusForbidden, "Must have admin rights to Repository.")
	}
	p.comments[id%commentIDs].text = body.Body
	return ok(r.f.commentView(p, id%commentIDs))
}

// Push makes the branch of a pull request one commit with a file changed, on top
// of what it is, as its author would.
func (f *Forge) Push(name string, number int, path, content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.repos[strings.ToLower(name)].pulls[number-1]
	head := p.headSHA()
	tree, err := p.head.writeTree(head, map[string]string{path: content})
	if err == nil {
		var commit string
		if commit, err = p.head.commit(tree, "Change "+path+"\n", object.Signature{}, head); err == nil {
			err = p.head.setRef("refs/heads/"+p.ref, commit)
		}
	}
	if err != nil {
		f.t.Error(err)
	}
	f.notice(p)
}

// Propose opens a pull request of somebody with one commit of the files on top
// of a repository's branch, and returns its number. The branch is in the
// repository itself when that somebody may push to it, and else in a fork.
func (f *Forge) Propose(name, login, branch string, files map[string]string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	by, from := f.addUser(login), repo
	base := repo.head()
	tree, err := repo.writeTree(base, files)
	var commit string
	if err == nil {
		commit, err = repo.commit(tree, "Propose "+branch+"\n", object.Signature{}, base)
	}
	if err == nil && !repo.push[strings.ToLower(login)] {
		from, err = f.fork(repo, by)
	}
	if err == nil {
		err = from.setRef("refs/heads/"+branch, commit)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	p := &pullRequest{number: len(repo.pulls) + 1, author: by, title: "Propose " + branch, state: "open", head: from, ref: branch, base: base, last: commit, created: commit, opened: f.now}
	repo.pulls = append(repo.pulls, p)
	return p.number
}

// PushWithout makes the branch of a pull request one commit without a file, on
// top of what it is.
func (f *Forge) PushWithout(name string, number int, path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.repos[strings.ToLower(name)].pulls[number-1]
	head := p.headSHA()
	tree, err := p.head.removeFile(p.head.resolve(head+"^{tree}"), path)
	if err == nil {
		var commit string
		if commit, err = p.head.commit(tree, "Remove "+path+"\n", object.Signature{}, head); err == nil {
			err = p.head.setRef("refs/heads/"+p.ref, commit)
		}
	}
	if err != nil {
		f.t.Error(err)
	}
	f.notice(p)
}

// ForcePush makes the branch of a pull request a commit that was there before, or
// any other that the forge has.
func (f *Forge) ForcePush(name string, number int, commit string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.repos[strings.ToLower(name)].pulls[number-1]
	if err := p.head.setRef("refs/heads/"+p.ref, commit); err != nil {
		f.t.Error(err)
	}
	f.notice(p)
}

// listActivity is GitHub's list of what happened to a branch, newest first.
func listActivity(r *request) answer {
	list := []any{}
	for _, repo := range r.f.repos {
		for _, p := range repo.pulls {
			if p.head != r.repo || "refs/heads/"+p.ref != r.URL.Query().Get("ref") {
				continue
			}
			r.f.notice(p)
			for _, e := range slices.Backward(p.pushes) {
				list = append(list, map[string]any{"activity_type": "push", "ref": "refs/heads/" + p.ref, "after": e.commit, "timestamp": e.at.Format(time.RFC3339)})
			}
			list = append(list, map[string]any{"activity_type": "branch_creation", "ref": "refs/heads/" + p.ref, "after": p.created, "timestamp": p.opened.Format(time.RFC3339)})
		}
	}
	return r.page(list)
}

// giteaTimeline is what happened to a pull request, oldest first.
func giteaTimeline(r *request) answer {
	p := r.pull()
	if p == nil {
		return notFound()
	}
	r.f.notice(p)
	list := []any{}
	for i := range p.comments {
		v := r.f.commentView(p, i)
		v["type"], v["created_at"] = "comment", p.opened.Format(time.RFC3339)
		list = append(list, v)
	}
	for _, e := range p.pushes {
		list = append(list, map[string]any{"type": "pull_push", "created_at": e.at.Format(time.RFC3339)})
	}
	return r.giteaPage(list)
}
