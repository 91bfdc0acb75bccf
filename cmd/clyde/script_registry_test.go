package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
)

// scriptRelease is the transcript command
//
//	release [flags] REGISTRY NAME@VERSION [DEPENDENCY@REQUIREMENT[@PLATFORM]...]
//
// It puts a version into the registry folder REGISTRY, which it makes where
// there is none: a real archive with the file include/NAME.h, behind a file://
// URL, and the index line. A version that is there already gets the new line
// in its place, which is how a transcript yanks one.
func scriptRelease(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	yanked := flags.Bool("yanked", false, "")
	retired := flags.String("retired", "", "reason")
	dl := flags.String("dl", "", "URL written instead of the real one")
	build := flags.String("build", "", "platform that there is another archive for")
	tail := flags.String("manifest", "", "file with more lines of the manifest")
	told := flags.String("told", "", "file of a manifest whose hooks the line tells of instead")
	err := flags.Parse(args)
	if neg || err != nil || flags.NArg() < 2 {
		ts.Fatalf("usage: release [-yanked] [-retired REASON] [-dl URL] [-build PLATFORM] [-manifest FILE] [-told FILE] REGISTRY NAME@VERSION [DEPENDENCY@REQUIREMENT]...")
	}
	name, version, _ := strings.Cut(flags.Arg(1), "@")
	text := "name: " + name + "\nversion: " + version + "\n"
	for _, d := range flags.Args()[2:] {
		edited, err := manifest.SetDependency([]byte(text), scriptDependency(ts, d))
		ts.Check(err)
		text = string(edited)
	}
	if *tail != "" {
		text += ts.ReadFile(*tail)
	}
	m, err := manifest.Parse("package.yaml", []byte(text))
	ts.Check(err)
	r := scriptRegistry{ts, ts.MkAbs(flags.Arg(0))}
	e := m.Entry()
	if *told != "" {
		other, err := manifest.Parse(*told, []byte(ts.ReadFile(*told)))
		ts.Check(err)
		e.Hooks = other.Entry().Hooks
	}
	e.Pubtime, e.Yanked = "2026-01-02T03:04:05Z", *yanked
	e.Cksum, e.DL, e.Size = r.pack(m, text, "")
	if *dl != "" {
		e.DL = *dl
	}
	if *retired != "" {
		e.Retired = &index.Retired{Reason: *retired, Message: "use something else", Since: e.Pubtime}
	}
	if *build != "" {
		b := index.Build{Platform: *build}
		b.Cksum, b.DL, b.Size = r.pack(m, text, *build)
		e.Builds = append(e.Builds, b)
	}
	r.write(e)
}

func scriptDependency(ts *testscript.TestScript, text string) manifest.Dependency {
	parts := strings.Split(text, "@")
	d := manifest.Dependency{Name: parts[0], Req: parts[1], Kind: index.KindNormal}
	if len(parts) == 3 {
		p, err := index.ParsePlatform(parts[2])
		ts.Check(err)
		d.Platforms = append(d.Platforms, p)
	}
	return d
}

// scriptRegistry is a registry in a folder.
type scriptRegistry struct {
	ts  *testscript.TestScript
	dir string
}

// scriptHostile is the transcript command "hostile REGISTRY NAME@VERSION": it
// publishes an archive with a file that would land outside of the store.
func scriptHostile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hostile REGISTRY NAME@VERSION")
	}
	name, version, _ := strings.Cut(args[1], "@")
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	members := tar.NewWriter(compressed)
	for _, path := range []string{"include/fine.h", "../../../../escaped"} {
		ts.Check(members.WriteHeader(&tar.Header{Name: archive.Folder(name, version) + "/" + path, Mode: 0o644, Size: 1}))
		_, err := members.Write([]byte{'x'})
		ts.Check(err)
	}
	ts.Check(members.Close())
	ts.Check(compressed.Close())
	sum := sha256.Sum256(b.Bytes())
	r := scriptRegistry{ts, ts.MkAbs(args[0])}
	e := &index.Entry{Name: name, Vers: version, Cksum: hex.EncodeToString(sum[:]), Size: int64(b.Len())}
	e.DL = r.store(e.Cksum, index.ArchiveName(name, version), b.Bytes())
	r.write(e)
}

// pack makes the archive of a version for a platform, "" for its source.
func (r scriptRegistry) pack(m *manifest.Manifest, text, platform string) (digest, dl string, size int64) {
	ts := r.ts
	made, err := os.MkdirTemp(ts.MkAbs("."), "package-")
	ts.Check(err)
	defer func() { ts.Check(os.RemoveAll(made)) }()
	header := "// " + strings.TrimSpace(m.Name+" "+m.Version+" "+platform) + "\n"
	for path, content := range map[string]string{manifest.Path: text, "include/" + filepath.Base(m.Name) + ".h": header} {
		name := filepath.Join(made, filepath.FromSlash(path))
		ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
		ts.Check(os.WriteFile(name, []byte(content), 0o644))
	}
	root, err := os.OpenRoot(made)
	ts.Check(err)
	defer root.Close()
	opts := archive.PackOptions{Name: m.Name, Version: m.Version}
	files, err := archive.Select(root, opts)
	ts.Check(err)
	var b bytes.Buffer
	summary, err := archive.Pack(&b, root, files, opts)
	ts.Check(err)
	return summary.SHA256, r.store(summary.SHA256, index.ArchiveName(m.Name, m.Version), b.Bytes()), summary.Size
}

// store keeps an archive and gives its URL.
func (r scriptRegistry) store(digest, file string, data []byte) string {
	name := filepath.Join(r.dir, "archives", digest, file)
	r.ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
	r.ts.Check(os.WriteFile(name, data, 0o644))
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()
}

// write puts a line in its place.
func (r scriptRegistry) write(e *index.Entry) {
	ts := r.ts
	config := filepath.Join(r.dir, index.ConfigPath)
	if _, err := os.Stat(config); err != nil {
		c := index.Config{Clyde: index.ClydeConfig{Format: index.MaxConfigFormat, Name: filepath.Base(r.dir)}}
		ts.Check(os.MkdirAll(r.dir, 0o755))
		ts.Check(os.WriteFile(config, c.Format(), 0o644))
	}
	path, err := index.Path(e.Name)
	ts.Check(err)
	name := filepath.Join(r.dir, filepath.FromSlash(path))
	ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
	data, err := os.ReadFile(name)
	if err != nil {
		data = nil
	}
	var lines []byte
	done := false
	for _, have := range index.ParseFile(data).Entries {
		if have.Vers == e.Vers {
			have, done = e, true
		}
		lines = append(have.AppendLine(lines), '\n')
	}
	if !done {
		lines = append(e.AppendLine(lines), '\n')
	}
	ts.Check(os.WriteFile(name, lines, 0o644))
}
