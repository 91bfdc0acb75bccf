package foreign

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
)

func TestDebVersion(t *testing.T) {
	tests := map[string]string{
		"9.1.0+ds1-2":        "9.1.0+ds1.2",
		"1.2":                "1.2.0",
		"3":                  "3.0.0",
		"1:2.3-1":            "1000002.3.0+1",
		"1.0~rc1-2":          "1.0.0-rc1+2",
		"1.0~":               "1.0.0-0",
		"1.1.1n-0+deb11u4":   "1.1.1+n.0.deb11u4",
		"1.2.13.dfsg-1":      "1.2.13+dfsg.1",
		"20220623.1-1":       "20220623.1.0+1",
		"0~git20200213.01-1": "0.0.0-git20200213.1+1",
	}
	for text, want := range tests {
		if v, err := debVersion(text); err != nil || v.String() != want {
			t.Errorf("%q: got %s, %v; want %s", text, v, err, want)
		}
	}
	for _, text := range []string{"", "x1", "a:1", "1:", "99999999999999999999", "-1"} {
		if v, err := debVersion(text); err == nil {
			t.Errorf("%q: got %s, want an error", text, v)
		}
	}
	// In Debian's order, as dpkg has it.
	ordered := []string{"0.9", "1.0~rc1", "1.0~rc2", "1.0", "1.0.1", "1.2", "1:0.1", "1:0.2", "2:0.1"}
	for i := 1; i < len(ordered); i++ {
		a, errA := debVersion(ordered[i-1])
		b, errB := debVersion(ordered[i])
		if errA != nil || errB != nil || a.Compare(b) >= 0 {
			t.Errorf("%s is not before %s", ordered[i-1], ordered[i])
		}
	}
}

