package resolve_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/resolve"
)

// crates is a Source over a bare repository in Cargo's format. It reads files
// through one running git process.
type crates struct {
	in    io.Writer
	out   *bufio.Reader
	cache map[string]*index.Releases
}

// openCrates clones the bundle of the crates.io index of 2020.
func openCrates(t testing.TB) *crates {
	t.Helper()
	bundle := os.Getenv("CLYDE_TEST_CRATES_INDEX")
	if bundle == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") == "1" {
			t.Fatal("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
		}
		t.Skip("CLYDE_TEST_CRATES_INDEX does not name the bundle of the crates.io index")
	}
	repository := filepath.Join(t.TempDir(), "index.git")
	if out, err := exec.Command("git", "clone", "--quiet", "--bare", bundle, repository).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	cmd := exec.Command("git", "-C", repository, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("git cat-file: %v", err)
		}
	})
	return &crates{in: in, out: bufio.NewReader(out), cache: map[string]*index.Releases{}}
}

func (c *crates) Versions(_ context.Context, p resolve.Package) (*index.Releases, error) {
	path, err := index.Path(p.Name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", resolve.ErrNotFound, err)
	}
	if entries, ok := c.cache[path]; ok {
		return entries, nil
	}
	fmt.Fprintf(c.in, "HEAD:%s\n", path)
	header, err := c.out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(header)
	if fields[len(fields)-1] == "missing" {
		return nil, resolve.ErrNotFound
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil {
		return nil, err
	}
	data := make([]byte, size+1)
	if _, err := io.ReadFull(c.out, data); err != nil {
		return nil, err
	}
	c.cache[path] = index.ReleasesOf(index.ParseFile(bytes.TrimSuffix(data, []byte("\n"))).Entries)
	return c.cache[path], nil
}

func (c *crates) Locate(context.Context, resolve.Package, string) (string, error) {
	return "", resolve.ErrNotFound
}

func crateOptions(t testing.TB, dependencies ...string) resolve.Options {
	t.Helper()
	opts := resolve.Options{Root: "app"}
	for _, text := range dependencies {
		d := rootDependency(t, text)
		d.Package.Registry = ""
		opts.Dependencies = append(opts.Dependencies, d)
	}
	return opts
}

// TestRealCrates resolves crates of 2020 with one version to a name. Cargo would
// allow several, so not everything that Cargo builds has a solution here: then
// the conflict must be explained in a text that a person can read to the end.
func TestRealCrates(t *testing.T) {
	source := openCrates(t)
	for _, tt := range []struct {
		name         string
		dependencies []string
		packages     int // of the solution; 0: there is none
	}{
		{"serde_json", []string{"serde_json ^1"}, 4},
		{"regex", []string{"regex ^1"}, 6},
		{"clap", []string{"clap ^2"}, 13},
		{"rand", []string{"rand ^0.7"}, 9},
		{"diesel", []string{"diesel ^1.4 features=postgres,r2d2,chrono"}, 31},
		{"ripgrep", []string{"ripgrep ^12"}, 57},
		{"tera", []string{"tera *"}, 71},
		{"starship", []string{"starship *"}, 86},
		{"a scientific mix", []string{"nalgebra *", "image *", "handlebars *", "structopt *", "sled *"}, 109},
		{"tokei", []string{"tokei *"}, 125},
		{"some version of cargo", []string{"cargo *"}, 131},
		{"a large mix", []string{"rustls *", "serde_json *", "ripgrep *", "diesel ^1.4 features=postgres,r2d2,chrono", "tera *", "structopt *", "rayon *"}, 144},
		{"tokio, all of it", []string{"tokio ^0.2 features=full"}, 0},
		{"reqwest with cookies", []string{"reqwest ^0.10 features=json,gzip,cookies"}, 0},
		{"hyper and env_logger", []string{"hyper ^0.13", "serde ^1 features=derive", "log ^0.4", "env_logger ^0.7"}, 0},
		{"actix-web", []string{"actix-web ^2"}, 0},
		{"rocket", []string{"rocket ^0.4"}, 0},
		{"cargo", []string{"cargo ^0.45"}, 0},
		{"graphics", []string{"winit ^0.22", "wgpu ^0.5", "image ^0.23", "rayon ^1"}, 0},
		{"two ages of hyper", []string{"hyper ^0.13", "iron ^0.6"}, 0},
		{"any version of much", []string{"actix-web *", "tokio *", "reqwest *", "serde *", "clap *", "diesel *", "rand *"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := crateOptions(t, tt.dependencies...)
			start := time.Now()
			sol, err := resolve.Resolve(t.Context(), source, opts)
			took := time.Since(start).Round(time.Millisecond)
			var conflict *resolve.Conflict
			if errors.As(err, &conflict) {
				t.Logf("no solution, in %v, explained in %d lines", took, strings.Count(conflict.Explanation(), "\n")+1)
				if tt.packages > 0 {
					t.Errorf("want %d packages:\n%s", tt.packages, conflict.Explanation())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d packages in %v", len(sol.Packages), took)
			if err := checkSolution(newWorld(), opts, sol); err != nil {
				t.Error(err)
			}
			if len(sol.Packages) != tt.packages {
				t.Errorf("want %d packages, not %s", tt.packages, brief(sol))
			}
		})
	}
}

// sideCrates are crates with incompatible versions side by side.
type sideCrates struct{ *crates }

func (sideCrates) Coexist(context.Context, string) (bool, error) { return true, nil }

// TestRealExplanations compares the explanations of conflicts among real crates
// to those in testdata/crates.
func TestRealExplanations(t *testing.T) {
	source := openCrates(t)
	files, err := filepath.Glob("testdata/crates/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var index resolve.Source = source
			var opts resolve.Options
			want := ""
			for _, f := range archive.Files {
				switch f.Name {
				case "versions":
					index = sideCrates{source}
				case "root":
					opts = crateOptions(t, strings.Split(strings.TrimSpace(string(f.Data)), "\n")...)
				case "want":
					want = string(f.Data)
				}
			}
			got := explanation(t, index, opts)
			compareGolden(t, file, archive, got, want)
		})
	}
}
