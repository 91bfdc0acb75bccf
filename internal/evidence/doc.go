// Package evidence gathers what can be found outside an index about the
// versions that a change adds: the tag and its commit, the repository, the
// release, the archives and the signature. Package review judges it.
//
// # What is asked
//
// Everything is found by what the proposed line says, and nothing is believed
// for it: the repository that a tag is looked up in is that of the line's
// source, archives and signatures come from the line's own URLs. Of the version
// before, its archive is fetched for the comparison. What a line does not name
// is not looked for.
//
// A repository is asked through an [Origin], the small part of a host's API
// that is needed: at GitHub, at Gitea or Forgejo, or with git itself anywhere
// else. A URL is fetched as anybody would.
//
// # Failures are evidence
//
// What cannot be had becomes a [review.Missing], in the same few words for the
// same reason, so that the same state of the world gives the same report on
// every machine. The error of [Gather] is that of this machine, such as a full
// disk, or of a cancelled context.
//
// # Hostile lines
//
// A line comes from whoever opened the pull request. Its URLs may be of the web
// only, or of this machine's files where [Options.Files] says so. Connections
// to addresses of the local network are refused by [Public]. Sizes are bounded
// by what the line itself says, and by [Limits] for one file and for all of a
// change. A token is for the API of the host that it was given for; no archive
// is fetched with one, and a redirect takes none along.
//
// Requests are repeated after failures that pass, as package forge does.
package evidence
