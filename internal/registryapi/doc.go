// Package registryapi reads a registry that is a server with an HTTP API, in the
// words of an index: what it says of a package comes out as index lines, and is
// then read by the rules for lines.
//
// # Clyde's own API
//
//	GET {base}/packages/{name}                        about the newest version
//	GET {base}/packages/{name}/versions               all versions
//	GET {base}/packages/{name}/{version}/download     the archive, or a redirect to it
//	GET {base}/search?q={words}&limit={n}             packages that match
//
// A name is one element of the path, so that the slash of a scoped name is
// written "%2F". Versions are a JSON object with a member "versions", a list of
// index lines, oldest first; a line without "dl" is downloaded from the address
// above. Found packages are an object with a member "packages", a list of objects
// with "name", "version" and, if there are any, "description", "keywords",
// "yanked" and "retired". A list that goes on has beside it a member "next": the
// URL of the next page, on the same server, relative or absolute. What does not
// exist is answered 404.
//
// # HPM's API
//
//	GET {base}/packages?q={words}                     packages that match
//	GET {base}/packages/{creator}/{slug}              all builds of all versions
//	GET {base}/packages/{creator}/{slug}/{version}    the builds of one version
//
// Its lists are objects with a member "packages", "versions" or "builds"; what is
// in them are objects of one archive each with "name", "vers", "dl", "cksum"
// ("sha256:" and hex digits), "platform", "yanked", "deps" and "description". The
// archives of one version become one line with builds. A build for a platform
// that clyde does not know is left out, as is a version with no other. A version
// in the list that has no checksum is looked up by itself.
//
// # Which of the two it is
//
// [Detect] asks for a search, in clyde's way and then in HPM's: the first that is
// answered with a list of packages is the one.
//
// # Bounds
//
// A document has at most [MaxDocument] bytes, a list at most [maxPages] pages and
// [maxVersions] versions. Pages on another server are refused.
package registryapi
