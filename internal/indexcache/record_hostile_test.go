package indexcache

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
)

// TestARecordCostsWhatItSays reads a record that says to have as many versions as it
// has bytes, and has none: it takes no more memory than a few times its size.
func TestARecordCostsWhatItSays(t *testing.T) {
	const size = maxRecord - 16
	hostile := append([]byte{0, 0, 0, 0}, binary.AppendUvarint(nil, size)...)
	hostile = append(hostile, make([]byte, size)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readRecord(hostile)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 16*maxRecord {
		t.Errorf("%d MB for a record of %d MB", took>>20, len(hostile)>>20)
	}
}
