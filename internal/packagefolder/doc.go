// Package packagefolder finds the packages in a folder and remembers what they
// said.
//
// # What is read
//
// Every regular file below the folder whose name ends in ".tar.gz" or ".tgz" is
// taken for an archive, but those below names that begin with a dot. Archives are
// read side by side by the rules of extraction, so one that would not install is
// not listed either. An archive says who it is by the manifest inside it; its
// file's name decides nothing but which archive of a version is the build for a
// platform.
//
// Where that is asked for, a folder with a manifest is a package, too. It counts
// as the archive that packing it makes, which is the same on every machine, and
// nothing below it is looked at any further.
//
// # Problems
//
// A problem keeps one archive out and is reported under a stable rule; everything
// else is taken.
//
// # Reading again
//
// A record of what was read, outside the folder, has the size, modification time
// and digest of each sound archive, and its manifest. An archive with the same size
// and time is not read again, unless it changed so shortly before the run that
// recorded it that the time cannot tell. The time of an unpacked folder is the
// newest in it, of files and folders, and its size is that of all its files.
// Losing the record costs time and nothing else.
package packagefolder

// Rules of the problems that this package finds itself. The others are those of
// archives and manifests.
const (
	RuleManifest   = "build/manifest"   // there is none, or it is faulty
	RuleDuplicate  = "build/duplicate"  // two archives of one version
	RuleIncomplete = "build/incomplete" // builds without the package's own archive
	RuleFolder     = "build/folder"     // the archive's folder is not named by the version
	RuleFile       = "build/file"       // what is named like an archive cannot be read
)

// Problem is one thing that is wrong, and where.
type Problem struct {
	Where  string `json:"where"` // path of an archive below the folder, or of a file of the index
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}
