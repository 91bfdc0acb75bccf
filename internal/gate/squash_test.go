package gate_test

import (
	"testing"

	"github.com/clydepm/clyde/index"
)

// TestSquashIsNotMerged: the record of a squash goes into an index by cutting
// its history off, and not by a pull request, whoever approves it.
func TestSquashIsNotMerged(t *testing.T) {
	for name, open := range hosts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, f := open(t, lenient)
			before := h.file(t, index.ConfigPath)
			config, err := index.ParseConfig([]byte(before))
			if err != nil {
				t.Fatal(err)
			}
			config.Clyde.Squash = &index.Squash{
				Head: "0123456789abcdef0123456789abcdef01234567", Snapshot: "snapshot-2026-01-02-1",
				Date: "2026-01-02T03:04:05Z", Reason: "mine", Key: "K", Signature: "S",
			}
			h.propose(t, "record", map[string]string{index.ConfigPath: string(config.Format())})
			results := drain(t, newGate(f))
			if got := outcomes(results); got != "1 refused" {
				t.Errorf("%s: %+v", got, results)
			}
			if h.file(t, index.ConfigPath) != before {
				t.Error("the record is in the index")
			}
		})
	}
}
