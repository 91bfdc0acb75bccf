package registry

import (
	"bytes"
	"encoding/json"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/indexcache"
)

// nameList collects the summaries of packages in the order of their paths.
type nameList struct {
	lines      bytes.Buffer
	summarizer *indexcache.Summarizer
}

func newNameList() *nameList { return &nameList{summarizer: indexcache.NewSummarizer()} }

// add adds a package by the path of its file.
func (l *nameList) add(path string, data []byte) error {
	name, _ := index.NameOf(path)
	summary, ok := l.summarizer.Summarize(name, data)
	if !ok {
		return nil
	}
	encoder := json.NewEncoder(&l.lines)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(summary)
}
