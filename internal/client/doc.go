// Package client is the consuming side of clyde: it knows which registries a
// person configured, keeps copies of them, and resolves, downloads, verifies
// and installs what a project asks for.
//
// # Places
//
// Everything the client writes lies in one of four places; see [Places]:
//
//	user configuration   $XDG_CONFIG_HOME/clyde/config.yaml
//	cache                $XDG_CACHE_HOME/clyde/
//	store                $XDG_DATA_HOME/clyde/store/
//	project              the folder that holds .clyde/
//
// The cache may be deleted at any time; it is built again from the registries.
//
// # Configuration
//
// A setting is looked up in this order, the later one wins: built-in default,
// system file, user file, project file (.clyde/config.yaml, found upwards from
// the working folder), CLYDE_* environment variable, --config KEY=VALUE; see
// [LoadConfig]. Registries add up over the files instead: the project's come
// first, then the user's, then the system's, each in the order written. An
// entry hides a later one of the same name.
//
// # Registries
//
// A [Registry] answers what is published: the lines of a package, the
// index's config.json, a search. A value shows one state of its registry, from
// the first question until [Registry.Update], so that one resolution never
// mixes two commits. Two kinds are built in:
//
//   - "git": a bare shallow copy in the cache, shared by all projects and
//     processes under a file lock. It is made when first needed, advanced by
//     update alone, and made again when it is damaged or gone. A history that
//     was rewritten, so that the new head does not descend from the recorded
//     one, is an integrity error.
//   - "dir": a folder in the index layout with a config.json, read in place.
//
// A package name without a registry is answered by the one registry that has
// it; when several have it, the name is ambiguous and refused, for otherwise
// whoever publishes a name in one registry could replace another's package. A
// name pinned to a registry is asked there and nowhere else. A dependency in
// an index line belongs to the registry of that line unless it names another
// by URL; that URL must be one of the configured registries.
//
// # Outside text
//
// What a registry says is written by strangers. Values of this package carry
// it as it is; whoever prints it escapes it first.
//
// # Errors
//
// An error of this package is in one of the classes [ErrNotFound],
// [ErrRefused], [ErrIntegrity], [ErrConflict], [ErrNetwork] and [ErrUsage]
// (errors.Is), which decide the exit code of the program, or it is a
// [strictyaml.Problems] about a file a person wrote.
package client
