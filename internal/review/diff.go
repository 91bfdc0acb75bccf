package review

// Diff is what a version changes for those who use the package, compared with
// the version before it. Lists are capped; Files.More counts what is left out.
type Diff struct {
	Version      string       `json:"version"`
	Previous     string       `json:"previous"`
	Size         Sizes        `json:"size"` // of the archive
	License      *Words       `json:"license,omitempty"`
	Dependencies []Difference `json:"dependencies,omitempty"`
	External     []Difference `json:"external,omitempty"`
	Hooks        []Difference `json:"hooks,omitempty"`
	Native       []FileDiff   `json:"native,omitempty"` // new and changed files with machine code
	Files        *FileDiffs   `json:"files,omitempty"`  // nil: the archives were not compared
}

// Sizes are numbers of bytes; 0 where there was or is nothing.
type Sizes struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// Words are a text that changed.
type Words struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// Difference is one named thing that came, went or changed. Before is "" for
// what came and After is "" for what went.
type Difference struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// FileDiffs are the files that differ, sorted by path.
type FileDiffs struct {
	Added   []FileDiff `json:"added,omitempty"`
	Removed []FileDiff `json:"removed,omitempty"`
	Changed []FileDiff `json:"changed,omitempty"`
	More    int        `json:"more,omitempty"` // files that differ and are not listed
}

// FileDiff is one file.
type FileDiff struct {
	Path string `json:"path"`
	Kind string `json:"kind,omitempty"` // of machine code: "ELF"
	Sizes
}

// Signer is who signed a version, as proved by the signature, beside who may
// sign it, as recorded by the owners file.
type Signer struct {
	Version      string `json:"version"`
	Verified     bool   `json:"verified"` // the signature is good and of a recorded signer
	Identity     string `json:"identity"` // the workflow with its ref, or "key ID"
	Profile      string `json:"profile"`  // of the authorities that vouch for it
	SignedAt     string `json:"signedAt,omitempty"`
	Repository   string `json:"repository,omitempty"`
	RepositoryID string `json:"repositoryId,omitempty"`
	OwnerID      string `json:"ownerId,omitempty"`
	Commit       string `json:"commit,omitempty"`
	Recorded     string `json:"recorded,omitempty"` // the publisher of the owners file that matches
}
