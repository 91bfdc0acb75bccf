package git

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestUploadOfCommits asks for commits without their files, of remotes that can
// leave these out and of one that cannot.
func TestUploadOfCommits(t *testing.T) {
	r := newRemoteRepository(t, 12)
	head, old := r.heads[11], r.heads[3]
	allow := []string{"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=uploadpack.allowFilter", "GIT_CONFIG_VALUE_0=true", "GIT_CONFIG_KEY_1=protocol.version", "GIT_CONFIG_VALUE_1=0"}
	for name, remote := range map[string]struct {
		address string
		filters bool
	}{
		"program":   {r.path, true},
		"web":       {r.serve("GIT_CONFIG_COUNT=1", allow[1], allow[2]), true},
		"version 0": {r.serve(append(allow, "GIT_PROTOCOL=version=0")...), true},
		"no filter": {r.serve("GIT_CONFIG_COUNT=0"), false},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := DialUpload(t.Context(), remote.address, Auth{})
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			if u.Filters() != remote.filters {
				t.Fatalf("filters: %v", u.Filters())
			}
			pack := r.fetch(u, UploadRequest{Want: head, Have: old, Whole: true, Commits: true})
			for _, id := range r.heads[4:] {
				if _, err := pack.Commit(id); err != nil {
					t.Error(err)
				}
			}
			if only := pack.Len() == 8; only != remote.filters {
				t.Errorf("%d objects", pack.Len())
			}
			var unsafe *UnsafeError
			err = u.Fetch(t.Context(), UploadRequest{Want: head, Have: old, Whole: true, Commits: true, Limit: 100}, func(in io.Reader) error {
				_, err := io.Copy(io.Discard, in)
				return err
			})
			if !errors.As(err, &unsafe) || !strings.Contains(unsafe.Detail, "more than 100 bytes") {
				t.Errorf("more than the limit: %v", err)
			}
		})
	}
}
