package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/faultnet"
)

// mostMemory is what installing may take, whatever the size of an archive.
const mostMemory = 64 << 20

// TestMemoryOfInstalling installs an archive over the network, in a process of its
// own, and looks how much memory that took at most. The archive has 64 MB, and 1 GB
// with CLYDE_TEST_FULL=1.
func TestMemoryOfInstalling(t *testing.T) {
	size := int64(64e6)
	if os.Getenv("CLYDE_TEST_FULL") != "" {
		size = 1e9
	}
	p := newProgram(t, t.TempDir())
	e := largeArchive(t, filepath.Join(p.dir, "www", "big.tar.gz"), size)
	server := faultnet.New(t, http.FileServer(http.Dir(filepath.Join(p.dir, "www"))))
	e.DL = server.URL + "/big.tar.gz"
	config := index.Config{Clyde: index.ClydeConfig{Format: index.MaxConfigFormat, Name: "main"}}
	p.write("main/"+index.ConfigPath, string(config.Format()))
	p.write("main/3/b/big", string(e.AppendLine(nil))+"\n")
	p.write("project/.clyde/package.yaml", "dependencies:\n  big: \"1\"\n")
	p.write("xdg/config/clyde/config.yaml", fmt.Sprintf("registries:\n  - {name: main, url: %q}\n", filepath.Join(p.dir, "main")))

	most, err := p.peakOf("project", "install")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(p.dir, "project", ".clyde", "packages", "big", "0.bin"))
	if err != nil || info.Size() != size/4 {
		t.Errorf("what was installed: %v, %v", info, err)
	}
	t.Logf("an archive of %d MB took %d MB of memory at most", e.Size/1e6, most/1e6)
	if most > mostMemory {
		t.Errorf("%d bytes of memory, more than %d", most, mostMemory)
	}
}

// largeArchive writes an archive of four files that cannot be compressed.
func largeArchive(t *testing.T, name string, size int64) *index.Entry {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	packed, err := gzip.NewWriterLevel(io.MultiWriter(f, sum), gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(packed)
	add := func(name string, size int64, from io.Reader) {
		err := w.WriteHeader(&tar.Header{Name: "big-1.0.0/" + name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size})
		if err == nil {
			_, err = io.CopyN(w, from, size)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := []byte("name: big\nversion: 1.0.0\n")
	add(".clyde/package.yaml", int64(len(text)), bytes.NewReader(text))
	for i := range 4 {
		add(fmt.Sprint(i, ".bin"), size/4, rand.NewChaCha8([32]byte{byte(i)}))
	}
	if err := errors.Join(w.Close(), packed.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return &index.Entry{Name: "big", Vers: "1.0.0", Cksum: hex.EncodeToString(sum.Sum(nil)), Size: info.Size()}
}

// peakOf runs clyde in a process of its own and reports the most memory it had.
// The kernel's account at the end of a process has that of its parent in it, so
// that the process is looked at while it runs.
func (p *program) peakOf(folder string, args ...string) (most int64, err error) {
	program := filepath.Join(p.dir, "clyde")
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, program)
	}
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(p.t.Context(), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(p.dir, folder), &out, &out
	cmd.Env = os.Environ()
	for name, value := range p.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	peak := regexp.MustCompile(`VmHWM:\s*(\d+) kB`)
	for {
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("%w\n%s", err, out.Bytes())
			}
			return most, err
		case <-time.After(2 * time.Millisecond):
		}
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)) // it may have ended
		if m := peak.FindSubmatch(status); m != nil {
			n, err := strconv.ParseInt(string(m[1]), 10, 64)
			if err != nil {
				return 0, err
			}
			most = max(most, n<<10)
		}
	}
}
