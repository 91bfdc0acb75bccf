package registry

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/clydepm/clyde/internal/git"
	"github.com/clydepm/clyde/internal/review"
)

// cratesRepo is a clone of the index of crates.io of July 2020, from the git
// bundle that CLYDE_TEST_CRATES_INDEX names.
func cratesRepo(t testing.TB) string {
	t.Helper()
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	if bundle == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
		}
		t.Skip("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
	}
	crates := filepath.Join(t.TempDir(), "crates.git")
	if out, err := exec.CommandContext(t.Context(), "git", "clone", "-q", "--bare", bundle, crates).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	return crates
}

// The whole index of crates.io passes as Cargo's; taken over, what was taken
// passes as clyde's.
func TestCratesIndex(t *testing.T) {
	crates := cratesRepo(t)
	source, err := OpenSource(crates, "")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	checked, err := Check(t.Context(), source, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if checked.Verdict != review.Pass || checked.Profile != ProfileCargo || checked.Packages != 43451 || checked.Versions != 259130 {
		t.Errorf("%s as %s: %d packages, %d versions", checked.Verdict, checked.Profile, checked.Packages, checked.Versions)
	}

	target := filepath.Join(t.TempDir(), "target.git")
	if _, err := InitDir(target, options()); err != nil {
		t.Fatal(err)
	}
	repo, err := git.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	opts := ImportOptions{All: true, Author: "Ann", Email: "ann@example.org", When: options().When}
	done, err := Import(repo, source, opts)
	if err != nil {
		t.Fatal(err)
	}
	if total := done.Versions + done.Present + len(done.Refused); total != 259132 {
		t.Errorf("%d imported, %d present, %d refused: %d in all", done.Versions, done.Present, len(done.Refused), total)
	}
	taken, err := OpenSource(target, "")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	again, err := Check(t.Context(), taken, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if again.Verdict != review.Pass || again.Profile != ProfileClyde || again.Versions != done.Versions {
		t.Errorf("after the import %s as %s: %d versions, %+v", again.Verdict, again.Profile, again.Versions, again.Findings)
	}
}
