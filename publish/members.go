package publish

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// differingMembers names the members of two JSON objects that are not equal.
func differingMembers(a, b []byte) []string {
	left, right := membersOf(a), membersOf(b)
	names := map[string]bool{}
	for name, value := range left {
		if !bytes.Equal(value, right[name]) {
			names[name] = true
		}
	}
	for name := range right {
		if _, ok := left[name]; !ok {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// membersOf splits a canonical line, which is valid JSON.
func membersOf(line []byte) map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &members); err != nil {
		return map[string]json.RawMessage{"line": line}
	}
	return members
}
