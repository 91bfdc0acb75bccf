package gate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/review"
)

// Verdict is what judging says about one pull request, for merging to compare.
type Verdict struct {
	Number int            `json:"number"`
	Branch string         `json:"branch"`
	URL    string         `json:"url,omitempty"`
	Scope  string         `json:"scope,omitempty"` // digest of the files that the report rests on
	Done   bool           `json:"done,omitempty"`  // the index has it all already
	Report *review.Report `json:"report,omitempty"`
	Detail string         `json:"detail,omitempty"` // why there is no report
}

// maxVerdicts bounds a file of verdicts.
const maxVerdicts = 64 << 20

// FormatVerdicts writes verdicts as one JSON object a line.
func FormatVerdicts(verdicts []Verdict) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	for _, v := range verdicts {
		if err := encoder.Encode(v); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// ParseVerdicts reads what FormatVerdicts wrote. What has no binding is refused.
func ParseVerdicts(data []byte) ([]Verdict, error) {
	if len(data) > maxVerdicts {
		return nil, fmt.Errorf("the verdicts have more than %d bytes", maxVerdicts)
	}
	var verdicts []Verdict
	number := 0
	for line := range bytes.Lines(data) {
		number++
		var v Verdict
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("line %d of the verdicts: %w", number, err)
		}
		if v.Report != nil && (v.Report.Binding.Base == "" || v.Report.Binding.Head == "" || v.Report.Binding.Policy == "") {
			return nil, fmt.Errorf("line %d of the verdicts: the report does not say which base, head and policy it is about", number)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

// scope is a digest of the files of a tree that a judgement of a change rests
// on: those that change, and the lines, owners and registration of its package.
// What the policy says is bound apart from it.
func scope(tree fs.FS, c *Change) (string, error) {
	paths := map[string]bool{}
	for path := range c.Files {
		paths[path] = true
	}
	if c.Delta.Package != "" {
		for _, of := range []func(string) (string, error){index.Path, index.OwnersPath, index.SourcePath} {
			path, err := of(c.Delta.Package)
			if err != nil {
				return "", err
			}
			paths[path] = true
		}
	}
	hash := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		data, err := fs.ReadFile(tree, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			fmt.Fprintf(hash, "%q -\n", path)
		case err != nil:
			return "", err
		default:
			fmt.Fprintf(hash, "%q %x\n", path, sha256.Sum256(data))
		}
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}
