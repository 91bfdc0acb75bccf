package index

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// cratesIndex counts what TestCratesIndex finds in the real index.
type cratesIndex struct {
	packages, lines, dependencies int
	names, versions               []string        // that are not understood, each with its place
	requirements, targets         map[string]bool // those not understood, by their text
	newNames                      []string        // names that today's rules would not give to a new package
	known                         map[string]bool // requirements and targets seen
}

// TestCratesIndex reads every line of the index of crates.io of July 2020, out of
// the git bundle named by CLYDE_TEST_CRATES_INDEX, and writes each back.
func TestCratesIndex(t *testing.T) {
	bundle := cratesBundle(t)
	found := cratesIndex{requirements: map[string]bool{}, targets: map[string]bool{}, known: map[string]bool{}}
	eachFile(t, bundle, func(path string, data []byte) {
		if path == ConfigPath {
			checkCratesConfig(t, data)
			return
		}
		found.file(t, path, data)
	})

	t.Logf("%d packages, %d lines, %d dependencies",
		found.packages, found.lines, found.dependencies)
	wantEqual(t, "packages", found.packages, 43_451)
	wantEqual(t, "lines", found.lines, 259_132)
	wantEqual(t, "dependencies", found.dependencies, 1_532_778)
	wantEqual(t, "names that are not for new packages", found.newNames, []string{"a42-__-", "guessing_game_", "x-14-"})
	wantEqual(t, "names not understood", found.names, nil)
	// SemVer forbids leading zeros in a number of a prerelease; cargo skips both lines, too.
	wantEqual(t, "versions not understood", found.versions, []string{
		"bl/ue/bluetooth_client:3: 0.0.1-001",
		"hx/gm/hxgm30-client:1: 0.3.0-alpha.01",
	})
	// Cargo accepted these until 2022 and skips the lines since: a prerelease
	// needs a full version before it.
	wantEqual(t, "requirements not understood", sortedSet(found.requirements), []string{"^0-.11.0", "^0.51-oldsyn", "~2.0-2.2"})
	// A parenthesis is missing, or cfg( is not around the whole.
	wantEqual(t, "targets not understood", sortedSet(found.targets), []string{
		`and(cfg(unix), not(target_os = "linux"))`, `cfg(target_arch = "wasm32"`, `not(any(cfg(windows),cfg(macos)))`,
	})
}

// cratesBundle is the git bundle that CLYDE_TEST_CRATES_INDEX names; without
// one the test is skipped.
func cratesBundle(t testing.TB) string {
	t.Helper()
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	if bundle == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
		}
		t.Skip("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
	}
	return bundle
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func sortedSet(set map[string]bool) (texts []string) {
	for text := range set {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// eachFile calls visit for every file of the newest commit in a git bundle.
func eachFile(t testing.TB, bundle string, visit func(path string, data []byte)) {
	t.Helper()
	clone := filepath.Join(t.TempDir(), "index.git")
	if out, err := exec.Command("git", "clone", "--quiet", "--bare", bundle, clone).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	archive := exec.Command("git", "--git-dir", clone, "archive", "--format=tar", "HEAD")
	archive.Stderr = os.Stderr
	out, err := archive.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := archive.Start(); err != nil {
		t.Fatal(err)
	}
	files := tar.NewReader(out)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		visit(header.Name, data)
	}
	if err := archive.Wait(); err != nil {
		t.Fatalf("git archive: %v", err)
	}
}

func checkCratesConfig(t *testing.T, data []byte) {
	t.Helper()
	config, err := ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	url, err := config.DownloadURL(&Entry{Name: "serde", Vers: "1.0.0"})
	if err != nil || url != "https://crates.io/api/v1/crates/serde/1.0.0/download" {
		t.Errorf("DownloadURL = %q, %v", url, err)
	}
}

func (c *cratesIndex) file(t *testing.T, path string, data []byte) {
	c.packages++
	name, ok := NameOf(path)
	if !ok {
		t.Errorf("%s is not taken for a package", path)
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		c.lines++
		e, err := ParseLine(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Errorf("%s:%d: %v", path, number, err)
			continue
		}
		checkRoundTrip(t, e)
		c.entry(e, path, name, number)
	}
}

// checkRoundTrip writes an entry, reads that again and wants the same entry and
// the same bytes. The format has nothing that Cargo's lacks in these lines.
func checkRoundTrip(t *testing.T, e *Entry) {
	written := e.AppendLine(nil)
	again, err := ParseLine(written)
	if err != nil || !reflect.DeepEqual(again, e) || !bytes.Equal(again.AppendLine(nil), written) {
		t.Errorf("%s %s: written as %s, read again: %v", e.Name, e.Vers, written, err)
	}
	if len(e.Extra) > 0 {
		t.Errorf("%s %s: unknown members %v", e.Name, e.Vers, e.Extra)
	}
}

func (c *cratesIndex) entry(e *Entry, path, name string, number int) {
	if number == 1 && CheckName(e.Name) != nil {
		c.newNames = append(c.newNames, e.Name)
	}
	if strings.ToLower(e.Name) != name {
		c.names = append(c.names, e.Name)
	}
	if _, err := ParseVersion(e.Vers); err != nil {
		c.versions = append(c.versions, fmt.Sprintf("%s:%d: %s", path, number, e.Vers))
	}
	for _, d := range e.Deps {
		c.dependencies++
		c.dependency(d)
	}
}

func (c *cratesIndex) dependency(d Dependency) {
	if CheckLookupName(d.Name) != nil || CheckLookupName(d.PackageName()) != nil {
		c.names = append(c.names, d.Name)
	}
	if key := "req " + d.Req; !c.known[key] {
		c.known[key] = true
		if _, err := ParseRequirement(d.Req); err != nil {
			c.requirements[d.Req] = true
		}
	}
	if key := "target " + d.Target; !c.known[key] {
		c.known[key] = true
		if _, err := TargetMatches(d.Target, Platform{"linux", "x86_64"}); err != nil {
			c.targets[d.Target] = true
		}
	}
}