func TestDebName(t *testing.T) {
	for name, want := range map[string]string{"libfmt-dev": "libfmt-dev", "libstdc++6": "libstdc-plus-plus-6", "g++": "g-plus-plus", "lib.x": "lib-x"} {
		got := debName(name)
		if got != want || index.CheckName(got) != nil {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// member is a file of a tar archive, or a link when it has a target.
type member struct{ name, text, target string }

func tarOf(t testing.TB, compression string, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch compression {
	case "gz":
		w = gzip.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	default:
		w, err = zstd.NewWriter(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	files := tar.NewWriter(w)
	for _, m := range members {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: m.name, Size: int64(len(m.text)), Mode: 0o644}
		switch {
		case m.target != "":
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, m.target, 0
		case strings.HasSuffix(m.name, "/"):
			h.Typeflag = tar.TypeDir
		}
		if err := files.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(files, m.text); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []io.Closer{files, w} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func debOf(t testing.TB, compression, control string, files ...member) []byte {
	t.Helper()
	b := []byte(arMagic)
	for _, m := range []struct {
		name string
		data []byte
	}{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar." + compression, tarOf(t, compression, member{name: "./"}, member{name: "./control", text: control}, member{name: "./postinst", text: "#!/bin/sh\n"})},
		{"data.tar." + compression, tarOf(t, compression, files...)},
	} {
		b = fmt.Appendf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.data))
		b = append(b, m.data...)
		if len(m.data)%2 == 1 {
			b = append(b, '\n')
		}
	}
	return b
}

const fooControl = `Package: libfoo-dev
Version: 1.2.3-4
Architecture: amd64
Maintainer: Ann <ann@example.org>
Depends: libfoo1 (= 1.2.3-4), libc6-dev | libc-dev, libfoo1 (<< 1.3~)
Pre-Depends: dpkg (>= 1.15)
Homepage: https://example.org/foo
Description: a library
 It does things.
`

func TestImportDebs(t *testing.T) {
	for _, compression := range []string{"gz", "xz", "zst"} {
		t.Run(compression, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "libfoo-dev_1.2.3-4_amd64.deb", debOf(t, compression, fooControl,
				member{name: "./"}, member{name: "./usr/"}, member{name: "./usr/include/foo.h", text: "#define FOO 1\n"},
				member{name: "./usr/lib/libfoo.a", text: "lib"}, member{name: "./usr/lib/libfoo2.a", target: "libfoo.a"},
				member{name: "./usr/lib/abs.a", target: "/usr/lib/libfoo.a"},
				member{name: "./usr/lib/libfoo.so", target: "libfoo.so.1"}, member{name: "./etc/foo", text: "x"}))
			write(t, dir, "libfoo1.deb", debOf(t, compression, "Package: libfoo1\nVersion: 1.2.3-4\nArchitecture: all\nDescription: x\n", member{name: "./usr/x", text: "x"}))
			write(t, dir, "cut.deb", debOf(t, compression, fooControl)[:200])
			write(t, dir, "arm.deb", debOf(t, compression, strings.Replace(fooControl, "amd64", "armhf", 1), member{name: "./x", text: "x"}))
			stored := map[string][]byte{}
			var one sync.Mutex
			put := func(_ context.Context, file, name, _ string) error {
				one.Lock()
				defer one.Unlock()
				data, err := os.ReadFile(file)
				stored[name] = data
				return err
			}
			got, err := Import(t.Context(), Options{Dir: dir, Has: func(string) bool { return false }, Put: put})
			if err != nil {
				t.Fatal(err)
			}
			if got.Archives != 4 || got.Taken != 2 || len(got.Refused) != 2 || got.Refused[0].Where != "arm.deb" || got.Refused[1].Where != "cut.deb" {
				t.Fatalf("%+v", got)
			}
			contents, err := archive.Inspect(t.Context(), bytes.NewReader(stored["libfoo-dev-1.2.3+4.tar.gz"]), archive.Limits{})
			if err != nil {
				t.Fatalf("%v, of %d archives", err, len(stored))
			}
			var paths []string
			for _, m := range contents.Members {
				paths = append(paths, m.Path)
			}
			if want := ".clyde/package.yaml etc/foo usr/include/foo.h usr/lib/abs.a usr/lib/libfoo.a usr/lib/libfoo2.a"; strings.Join(paths, " ") != want {
				t.Errorf("got %s", paths)
			}
			for _, want := range []string{
				"name: libfoo-dev\n", "version: 1.2.3+4\n", "description: a library\n", "- linux-x86_64\n", "libfoo1:\n        version: =1.2.3, <1.3.0-0\n",
				"- apt:dpkg>=1.15\n", "- apt:libc6-dev\n",
			} {
				if !strings.Contains(string(contents.Manifest), want) {
					t.Errorf("no %q in\n%s", want, contents.Manifest)
				}
			}
			var notes strings.Builder
			for _, n := range got.Notes {
				notes.WriteString(n.Where + ": " + n.Detail + "\n")
			}
			for _, want := range []string{"its postinst is not run", "only the first is taken", "the link usr/lib/libfoo.so is left out", "external dependency apt:libc6-dev"} {
				if !strings.Contains(notes.String(), want) {
					t.Errorf("no %q in\n%s", want, &notes)
				}
			}
		})
	}
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// FuzzDeb reads packages of anyone. What can be described has a valid manifest.
func FuzzDeb(f *testing.F) {
	f.Add(debOf(f, "gz", fooControl, member{name: "./usr/x", text: "x"}))
	f.Add(debOf(f, "xz", "Package: a\nVersion: 1:2~3-4\nArchitecture: all\nDepends: b (>> 1.0-1) | c, d:any\n"))
	f.Add([]byte(arMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readDeb(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		d, err := describeDeb("x.deb", p, func(name string) bool { return len(name)%2 == 0 })
		if err != nil {
			return
		}
		if _, err := d.text(); err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatal(err)
			}
		}
	})
}

// FuzzNPMRange makes requirements that can be read, of any text.
func FuzzNPMRange(f *testing.F) {
	for _, text := range []string{"^1.2 || >3 <=4.5.6-rc.1", "1.x - 2", "~> 0", "<1.0.0-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		req, _, err := npmRange(text)
		if err != nil {
			return
		}
		if _, err := index.ParseRequirement(req); err != nil {
			t.Fatalf("%q gives %q: %v", text, req, err)
		}
	})
}
