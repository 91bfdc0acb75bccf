package index

import "strings"

// Path returns the path of the file of a package in an index, with "/" between
// its elements: "1/a", "2/ab", "3/a/abc", "he/ll/hello", "scope/name.json". It
// is in lower case. The error is the [*NameError] of [CheckLookupName].
func Path(name string) (string, error) {
	if err := CheckLookupName(name); err != nil {
		return "", err
	}
	name = lower(name)
	if strings.Contains(name, "/") {
		return name + ".json", nil
	}
	return prefix(name) + "/" + name, nil
}

// prefix returns the folder of a plain name, in the case of the name.
func prefix(name string) string {
	switch len(name) {
	case 1:
		return "1"
	case 2:
		return "2"
	case 3:
		return "3/" + name[:1]
	}
	return name[:2] + "/" + name[2:4]
}

// NameOf reports whether path is the path of a package's file, and if so the
// package's name in lower case. It is the inverse of [Path].
func NameOf(path string) (name string, ok bool) {
	name = path[strings.LastIndexByte(path, '/')+1:]
	if scoped, found := strings.CutSuffix(path, ".json"); found && strings.Count(path, "/") == 1 {
		name = scoped
	}
	want, err := Path(name)
	if err != nil || want != path {
		return "", false
	}
	return name, true
}

// OwnersPath returns the path of the file that names the owners of a package:
// "owners/he/ll/hello.yaml", "owners/scope/name.yaml". The error is the
// [*NameError] of [CheckLookupName].
func OwnersPath(name string) (string, error) { return besidePath("owners", name) }

// OwnersOf reports whether path is the path of a package's owners file, and if
// so the package's name in lower case. It is the inverse of [OwnersPath].
func OwnersOf(path string) (name string, ok bool) { return besideOf("owners", path) }

// SourcePath returns the path of the file that registers where the releases of
// a package come from that has no version yet: "sources/he/ll/hello.yaml",
// "sources/scope/name.yaml". The error is the [*NameError] of
// [CheckLookupName].
func SourcePath(name string) (string, error) { return besidePath("sources", name) }

// SourceOf reports whether path is the path of a registration, and if so the
// package's name in lower case. It is the inverse of [SourcePath].
func SourceOf(path string) (name string, ok bool) { return besideOf("sources", path) }

// besidePath returns the path of the YAML file about a package in a folder of
// its own.
func besidePath(folder, name string) (string, error) {
	path, err := Path(name)
	if err != nil {
		return "", err
	}
	if strings.Contains(name, "/") {
		path = strings.TrimSuffix(path, ".json")
	}
	return folder + "/" + path + ".yaml", nil
}

// besideOf is the inverse of besidePath.
func besideOf(folder, path string) (name string, ok bool) {
	inner, isBelow := strings.CutPrefix(path, folder+"/")
	inner, isYAML := strings.CutSuffix(inner, ".yaml")
	if !isBelow || !isYAML {
		return "", false
	}
	if name, ok := NameOf(inner); ok && !strings.Contains(name, "/") {
		return name, true
	}
	if name, ok := NameOf(inner + ".json"); ok && strings.Contains(name, "/") {
		return name, true
	}
	return "", false
}

// ArchiveName returns the file name of a version's archive:
// "hello-1.2.3.tar.gz", and "scope-name-1.2.3.tar.gz" for a scoped package.
func ArchiveName(name, version string) string {
	return strings.ReplaceAll(name, "/", "-") + "-" + version + ".tar.gz"
}
