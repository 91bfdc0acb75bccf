package gate

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/forge"
	"github.com/clydepm/clyde/internal/review"
)

// Group is a commit that a host's merge queue made of a pull request, to become
// the next one of the index. Base is what it was put on: the index, or the group
// of the pull request before it.
//
// Source: GitHub's documentation, "Managing a merge queue" and the event
// "merge_group".
type Group struct {
	Number     int // of the pull request
	Base, Head string
}

// groupRef is the branch of a group: that of the index, the number of the pull
// request, and the commit that it is put on.
var groupRef = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40}$`)
})

// PullOfGroup is the number of the pull request that a group's branch is about.
func PullOfGroup(ref string) (int, error) {
	m := groupRef().FindStringSubmatch(ref)
	if m == nil {
		return 0, fmt.Errorf("%q is no branch of a merge queue", ref)
	}
	return strconv.Atoi(m[1])
}

// JudgeGroup judges the pull request of a group on the group's base, and demands
// that the group's commit is that pull request and nothing else: the host merged
// texts, and what it made of them was not judged.
func (g *Gate) JudgeGroup(ctx context.Context, group Group) (Verdict, error) {
	pull, err := g.Forge.Pull(ctx, group.Number)
	if err != nil {
		return Verdict{}, err
	}
	g.observe(StepJudge, pull)
	base, err := g.Forge.Tree(ctx, group.Base)
	if err != nil {
		return Verdict{}, err
	}
	head, err := g.Forge.Tree(ctx, group.Head)
	if err != nil {
		return Verdict{}, err
	}
	v, change, err := g.judgeOn(ctx, pull, forge.Snapshot{ID: group.Base, Tree: base}, g.Now())
	if err != nil || v.Report != nil && v.Report.Decision != review.Merge {
		return v, err
	}
	made, err := index.Changes(base, head)
	if err != nil {
		return v, err
	}
	if path := differs(made, change); path != "" {
		return Verdict{Number: v.Number, Branch: v.Branch, URL: v.URL, Detail: fmt.Sprintf("%s: the queue makes something else of it than pull request %d proposes", path, v.Number)}, nil
	}
	return v, nil
}

// differs is the first file that is otherwise than a change would have it, "" for
// none. A nil change is one of no files.
func differs(made []index.FileChange, change *Change) string {
	left := map[string][]byte{}
	if change != nil {
		left = maps.Clone(change.Files)
	}
	for _, f := range made {
		want, wanted := left[f.Path]
		deleted := f.After == nil && want == nil
		written := f.After != nil && want != nil && f.After.Mode == 0o644 && bytes.Equal(f.After.Data, want)
		if !wanted || !deleted && !written {
			return f.Path
		}
		delete(left, f.Path)
	}
	if len(left) > 0 {
		return slices.Min(slices.Collect(maps.Keys(left)))
	}
	return ""
}
