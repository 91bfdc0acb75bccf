package harvest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/publish"
)

// Releases are those of one repository. *release.Client has those at GitHub,
// *gitea.Origin those at Gitea and Forgejo.
type Releases interface {
	// Carries lists the lines that the releases carry, or reports that nothing
	// changed since the answer with a tag.
	Carries(ctx context.Context, since string) (lines []forge.Carried, tag string, changed bool, err error)
	// Line reads one of them.
	Line(ctx context.Context, carried forge.Carried) ([]byte, error)
}

// ErrBudget reports that as many requests were made as may be.
var ErrBudget = errors.New("the budget of requests is spent")

// Harvest collects what the repositories of an index carry.
type Harvest struct {
	// Open returns the releases of a repository, by its URL. Their methods report
	// ErrBudget when no request is left.
	Open func(repository string) (Releases, error)
	// Index returns the tree of the index as it is now.
	Index func(ctx context.Context) (fs.FS, error)
	// Target is where lines are proposed, or published.
	Target publish.Target
	State  *State
	// Save keeps the state. It is called after each repository.
	Save func(*State) error
}

// Outcome is what became of a line, or of a repository.
type Outcome string

// The outcomes.
const (
	Published Outcome = "published" // the index has it now
	Proposed  Outcome = "proposed"  // there is a pull request
	Refused   Outcome = "refused"   // it is no line that the index takes
	Failed    Outcome = "failed"    // it, or its repository, could not be read; the next run tries again
	Unchanged Outcome = "unchanged" // a repository with nothing new
	Left      Outcome = "left"      // a repository for the next run: the budget is spent
)

// Result is what became of one line or, without a version, of a repository.
type Result struct {
	Repository string  `json:"repository,omitempty"`
	Package    string  `json:"package,omitempty"`
	Version    string  `json:"version,omitempty"`
	Outcome    Outcome `json:"outcome"`
	Pull       int     `json:"pull,omitempty"`
	URL        string  `json:"url,omitempty"` // of the pull request
	Detail     string  `json:"detail,omitempty"`

	again bool // it may come out otherwise the next time
}

// Run asks every repository once, what was asked the longest ago first. The
// error is that of this machine, of the index's host, or of a cancelled context;
// the results until then are returned with it.
func (h *Harvest) Run(ctx context.Context) ([]Result, error) {
	tree, err := h.Index(ctx)
	if err != nil {
		return nil, err
	}
	sources, results, err := Sources(tree, h.Target.Now())
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(sources, func(a, b Source) int {
		return h.State.Repositories[a.Repository].At.Compare(h.State.Repositories[b.Repository].At)
	})
	h.forget(sources)
	spent := false
	for _, s := range sources {
		if spent {
			results = append(results, Result{Repository: s.Repository, Outcome: Left})
			continue
		}
		found, asked, err := h.ask(ctx, s)
		results = append(results, found...)
		switch {
		case errors.Is(err, ErrBudget):
			spent = true
			results = append(results, Result{Repository: s.Repository, Outcome: Left})
			h.State.Repositories[s.Repository] = asked
		case ctx.Err() != nil:
			return results, ctx.Err()
		case err != nil:
			results = append(results, Result{Repository: s.Repository, Outcome: Failed, Detail: err.Error()})
			asked.Tag = "" // ask in full the next time
			fallthrough
		default:
			asked.At = h.Target.Now().UTC()
			h.State.Repositories[s.Repository] = asked
		}
		if err := h.Save(h.State); err != nil {
			return results, err
		}
	}
	return results, nil
}

// forget drops what is known about repositories that the index does not name.
func (h *Harvest) forget(sources []Source) {
	named := map[string]bool{}
	for _, s := range sources {
		named[s.Repository] = true
	}
	for url := range h.State.Repositories {
		if !named[url] {
			delete(h.State.Repositories, url)
		}
	}
}

