package registrytest

import (
	"fmt"
	"strings"
)

// Enqueue makes the commit by which a merge queue tries a pull request, on top of
// another one or, when that is "", of the index. Its branch is returned too.
func (f *Forge) Enqueue(name string, number int, after string) (ref, base, head string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.repos[strings.ToLower(name)]
	p := r.pulls[number-1]
	base = after
	if base == "" {
		base = r.head()
	}
	ref = fmt.Sprintf("refs/heads/gh-readonly-queue/%s/pr-%d-%s", r.branch, number, base)
	head, err := r.squash(base, p.headSHA(), fmt.Sprintf("%s (#%d)", p.title, number))
	if err == nil {
		err = r.setRef(ref, head)
	}
	if err != nil || head == "" {
		f.t.Fatalf("the queue does not take pull request %d: %v", number, err)
	}
	return ref, base, head
}

// Say has somebody comment on a pull request.
func (f *Forge) Say(name string, number int, login, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.repos[strings.ToLower(name)].pulls[number-1]
	p.comments = append(p.comments, comment{f.addUser(login), text})
}

// Statuses are those of a commit, oldest first, each as "CONTEXT STATE
// DESCRIPTION".
func (f *Forge) Statuses(name, commit string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, s := range f.repos[strings.ToLower(name)].statuses[commit] {
		all = append(all, s.Context+" "+s.State+" "+s.Description)
	}
	return all
}
