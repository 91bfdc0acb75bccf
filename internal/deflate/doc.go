// Package deflate compresses archives: a gzip stream (RFC 1952) of dynamic, fixed
// and stored blocks (RFC 1951), with lazy matching at the highest level.
//
// The bytes it writes never change, for registries hold their digests: they are
// those of github.com/klauspost/compress/gzip v1.20.3 at its best level, byte for
// byte, whatever pieces the content is written in. The header has what that
// library writes for no time at all, 0x886e0900 (Go's zero time, cut to 32 bits),
// and no operating system.
//
// # What is the same, and what is not
//
// For each place the library looks at the last 1,024 places with the same hash of
// four bytes, nearest first, and takes the match that saves the most among those
// that are longer than all that it took before ([matcher.find]). Which places these
// are does not depend on how the bytes before were written, and so they can be
// linked for a window at a time, in a loop that does nothing else. Beside that
// chain there are chains of places with more bytes in common. When a match of eight
// bytes is to be surpassed, the chain of eight bytes passes over all that cannot do
// so; the rank of a place in the first chain says whether it is among the 1,024.
// And most of all: when a match has been found and the place after it has none that
// is longer, it is not asked which would be the best there.
//
// With more than one processor, matches of the second half of a window are looked
// for while the first half is parsed. A match is a function of the bytes, and so it
// makes no difference to the output which of the two finds it.
//
// # Origin
//
// The format of the blocks and the decisions are after the library, and so after
// compress/flate of Go; their licence is in the file LICENSE.
package deflate
