package registrytest

import "strings"

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
