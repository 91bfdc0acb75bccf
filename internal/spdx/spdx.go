// Package spdx checks SPDX licence expressions, as annex D of the SPDX
// specification 2.3 defines them:
//
//	MIT
//	Apache-2.0 OR MIT
//	GPL-2.0-or-later WITH Classpath-exception-2.0
//	(MIT AND CC-BY-4.0) OR LicenseRef-Commercial
//
// AND binds tighter than OR, WITH tighter than both. Operators are upper case
// and identifiers are spelled as SPDX spells them, so that equal licences are
// equal text in an index; a different case is an error whose hint has the right
// spelling.
//
// A deprecated identifier ("GPL-3.0") is accepted, because SPDX keeps its
// meaning for ever and released software carries it. [Deprecated] lists those
// in an expression with what to write today.
//
// # Lists
//
// The identifiers are embedded from licenses.txt, deprecated.txt and
// exceptions.txt, one a line, sorted by byte; the first line of each names the
// origin. To refresh them, take the newest npm packages and keep the headers,
// with the new version number:
//
//	npm pack spdx-license-ids spdx-exceptions
//	tar -xOf spdx-license-ids-*.tgz package/index.json | jq -r '.[]' | LC_ALL=C sort
//	tar -xOf spdx-license-ids-*.tgz package/deprecated.json | jq -r '.[]' | LC_ALL=C sort
//	tar -xOf spdx-exceptions-*.tgz package/index.json | jq -r '.[]' | LC_ALL=C sort
//
// An identifier must never leave the lists: move it to deprecated.txt.
package spdx

import (
	_ "embed" // the lists
	"slices"
	"strings"
)

// An Error says where and why a text is not a licence expression.
type Error struct {
	Offset  int      // in bytes, of what is wrong
	Detail  string   // what is wrong
	Remedy  string   // what to write instead, or ""
	Unknown string   // the identifier that is in no list, or ""
	Known   []string // with Unknown: the list it was looked up in
}

// Error returns the detail and where it is.
func (e *Error) Error() string { return e.Detail }

// Hint returns what to write instead, or "".
func (e *Error) Hint() string { return e.Remedy }

// A Replacement is a deprecated identifier and what SPDX recommends instead.
type Replacement struct {
	ID      string
	Instead string // "GPL-3.0-only or GPL-3.0-or-later"; "" when SPDX names none
}

// Check reports whether expr is a licence expression. The error is an [*Error].
func Check(expr string) error {
	_, err := parse(expr)
	return err
}

// Deprecated returns the deprecated identifiers in expr, in order, each once.
// It returns none when expr is not an expression.
func Deprecated(expr string) []Replacement {
	ids, err := parse(expr)
	if err != nil {
		return nil
	}
	deprecated := lines(deprecatedList)
	var found []Replacement
	for i, id := range ids {
		if slices.Contains(deprecated, id) && !slices.Contains(ids[:i], id) {
			found = append(found, Replacement{ID: id, Instead: instead(id)})
		}
	}
	return found
}

// MaxLength is the longest expression that is accepted, in bytes.
const MaxLength = 1000

//go:embed licenses.txt
var licenseList string

//go:embed deprecated.txt
var deprecatedList string

//go:embed exceptions.txt
var exceptionList string

// Licenses returns the identifiers of all licences that are not deprecated.
func Licenses() []string { return lines(licenseList) }

// Exceptions returns the identifiers of all licence exceptions.
func Exceptions() []string { return lines(exceptionList) }

func lines(list string) []string {
	_, list, _ = strings.Cut(list, "\n") // the origin
	return strings.Split(strings.TrimSuffix(list, "\n"), "\n")
}
