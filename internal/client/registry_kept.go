package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// fileCache keeps files of a web server:
//
//	<base>/files/<path>   one line of JSON, then the content
//	<base>/asked/<digest> the same of an answer, by the SHA-256 of its URL
//	<base>.plain.json     the record: since when what is kept has to be asked for again
//	<base>.lock           held by whoever changes the record
//
// A file is replaced in one rename and not brought to disk: what is damaged is
// told by its digest, and fetched again.
type fileCache struct{ base string }

// documentsRecord says when a registry was updated.
type documentsRecord struct {
	URL     string    `json:"url"`
	Updated time.Time `json:"updated"`
}

// keptFile is a file that was fetched, or asked for in vain.
type keptFile struct {
	keptHead
	data []byte
}

type keptHead struct {
	validators
	Asked  time.Time `json:"asked"`
	Absent bool      `json:"absent,omitempty"`
	SHA256 string    `json:"sha256"` // of the content
}

// content is the content; the error is errAbsent when the server had none.
func (k keptFile) content() ([]byte, error) {
	if k.Absent {
		return nil, errAbsent
	}
	return k.data, nil
}

func (c fileCache) recordFile() string { return c.base + ".plain.json" }
func (c fileCache) lockFile() string   { return c.base + ".lock" }

func (c fileCache) readRecord() (r documentsRecord, err error) {
	data, err := os.ReadFile(c.recordFile())
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

func (c fileCache) writeRecord(r documentsRecord) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(c.recordFile(), append(data, '\n'))
}

// place is where a document is kept. Paths are those of an index; everything
// else is a URL.
func (c fileCache) place(name string) string {
	if strings.Contains(name, "://") {
		digest := digestOf([]byte(name))
		return filepath.Join(c.base, "asked", digest[:2], digest)
	}
	return filepath.Join(c.base, "files", filepath.FromSlash(name))
}

// read reads a kept file; any error means that there is none of use.
func (c fileCache) read(name string) (k keptFile, err error) {
	data, err := os.ReadFile(c.place(name))
	if err != nil {
		return k, err
	}
	head, content, _ := bytes.Cut(data, []byte("\n"))
	if err := json.Unmarshal(head, &k.keptHead); err != nil {
		return keptFile{}, err
	}
	if digestOf(content) != k.SHA256 {
		return keptFile{}, fmt.Errorf("%s is damaged", c.place(name))
	}
	k.data = content
	return k, nil
}

func (c fileCache) write(name string, k keptFile) (err error) {
	k.SHA256 = digestOf(k.data)
	head, err := json.Marshal(k.keptHead)
	if err != nil {
		return err
	}
	place := c.place(name)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(place), ".new-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(append(append(head, '\n'), k.data...))
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), place)
	}
	if err != nil {
		return errors.Join(err, removeAll(temp.Name()))
	}
	return nil
}

func (c fileCache) remove() error { return removeAll(c.base, c.recordFile()) }

// memoryFile is a file in memory.
type memoryFile struct {
	*bytes.Reader
	name string
}

func newMemoryFile(name string, data []byte) *memoryFile {
	return &memoryFile{bytes.NewReader(data), path.Base(name)}
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *memoryFile) Close() error               { return nil }
func (f *memoryFile) Name() string               { return f.name }
func (f *memoryFile) Size() int64                { return f.Reader.Size() }
func (f *memoryFile) Mode() fs.FileMode          { return 0o644 }
func (f *memoryFile) ModTime() time.Time         { return time.Time{} }
func (f *memoryFile) IsDir() bool                { return false }
func (f *memoryFile) Sys() any                   { return nil }
