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
// entry hides a later one of the same name or the same address: the same index
// twice would make every name in it ambiguous. What a hidden one demands of
// signatures and the names that it claims (see [Claim]) still count. A relative path is relative to
// the project, or to the folder of a user's or system's file.
//
// Where things lie on this machine (cache, store) is not a project's to say,
// and no file may hold a password. Edits keep comments, order and blank lines;
// they are made under a lock and by one rename.
//
// # Registries
//
// A [Registry] answers what is published: the lines of a package, the
// index's config.json, a search. A value shows one state of its registry, from
// the first question until [Registry.Update], so that one resolution never
// mixes two commits. That a registry has no such package ([NoPackageError]) is
// not the same as a registry that does not answer. The kinds are:
//
//   - "git": one packed file in the cache that holds the newest commit, shared
//     by all projects and processes; see [indexcache]. It is made when first
//     needed, replaced by update alone, and made again when it is damaged or
//     gone. Beside it lies a record of the commit that is shown, which is
//     replaced in one rename, so that reading takes no lock. A head that does
//     not follow that commit is an integrity error, also when the copy was lost
//     and is made again; see [history]. Commits that were shown before stay
//     readable for a while: a lock may name one.
//   - "sparse": files on a web server, in the layout of Cargo's sparse
//     registries. One that "clyde index export static" wrote has a change log,
//     see [staticindex]: it is kept as one packed file like a git repository,
//     and held against its history and its key. Any other has the files of
//     packages alone: what is needed is fetched ahead while resolving, several
//     files at a time, kept, and asked for again only after an update.
//   - "dir": a folder in the index layout with a config.json, read in place.
//   - "api": a server that answers questions; see [registryapi].
//   - "packages": a folder of packages themselves, read in place; see
//     [packagefolder].
//   - "releases": the releases of one repository; see [releaseindex].
//
// The last three are catalogs: what they say is turned into index lines, which
// are read as all lines are. Documents of web servers, of them and of sparse
// registries without a change log, are kept in the cache in one way; see
// documents.
//
// A registry may fall back on others, in order, for packages that it does not
// have, and is one registry with them. Only a [NoPackageError] leads to the next.
// [Mirrors] have what lies below a URL asked for elsewhere; whatever is written
// down has the URL that was written.
//
// A package name without a registry is answered by the one registry that has
// it; when several have it, the name is ambiguous and refused, for otherwise
// whoever publishes a name in one registry could replace another's package. A
// name pinned to a registry is asked there and nowhere else. A dependency in
// an index line belongs to the registry of that line unless it names another
// by URL; that URL must be one of the configured registries.
//
// # Store
//
// The store keeps the extracted tree of every archive once, for all projects of
// a user, under the SHA-256 of the archive:
//
//	<store>/sha256/<2 digits>/<62 digits>/tree/        the files, read-only
//	<store>/sha256/<2 digits>/<62 digits>/files.json   their sizes and digests
//	<store>/tmp/                                       what is being made
//	<store>/partial/                                   what is being received
//
// An entry is made in tmp, brought to disk, and gets its name by one rename, so
// there is none that is half made; of two processes the second keeps what the
// first made. An archive is received by one process at a time, and the next run
// goes on where one ended too soon. files.json tells an entry whose files were
// lost or changed since; such an entry is fetched again and replaced. An archive
// is extracted only after its digest was found to be the recorded one.
//
// # Installing
//
// An [Installer] first decides a plan, which changes nothing: the manifest as
// it is to be, the lock it asks for, and what of the lock is installed. A lock
// that was made for what the manifest asks is taken as it is, without asking a
// registry; otherwise what is locked moves only where it must. The lock keeps
// the names it has for registries, by their URL, whatever they are called on
// this machine, and its text stays when the same packages are chosen again.
//
// Installed is what the manifest's dependencies reach on one platform, this
// machine's unless the setting "platform" names another, with the archive that
// was built for it where there is one. A [Profile] says which of the project's own
// optional dependencies, and of those for development, are part of it: all, unless
// it says otherwise.
//
// The plan says what will be fetched and which programs would run: hooks of
// packages, and other package managers that install externals. Nothing of it runs
// without a [Permission] or a [Consent]. A run then has the externals installed,
// fetches every archive that the store lacks, asks about hooks that came to light
// in them, and only then changes the project. Each step is a record in the
// journal. docs/installing.md tells of the steps and of what is taken back.
//
// # Installed tree
//
// What is installed in a project is a generation: a folder of links into the
// store, with a ledger of what they are. It is never changed once it is made.
//
//	.clyde/generations/7/NAME           link to a tree of the store
//	.clyde/generations/7/@SCOPE/NAME    link to the tree of a scoped package
//	.clyde/generations/7/.pkgconfig/    pkg-config files with their paths set right
//	.clyde/generations/7/.ledger.json   name, version, registry, checksum of each
//	.clyde/generations/7/.files         sizes and times of what is in the store
//	.clyde/generations/.trees/7/NAME    copy of a package for its hooks, see [LedgerHooks]
//	.clyde/generations/journal.jsonl    what runs did, see [journal.Record]
//	.clyde/packages                     link to generations/7, the active one
//
// The links to the store are absolute, the link .clyde/packages is relative.
// Activating a generation is one rename of that link, so the tree and its
// ledger change together; going back is the same rename. The last generations
// are kept.
//
// Manifest, lock and tree change together or not at all. The old bytes are in
// .clyde/generations/.journal.json while they are changed, and the change is
// final with the removal of that file. A run that ends before that, however it
// ends, is taken back by the next one. One process at a time changes a project;
// others wait.
//
// On Windows links need developer mode, and .clyde/packages is replaced in two
// steps; a run that ends in between is taken back as well.
//
// # Environments
//
// A project has one installed tree, the environment "default", and may have more,
// which share its manifest and lock; see [Environment]. Each has the folders above,
// generations, packages and journal, below .clyde/environments/NAME or in a prefix
// outside of the project, and is changed, gone back in and taken back on its own.
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
