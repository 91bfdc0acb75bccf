package spdx_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/spdx"
)

func TestCheckAccepts(t *testing.T) {
	for _, expr := range []string{
		"MIT", "Apache-2.0 OR MIT", "(MIT)", "((MIT))", "MIT AND (Apache-2.0 OR BSD-3-Clause)",
		"GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0+", "Apache-1.0+ AND MIT",
		"LicenseRef-Proprietary", "DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2",
		"MIT OR GPL-3.0-only WITH GCC-exception-3.1 AND 0BSD", "GPL-3.0", "LicenseRef-x WITH LLVM-exception",
		strings.Repeat("(", 400) + "MIT" + strings.Repeat(")", 400),
	} {
		if err := spdx.Check(expr); err != nil {
			t.Errorf("Check(%q): %v", expr, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	tests := []struct {
		expr   string
		offset int
		detail string
		hint   string
	}{
		{"", 0, "the licence expression is empty", `write an SPDX expression, such as "MIT"`},
		{"mit", 0, `"mit" is not an SPDX licence`, `write "MIT"`},
		{"gpl-2.0+", 0, `"gpl-2.0+" is not an SPDX licence`, `write "GPL-2.0+"`},
		{"MIT or Apache-2.0", 4, `"or" stands where "AND", "OR" or the end should be`, "write OR in upper case"},
		{"MIT Apache-2.0", 4, `"Apache-2.0" stands where "AND", "OR" or the end should be`, ""},
		{"MIT/Apache-2.0", 0, `"MIT/Apache-2.0" is not an SPDX licence`, `write "MIT OR Apache-2.0"`},
		{"MIT License", 4, `"License" stands where "AND", "OR" or the end should be`, `write "MIT"`},
		{"Apache License, Version 2.0", 0, `"Apache" is not an SPDX licence`, `write "Apache-2.0"`},
		{"GPLv3", 0, `"GPLv3" is not an SPDX licence`, `write "GPL-3.0-only" or "GPL-3.0-or-later"`},
		{"proprietary", 0, `"proprietary" is not an SPDX licence`, `write "LicenseRef-Proprietary", or leave the licence out`},
		{"(MIT", 0, `"(" is never closed`, `add ")"`},
		{"MIT)", 3, `")" stands where "AND", "OR" or the end should be`, ""},
		{"(MIT Zlib)", 5, `"Zlib" stands where "AND", "OR" or ")" should be`, ""},
		{"()", 1, `")" stands where a licence should be`, ""},
		{"MIT AND", 7, "the licence expression ends where a licence should be", ""},
		{"AND MIT", 0, `"AND" stands where a licence should be`, ""},
		{"MIT WITH", 8, "the licence expression ends where a licence exception after WITH should be", ""},
		{"MIT WITH MIT", 9, `"MIT" is not an SPDX licence exception`, ""},
		{"MIT WITH llvm-exception", 9, `"llvm-exception" is not an SPDX licence exception`, `write "LLVM-exception"`},
		{"(MIT) WITH LLVM-exception", 6, `"WITH" stands where "AND", "OR" or the end should be`, ""},
		{"MIT +", 4, `"+" stands where "AND", "OR" or the end should be`, ""},
		{"MIT++", 0, `"MIT++" is not an SPDX licence`, ""},
		{"LicenseRef-", 0, `"LicenseRef-" is not an SPDX licence`, ""},
		{"LicenseRef-a_b", 0, `"LicenseRef-a_b" is not an SPDX licence`, ""},
		{"NOASSERTION", 0, "NOASSERTION is not a licence", "leave the licence out"},
		{"MIT\tOR Zlib", 0, `"MIT\tOR" is not an SPDX licence`, ""},
	}
	for _, test := range tests {
		var err *spdx.Error
		if !errors.As(spdx.Check(test.expr), &err) {
			t.Errorf("Check(%q) accepts", test.expr)
			continue
		}
		if err.Offset != test.offset || err.Error() != test.detail || err.Hint() != test.hint {
			t.Errorf("Check(%q) = %d %q hint %q\nwant %d %q hint %q", test.expr, err.Offset, err, err.Hint(), test.offset, test.detail, test.hint)
		}
	}
	if spdx.Check(strings.Repeat("(", spdx.MaxLength+1)) == nil {
		t.Error("an expression over the limit is accepted")
	}
}

func TestEveryListedIdentifierIsAccepted(t *testing.T) {
	for _, id := range spdx.Licenses() {
		if err := spdx.Check(id); err != nil {
			t.Errorf("Check(%q): %v", id, err)
		}
		if found := spdx.Deprecated(id); found != nil {
			t.Errorf("%s is in both lists", id)
		}
	}
	for _, id := range spdx.Exceptions() {
		if err := spdx.Check("GPL-2.0-only WITH " + id); err != nil {
			t.Errorf("WITH %s: %v", id, err)
		}
	}
	for _, list := range [][]string{spdx.Licenses(), spdx.Exceptions()} {
		if len(list) < 60 || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("a list of %d identifiers is not sorted or not unique", len(list))
		}
	}
}

func TestDeprecatedNamesValidReplacements(t *testing.T) {
	found := spdx.Deprecated("GPL-3.0 OR (MIT AND wxWindows) OR GPL-3.0")
	want := []spdx.Replacement{
		{ID: "GPL-3.0", Instead: `"GPL-3.0-only" or "GPL-3.0-or-later"`},
		{ID: "wxWindows", Instead: `"LGPL-2.0-or-later WITH WxWindows-exception-3.1"`},
	}
	if !slices.Equal(found, want) {
		t.Errorf("Deprecated = %q, want %q", found, want)
	}
	every := 0
	for _, id := range append(spdx.Licenses(), "AGPL-1.0", "GFDL-1.1", "LGPL-2.0", "eCos-2.0", "Nunit", "GPL-2.0-with-bison-exception") {
		for _, r := range spdx.Deprecated(id) {
			every++
			for _, expr := range strings.Split(r.Instead, " or ") {
				if err := spdx.Check(strings.Trim(expr, `"`)); err != nil {
					t.Errorf("instead of %s: %v", r.ID, err)
				}
			}
		}
	}
	if every != 6 {
		t.Errorf("%d identifiers are deprecated, want 6", every)
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"MIT", "(MIT OR Zlib) AND 0BSD", "MIT/Zlib", "GPL-2.0+ WITH LLVM-exception", "((("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		if spdx.Check(expr) != nil {
			return
		}
		for _, wider := range []string{"(" + expr + ")", "MIT AND (" + expr + ")", expr + " OR Zlib"} {
			if len(wider) <= spdx.MaxLength && spdx.Check(wider) != nil {
				t.Errorf("%q is an expression but %q is not", expr, wider)
			}
		}
	})
}

func TestGuess(t *testing.T) {
	tests := map[string]string{
		"":                                       "",
		"All rights reserved.":                   "",
		"SPDX-License-Identifier: MIT OR Zlib\n": "MIT OR Zlib",
		"SPDX-License-Identifier: nonsense\n":    "",
		"Apache License\n  Version 2.0, January 2004\n":            "Apache-2.0",
		"Mozilla Public License Version 2.0\n":                     "MPL-2.0",
		"Boost Software License - Version 1.0 - August 17th, 2003": "BSL-1.0",
		"Permission is hereby granted, free of charge, to any person obtaining a copy\nof this ... The above copyright notice and this\npermission notice shall be included":                                                "MIT",
		"Redistribution and use in source and binary forms, with or without modification":                                                                                                                                   "BSD-2-Clause",
		"Redistribution and use in source and binary forms ... may be used to endorse or promote products":                                                                                                                  "BSD-3-Clause",
		"GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007":                                                                                                                                                               "",
		"This is free and unencumbered software released into the public domain.":                                                                                                                                           "Unlicense",
		"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.": "ISC",
		"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted.":                                                                                           "0BSD",
	}
	for text, want := range tests {
		if got := spdx.Guess(text); got != want {
			t.Errorf("Guess(%.40q) = %q, want %q", text, got, want)
		}
	}
	license, err := os.ReadFile("../../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if got := spdx.Guess(string(license)); got != "Apache-2.0" {
		t.Errorf("Guess of this module's own licence = %q", got)
	}
}
