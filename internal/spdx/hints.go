package spdx

import (
	"slices"
	"strings"
)

// explain adds a remedy to an error that has none, for the ways in which
// people commonly write a licence that SPDX does not know.
func explain(err *Error, expr string) *Error {
	if err.Remedy != "" {
		return err
	}
	if parts := strings.Split(expr, "/"); len(parts) > 1 && allLicences(parts) {
		err.Remedy = `write "` + strings.Join(parts, " OR ") + `"`
	} else if meant := habitual(expr); meant != "" {
		err.Remedy = "write " + meant
	}
	return err
}

func allLicences(ids []string) bool {
	known := Licenses()
	return !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(known, id) })
}

// habitual returns what the identifier of a licence is that people call name,
// or "".
func habitual(name string) string {
	name = strings.ToLower(name)
	for _, filler := range []string{"the ", "licence", "license", "version", "clause", " ", "-", ",", "_"} {
		name = strings.ReplaceAll(name, filler, "")
	}
	name = strings.TrimSuffix(strings.ReplaceAll(name, "v", ""), ".0")
	switch name {
	case "mit", "expat", "x11":
		return `"MIT"`
	case "apache", "apache2", "asl2":
		return `"Apache-2.0"`
	case "bsd", "bsd3", "newbsd", "3bsd":
		return `"BSD-3-Clause"`
	case "bsd2", "simplifiedbsd", "2bsd":
		return `"BSD-2-Clause"`
	case "gpl", "gpl3", "gnugpl3":
		return orLater("GPL-3.0")
	case "gpl2", "gnugpl2":
		return orLater("GPL-2.0")
	case "lgpl", "lgpl3":
		return orLater("LGPL-3.0")
	case "lgpl2.1":
		return orLater("LGPL-2.1")
	case "agpl", "agpl3":
		return orLater("AGPL-3.0")
	case "mpl", "mpl2":
		return `"MPL-2.0"`
	case "boost", "bsl1":
		return `"BSL-1.0"`
	case "publicdomain":
		return `"CC0-1.0" or "Unlicense"`
	case "proprietary", "commercial", "unlicensed", "closed":
		return `"LicenseRef-Proprietary", or leave the licence out`
	default:
		return ""
	}
}

// instead returns what SPDX recommends in place of a deprecated identifier.
func instead(id string) string {
	switch id {
	case "BSD-2-Clause-FreeBSD", "BSD-2-Clause-NetBSD":
		return `"BSD-2-Clause"`
	case "GPL-2.0-with-GCC-exception":
		return `"GPL-2.0-or-later WITH GCC-exception-2.0"`
	case "GPL-2.0-with-autoconf-exception":
		return `"GPL-2.0-or-later WITH Autoconf-exception-2.0"`
	case "GPL-2.0-with-bison-exception":
		return `"GPL-2.0-or-later WITH Bison-exception-2.2"`
	case "GPL-2.0-with-classpath-exception":
		return `"GPL-2.0-or-later WITH Classpath-exception-2.0"`
	case "GPL-2.0-with-font-exception":
		return `"GPL-2.0-or-later WITH Font-exception-2.0"`
	case "GPL-3.0-with-GCC-exception":
		return `"GPL-3.0-or-later WITH GCC-exception-3.1"`
	case "GPL-3.0-with-autoconf-exception":
		return `"GPL-3.0-or-later WITH Autoconf-exception-3.0"`
	case "StandardML-NJ":
		return `"SMLNJ"`
	case "Nunit":
		return `"zlib-acknowledgement"`
	case "bzip2-1.0.5":
		return `"bzip2-1.0.6"`
	case "eCos-2.0":
		return `"GPL-2.0-or-later WITH eCos-exception-2.0"`
	case "wxWindows":
		return `"LGPL-2.0-or-later WITH WxWindows-exception-3.1"`
	case "Net-SNMP":
		return ""
	default: // the GNU licences, which said nothing about later versions
		return orLater(id)
	}
}

func orLater(id string) string {
	return `"` + id + `-only" or "` + id + `-or-later"`
}
