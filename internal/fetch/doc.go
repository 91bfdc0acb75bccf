// Package fetch asks web servers for files and is not put off by the first
// fault.
//
// # Attempts
//
// A file is asked for up to [maxTries] times in a row without success. In
// between there is a pause, which doubles, and is shortened at random by up to a
// half, so that many who failed together do not come back together. What may
// pass is tried again: connections that are refused, reset or cut, an answer
// that stalls, and the statuses 408, 429 and 5xx except 501 and 505. What will
// not pass is not: any other status, a certificate that is not trusted, a host
// that does not exist, a redirect that must not be followed.
//
// A server that names a time to come back (Retry-After, RFC 9110, section
// 10.2.3) is asked no sooner, by no request of the same [Client]; the person is
// told of it. Where that is more than [maxRetryAfter] away the request fails at
// once and says so.
//
// # Time
//
// No limit is set to a whole transfer. An attempt is broken off when the server
// sends fewer than [leastRate] bytes a second for as long as Options.Stall.
//
// # Resuming
//
// A request that is Raw goes on where the last attempt broke off (Range, RFC
// 9110, section 14), also where an earlier run did, as long as the server says
// by a strong ETag or a Last-Modified that the file is the same (If-Range);
// otherwise it starts again. An attempt that brought [progressBytes] or more
// counts as the first one.
//
// # What is refused
//
// Redirects from https to http, in a circle, more than [maxRedirects], or to
// another protocol; a file of more bytes than the limit, of which no more is
// read; an encoding that was not asked for, unless the request is Raw, for then
// the digest of the file tells.
//
// Errors are an [Error] with the address, without what may be secret in it, what
// happened, and how often it was tried. This package knows nothing of packages.
package fetch
