package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxEvent bounds the file of the event. GitHub's longest has 25 MB, of which a
// release needs little.
const maxEvent = 25 << 20

// Release is the release of a "release" event.
type Release struct {
	Action      string // published, released, created, edited, prereleased, ...
	ID          int64
	Tag         string // has the form that CheckTag asks for
	Draft       bool
	Prerelease  bool
	PublishedAt string // RFC 3339, "" for a draft
}

// Release reads the event of a "release" workflow. The error names the tag when
// CheckTag refuses it.
func (r *Runner) Release() (Release, error) {
	var payload struct {
		Action  string `json:"action"`
		Release *struct {
			ID          int64  `json:"id"`
			TagName     string `json:"tag_name"`
			Draft       bool   `json:"draft"`
			Prerelease  bool   `json:"prerelease"`
			PublishedAt string `json:"published_at"`
		} `json:"release"`
	}
	if err := r.readEvent(&payload); err != nil {
		return Release{}, err
	}
	if payload.Release == nil || payload.Release.ID <= 0 {
		return Release{}, &Error{Detail: "the event has no release", Remedy: "start the workflow with 'on: release', or give the input tag"}
	}
	if err := CheckTag(payload.Release.TagName); err != nil {
		return Release{}, err
	}
	return Release{
		Action: payload.Action, ID: payload.Release.ID, Tag: payload.Release.TagName,
		Draft: payload.Release.Draft, Prerelease: payload.Release.Prerelease,
		PublishedAt: payload.Release.PublishedAt,
	}, nil
}

func (r *Runner) readEvent(into any) error {
	name := r.Getenv("GITHUB_EVENT_PATH")
	if name == "" {
		return &Error{Detail: "GITHUB_EVENT_PATH names no file", Err: ErrNoRunner}
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxEvent+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if len(data) > maxEvent {
		return fmt.Errorf("the event has more than %d bytes", maxEvent)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("the event is not what GitHub sends: %w", err)
	}
	return nil
}
