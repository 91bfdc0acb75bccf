package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/review"
)

// BenchmarkCheckCrates checks the whole index of crates.io, and prints what
// memory it takes.
func BenchmarkCheckCrates(b *testing.B) {
	crates := cratesRepo(b)
	for b.Loop() {
		source, err := OpenSource(crates, "")
		if err != nil {
			b.Fatal(err)
		}
		report, err := Check(b.Context(), source, "", time.Now())
		if err != nil || report.Packages != 43451 {
			b.Fatal(report, err)
		}
		if err := source.Close(); err != nil {
			b.Fatal(err)
		}
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.Sys)/(1<<20), "MiB")
}

// BenchmarkJudgeCrates judges one publish against the index of crates.io, from
// opening the repository on: of a new version, and of a new package, of which
// the name is compared with all others.
func BenchmarkJudgeCrates(b *testing.B) {
	crates := cratesRepo(b)
	for _, name := range []string{"serde", "entirely-new-client"} {
		b.Run(name, func(b *testing.B) {
			base, head := propose(b, crates, name)
			for b.Loop() {
				judgeCommits(b, crates, base, head)
			}
		})
	}
}

// propose commits another version of a package, and gives the commits before
// and after.
func propose(b *testing.B, repository, name string) (base, head string) {
	b.Helper()
	repo, err := git.Open(repository)
	if err != nil {
		b.Fatal(err)
	}
	defer repo.Close()
	if base, err = repo.Resolve("HEAD"); err != nil {
		b.Fatal(err)
	}
	source, err := OpenSource(repository, base)
	if err != nil {
		b.Fatal(err)
	}
	defer source.Close()
	e := &index.Entry{
		Name: name, Vers: "99.0.0", V: 1, Cksum: strings.Repeat("ab", 32), DL: "https://example.org/a.tar.gz", Size: 1,
		Deps: []index.Dependency{{Name: "libc", Req: "^0.2", Kind: index.KindNormal, DefaultFeatures: true}},
	}
	file, err := index.Path(name)
	if err != nil {
		b.Fatal(err)
	}
	text, err := fs.ReadFile(source.Tree, file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	head, err = repo.WriteCommit(git.Commit{
		Parent: base, Files: map[string][]byte{file: append(e.AppendLine(text), '\n')},
		Message: fmt.Sprintf("%s 99.0.0", name), Name: "Ann", Email: "ann@example.org", When: time.Unix(1_700_000_000, 0),
	})
	if err != nil {
		b.Fatal(err)
	}
	return base, head
}

func judgeCommits(b *testing.B, repository, base, head string) {
	before, err := OpenSource(repository, base)
	if err != nil {
		b.Fatal(err)
	}
	defer before.Close()
	after, err := before.Repo.Tree(head)
	if err != nil {
		b.Fatal(err)
	}
	report, err := review.Judge(review.Input{Base: before.Tree, Head: after, BaseID: base, HeadID: head, Now: time.Unix(1_700_000_000, 0)})
	if err != nil || report.Verdict != review.Pass {
		b.Fatalf("%s %v", report.JSON(), err)
	}
}
