// Package releaseindex reads the releases of one repository on GitHub, Gitea or
// Forgejo as the lines of an index, so that a package can be installed where
// there is no registry at all.
//
// # A version
//
// A version is a release that is published, whose tag ends in a full version:
// "v1.2.3", "1.2.3", "hello-v1.2.3". What it is comes from, in this order:
//
//   - the line that the release carries (an asset that ends in ".entry.json"), if
//     it is one of that version;
//   - the archive among its assets: the one that ends in "-VERSION.tar.gz", or the
//     only one that ends in ".tar.gz" or ".tgz". Those that end in
//     "-VERSION-PLATFORM.tar.gz" are the builds for platforms;
//   - where it has no archive, the archive of the tag's files that the host makes.
//
// The manifest in the archive, at .clyde/package.yaml, says name, version and
// dependencies, and its version has to be that of the tag. A release that is not
// so is left out, and reported.
//
// # The checksum
//
// The checksum of an archive is the one that the host tells of it, or that stands
// in an asset beside it, named like the archive with ".sha256" behind or
// SHA256SUMS; otherwise the archive is read as a whole. With a known checksum only
// its beginning is read, up to the manifest, which archives of clyde have first.
//
// # The host
//
// [Open] finds out which API a server has by asking for the releases: that of
// github.com is at api.github.com, that of another GitHub below /api/v3, and that
// of Gitea and Forgejo below /api/v1.
//
// Sources: GitHub's documentation, "REST API endpoints for releases"; Gitea's
// description of its API, "repoListReleases".
package releaseindex
