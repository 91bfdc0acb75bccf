// Package manifest reads, checks and edits .clyde/package.yaml, the file that
// describes a package to clyde and says what a project needs.
//
// A package and a project that only consumes packages have the same manifest.
// Publishing needs name and version (see [Manifest.CheckPublishable]); nothing
// else is required, and a consumer needs neither.
//
// The file is YAML in the subset of [strictyaml]. [Parse] checks all of it and
// reports every problem at once, with its line, column and a hint. The JSON
// Schema package.v1.schema.json of the package schemas says the same to
// editors; a corpus under testdata holds the two together.
//
// # Keys
//
//	name                   a package name of the index format
//	version                a full SemVer version
//	type                   a word for what the package is: library, tool, ...
//	description            one paragraph
//	homepage, repository   URLs
//	license                an SPDX expression
//	authors                "Name <mail>" or "Name"
//	keywords               lower-case words for searching
//	platforms              where the package works; everywhere when absent
//	dependencies           what it needs to work
//	dev-dependencies       what its developers need
//	build-dependencies     what building it needs
//	features               named sets of optional dependencies and features
//	external-dependencies  packages of other package managers
//	include, exclude       patterns of the files that are packed
//	allow-secrets          patterns of files that only look like secrets
//	hooks                  programs that run around installing and removing
//	artifacts              prebuilt files per platform
//
// A dependency is `name: "^1.2"` or a mapping with the keys version, registry,
// package, optional, features, default-features and platforms. Its requirement
// follows Cargo's rules. A package is needed under one name and in one of the
// three sections only: an installed tree has one version of it.
//
// # Edits
//
// [SetDependency] and [RemoveDependency] change the text of a manifest and leave
// every line they do not have to touch as it is: comments, order, blank lines,
// quotes and line ends.
package manifest
