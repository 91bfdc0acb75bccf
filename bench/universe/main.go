// Command universe writes an index that is made up, of any size, for bench/run:
// the commands of "git fast-import" for one commit with all packages and 100 that
// add a version to one each. Equal sizes give equal indexes on every machine.
//
// The lines are as long and as much alike as those of crates.io: versions of a
// package differ in little, and a few packages are what most others need.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/clydepm/clyde/index"
)

// later is how many commits follow the first one.
const later = 100

func main() {
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	if err := errors.Join(run(out, os.Args[1:]), out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "universe:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: universe PACKAGES VERSIONS | git fast-import")
	}
	var sizes [2]int
	for i, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of packages or versions", arg)
		}
		sizes[i] = n
	}
	if sizes[0] < later {
		return fmt.Errorf("there have to be %d packages or more", later)
	}
	u := universe{out: out, packages: sizes[0], versions: max(1, sizes[1]/sizes[0])}
	u.commit(0)
	u.file(index.ConfigPath, []byte(`{"dl":"https://packages.example.org/dl"}`+"\n"))
	for n := range u.packages {
		u.add(n, u.count(n))
	}
	for i := range later {
		u.commit(1 + i)
		n := i * (u.packages / later)
		u.add(n, u.count(n)+1)
	}
	return u.err
}

type universe struct {
	out                io.Writer
	packages, versions int
	err                error
}

func (u *universe) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(u.out, format, args...); u.err == nil {
		u.err = err
	}
}

func (u *universe) commit(n int) {
	u.printf("commit refs/heads/main\ncommitter Kim <kim@example.org> %d +0000\ndata 4\ngrow\n", 1600000000+n)
}

func (u *universe) file(path string, content []byte) {
	u.printf("M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
}

// name spreads packages over folders as names do that people choose.
func name(n int) string {
	const letters = "etaoinshrdlucmfwypvbgkqjxz"
	text := []byte{}
	for x := uint32(n)*2654435761 | 1<<31; len(text) < 6; x /= 26 {
		text = append(text, letters[x%26])
	}
	return string(text) + "-" + strconv.Itoa(n)
}

// count is how many versions a package has: half of them few, and some many.
func (u *universe) count(n int) int {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	return 1 + int(random.ExpFloat64()*float64(u.versions-1)+0.5)
}

// add writes the file of a package with that many versions.
func (u *universe) add(n, count int) {
	random := rand.New(rand.NewPCG(uint64(n), 2))
	e := &index.Entry{
		Name: name(n), V: 1,
		Features: map[string][]string{"default": {"std"}, "std": {}, "full": {"std", "derive"}},
		License:  "MIT OR Apache-2.0", Description: "Package " + strconv.Itoa(n) + " of a universe that is made up",
	}
	for range random.IntN(8) {
		e.Deps = append(e.Deps, index.Dependency{Name: name(u.needed(random)), Kind: index.KindNormal, DefaultFeatures: true, Req: "^1.0"})
	}
	var lines []byte
	for v := range count {
		e.Vers = fmt.Sprintf("1.%d.%d", v/10, v%10)
		e.Cksum = fmt.Sprintf("%016x%016x%016x%016x", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
		if len(e.Deps) > 0 && random.IntN(3) == 0 {
			e.Deps[random.IntN(len(e.Deps))].Req = fmt.Sprintf("^1.%d", random.IntN(1+v/10))
		}
		lines = append(e.AppendLine(lines), '\n')
	}
	path, err := index.Path(e.Name)
	if err != nil {
		u.err = errors.Join(u.err, err)
		return
	}
	u.file(path, lines)
}

// needed is a package that another one depends on: mostly one of the few that
// many need.
func (u *universe) needed(random *rand.Rand) int {
	if random.IntN(4) > 0 {
		return random.IntN(min(u.packages, 1000))
	}
	return random.IntN(u.packages)
}
