package credential

import "io/fs"

// readableByOthers cannot tell: who may read a file of a user's profile is not in
// its mode, and nobody else may unless the user said so.
func readableByOthers(fs.FileInfo) bool { return false }
