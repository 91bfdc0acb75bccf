package registry

import (
	"bytes"
	"encoding/json"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
)

// nameList collects the summaries of packages in the order of their paths.
type nameList struct {
	lines bytes.Buffer
}

// add adds a package by the path of its file.
func (l *nameList) add(path string, data []byte) error {
	name, _ := index.NameOf(path)
	summary, ok := indexcache.Summarize(indexcache.Lines(name, data).Entries)
	if !ok {
		return nil
	}
	encoder := json.NewEncoder(&l.lines)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(summary)
}