// ask looks at one repository. What it learned is returned with an error, too.
func (h *Harvest) ask(ctx context.Context, s Source) ([]Result, Asked, error) {
	asked := h.State.Repositories[s.Repository]
	if packages := slices.Sorted(maps.Keys(s.Packages)); !slices.Equal(asked.Packages, packages) {
		asked = Asked{At: asked.At, Packages: packages} // what was not for us may be now
	}
	releases, err := h.Open(s.Repository)
	if err != nil {
		return nil, asked, err
	}
	lines, tag, changed, err := releases.Carries(ctx, asked.Tag)
	if err != nil {
		return nil, asked, err
	}
	if !changed {
		return []Result{{Repository: s.Repository, Outcome: Unchanged}}, asked, nil
	}
	was := asked.Seen
	asked.Seen, asked.Tag = nil, tag
	var results []Result
	for i, carried := range slices.Backward(lines) { // oldest release first
		if slices.Contains(was, carried.Key) {
			asked.Seen = append(asked.Seen, carried.Key)
			continue
		}
		data, err := releases.Line(ctx, carried)
		if errors.Is(err, ErrBudget) || ctx.Err() != nil {
			asked.Tag = ""
			asked.Seen = append(asked.Seen, seenBefore(was, lines[:i])...)
			return results, asked, errors.Join(err, ctx.Err())
		}
		r := Result{Repository: s.Repository}
		if err != nil {
			r.Outcome, r.Detail, r.again = Failed, err.Error(), true
		} else {
			h.collect(ctx, s, data, &r)
		}
		if r.again {
			asked.Tag = "" // and read it again
		} else {
			asked.Seen = append(asked.Seen, carried.Key)
		}
		if r.Outcome != "" {
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		results = []Result{{Repository: s.Repository, Outcome: Unchanged}}
	}
	return results, asked, nil
}

// seenBefore are the keys of the lines that were dealt with by earlier runs.
func seenBefore(was []string, lines []forge.Carried) []string {
	var seen []string
	for _, c := range lines {
		if slices.Contains(was, c.Key) {
			seen = append(seen, c.Key)
		}
	}
	return seen
}

// collect publishes or proposes one line. A line that the index has already
// leaves no outcome.
func (h *Harvest) collect(ctx context.Context, s Source, data []byte, r *Result) {
	entry, err := index.ParseLine(data)
	if err != nil {
		r.Outcome, r.Detail = Refused, fmt.Sprintf("it is no line: %v", err)
		return
	}
	r.Package, r.Version = entry.Name, entry.Vers
	if v := index.CheckLine(data, strings.ToLower(entry.Name)); len(v) > 0 {
		r.Outcome, r.Detail = Refused, v[0].Rule+": "+v[0].Detail
		return
	}
	if !s.Packages[strings.ToLower(entry.Name)] {
		r.Outcome, r.Detail = Refused, "the index does not name this repository for the package; 'clyde init --register' prepares that"
		return
	}
	plan, err := publish.NewLinePlan(ctx, publish.LineOptions{Target: h.Target, Entry: entry})
	if err != nil {
		r.fail(err)
		return
	}
	defer plan.Close()
	if plan.Done {
		return
	}
	applied, err := plan.Apply(ctx)
	if err != nil {
		r.fail(err)
		return
	}
	r.Outcome = Published
	if p := applied.Proposal; p != nil {
		r.Outcome, r.Pull, r.URL, r.Detail = Proposed, p.Number, p.URL, p.Note
	}
}

// fail tells what will never be taken from what may be another time: what the
// review refuses may pass when another package is there.
func (r *Result) fail(err error) {
	r.Detail = err.Error()
	var conflict *publish.ConflictError
	var refused *publish.RefusedError
	switch {
	case errors.As(err, &conflict):
		r.Outcome = Refused
	case errors.As(err, &refused):
		r.Outcome, r.again = Refused, true
	default:
		r.Outcome, r.again = Failed, true
	}
}

// Budget is what is left of the requests that may be made.
type Budget struct{ Left int }

// Limit counts the requests of a repository's releases.
func (b *Budget) Limit(r Releases) Releases { return limited{r, b} }

type limited struct {
	Releases
	budget *Budget
}

func (l limited) spend() error {
	if l.budget.Left <= 0 {
		return ErrBudget
	}
	l.budget.Left--
	return nil
}

func (l limited) Carries(ctx context.Context, since string) ([]forge.Carried, string, bool, error) {
	if err := l.spend(); err != nil {
		return nil, "", false, err
	}
	return l.Releases.Carries(ctx, since)
}

func (l limited) Line(ctx context.Context, carried forge.Carried) ([]byte, error) {
	if err := l.spend(); err != nil {
		return nil, err
	}
	return l.Releases.Line(ctx, carried)
}
