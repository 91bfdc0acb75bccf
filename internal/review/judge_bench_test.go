package review_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/review"
)

// mostJudging bounds one judgement against the index of crates.io, without
// network.
const mostJudging = 150 * time.Millisecond

// TestJudgingIsFast holds one judgement to the bound, with an index of 43,451
// packages that was never read before.
func TestJudgingIsFast(t *testing.T) {
	for name, in := range publishes(t) {
		if judged, err := review.Judge(in()); err != nil || judged.Verdict != review.Pass {
			t.Fatalf("%s: %v\n%s", name, err, judged.JSON())
		}
		r := testing.Benchmark(func(b *testing.B) { judgeAgain(b, in) })
		t.Logf("%s: %s, %d KiB", name, time.Duration(r.NsPerOp()), r.AllocedBytesPerOp()>>10)
		if time.Duration(r.NsPerOp()) > mostJudging {
			t.Errorf("%s takes %s, more than %s", name, time.Duration(r.NsPerOp()), mostJudging)
		}
	}
}

// BenchmarkJudge judges one publish against the index of crates.io.
func BenchmarkJudge(b *testing.B) {
	for name, in := range publishes(b) {
		b.Run(name, func(b *testing.B) { judgeAgain(b, in) })
	}
}

func judgeAgain(b *testing.B, in func() review.Input) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := review.Judge(in())
		if err != nil {
			b.Fatal(err)
		}
		if r.Verdict != review.Pass {
			b.Fatalf("%s", r.JSON())
		}
	}
}

// publishes are two changes of the index: a version of a package that needs many
// others, and a new package.
func publishes(t testing.TB) map[string]func() review.Input {
	t.Helper()
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	if bundle == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
		}
		t.Skip("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
	}
	dir := filepath.Join(t.TempDir(), "crates.git")
	if out, err := exec.Command("git", "clone", "-q", "--bare", bundle, dir).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	repo, err := git.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repo.Close() })
	base, err := repo.Resolve("HEAD")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func() review.Input{
		"version": publishOf(t, repo, base, "serde_json", "9.0.0", "dependencies: {serde: \"^1\", regex: \"^1\", log: \"^0.4\", rand: \"^0.7\", env_logger: \"^0.7\", clap: \"^2\"}\n"),
		"package": publishOf(t, repo, base, "plover-quartz", "0.1.0", "dependencies: {serde: \"^1\"}\n"),
	}
}

// publishOf makes the commit that publishes a version, and the evidence.
func publishOf(t testing.TB, repo *git.Repo, base, name, version, more string) func() review.Input {
	t.Helper()
	text := fmt.Sprintf("name: %s\nversion: %q\nlicense: MIT\n%s", name, version, more)
	data, sum := packed(t, name, version, text)
	m, err := manifest.Parse(manifest.Path, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Line(manifest.Facts{
		Pubtime: "2026-01-02T03:04:05Z",
		Archive: index.Build{DL: "https://example.org/" + index.ArchiveName(name, version), Cksum: sum.SHA256, Size: sum.Size},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := index.Path(name)
	if err != nil {
		t.Fatal(err)
	}
	before, err := fs.ReadFile(tree(t, repo, base), file)
	if err != nil {
		before = nil
	}
	head, err := repo.WriteCommit(git.Commit{
		Parent: base, Files: map[string][]byte{file: append(e.AppendLine(before), '\n')},
		Name: "Ann", Email: "ann@example.org", Message: "Publish\n", When: time.Unix(1, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	opened := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	evidence := map[string]*review.Evidence{version: {Archive: &review.File{URL: e.DL, Size: sum.Size, SHA256: sum.SHA256, Open: opened}}}
	return func() review.Input {
		return review.Input{Base: tree(t, repo, base), Head: tree(t, repo, head), Now: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC), Evidence: evidence}
	}
}

func tree(t testing.TB, repo *git.Repo, id string) fs.FS {
	t.Helper()
	f, err := repo.Tree(id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func packed(t testing.TB, name, version, text string) ([]byte, archive.Summary) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".clyde"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".clyde", "package.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	opts := archive.PackOptions{Name: name, Version: version}
	files, err := archive.Select(root, opts)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	sum, err := archive.Pack(&out, root, files, opts)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), sum
}
