package archive_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/clydepm/clyde/internal/archive"
)

func TestInspect(t *testing.T) {
	long := strings.Repeat("0123456789", 20)
	data := archiveOf(t,
		folder("p-1/"),
		file("p-1/.clyde/package.yaml", "name: p\n"),
		symlink("p-1/link", "lib/a.so"),
		item{name: "p-1/lib/a.so", body: "\x7fELF" + long, header: tar.Header{Mode: 0o755}},
		file("p-1/empty", ""),
	)
	c, err := archive.Inspect(t.Context(), bytes.NewReader(data), smallLimits())
	if err != nil {
		t.Fatal(err)
	}
	member := func(path, body string, executable bool) archive.Member {
		sum := sha256.Sum256([]byte(body))
		return archive.Member{Path: path, Executable: executable, Size: int64(len(body)), SHA256: hex.EncodeToString(sum[:]), Head: bytes.Clone([]byte(body)[:min(64, len(body))])}
	}
	elf := member("lib/a.so", "\x7fELF"+long, true)
	link := elf
	link.Path = "link"
	want := []archive.Member{member(".clyde/package.yaml", "name: p\n", false), member("empty", "", false), elf, link}
	if diff := cmp.Diff(want, c.Members, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if string(c.Manifest) != "name: p\n" {
		t.Errorf("manifest %q", c.Manifest)
	}
	sum := sha256.Sum256(data)
	if c.SHA256 != hex.EncodeToString(sum[:]) || c.Files != 4 || c.Size != int64(len(data)) {
		t.Errorf("summary %+v", c.Summary)
	}
}
