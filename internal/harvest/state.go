package harvest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// StateVersion is that of the form in which a State is written.
const StateVersion = 1

// State is what earlier runs asked, and what they found.
type State struct {
	Version      int              `json:"state"`
	Repositories map[string]Asked `json:"repositories"` // by URL
}

// Asked is what is known about one repository.
type Asked struct {
	At   time.Time `json:"at"`             // when it was asked the last time
	Tag  string    `json:"tag,omitempty"`  // of the answer; "" when it has to be asked in full
	Seen []string  `json:"seen,omitempty"` // keys of the lines that were dealt with
	// Packages are those that the index named the repository for.
	Packages []string `json:"packages,omitempty"`
}

// ParseState reads a State. That of another version, or of no sense, is an empty
// one, because it is a cache.
func ParseState(data []byte) *State {
	s := &State{}
	if json.Unmarshal(data, s) != nil || s.Version != StateVersion || s.Repositories == nil {
		return &State{Version: StateVersion, Repositories: map[string]Asked{}}
	}
	return s
}

// Format writes a State.
func (s *State) Format() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("the state of the harvest: %w", err)
	}
	return b.Bytes(), nil
}
