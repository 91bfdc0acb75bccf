package review

import (
	"io"
	"time"
)

// Evidence is what was found outside the index about one version: its tag,
// its release, its archives and its signature, as fetched. Whoever gathers it
// believes nothing; what cannot be had is a [Missing] and no error.
type Evidence struct {
	Repository *Repository // nil: the line names none, or it was not found
	Tag        *Tag        // nil: the line names no tag, or there is none
	Release    *Release    // nil: the forge has no releases, or none of this tag
	Archive    *File
	Builds     map[string]*File // by platform
	Bundle     []byte           // of the signature; nil: the line names none, or it was not found
	Provenance []byte           // bundle of it, where the line names one
	Previous   *File            // archive of the version before, for the comparison
	Missing    []Missing        // what should have been there
	// Early is true for what a publisher knows before anything is uploaded. What
	// exists only afterwards is not missed then.
	Early bool
}

// Repository is what a forge says about a repository now.
type Repository struct {
	URL                   string // under its present name
	RepositoryID, OwnerID int64  // 0 where the forge has no numbers
	Fork                  bool
}

// Tag is what a repository has under the name of a tag.
type Tag struct {
	Commit string // that it names in the end
	Object string // of an annotated tag, else ""
}

// Release is what a forge says about the release of a tag.
type Release struct {
	Prerelease bool
	Published  time.Time         // zero where the forge does not say, or it is not published yet
	Assets     map[string]string // URLs that anybody downloads from, by name
}

// File is an archive as it was fetched.
type File struct {
	URL    string // where it was fetched
	Size   int64
	SHA256 string // 64 lower-case hex digits
	Open   func() (io.ReadCloser, error)
}

// Missing is one thing that could not be had.
type Missing struct {
	What   string // "tag", "repository", "release", "archive", "bundle", "provenance", "builds.PLATFORM", "previous"
	Detail string // the same words for the same reason, such as "not found"
}
