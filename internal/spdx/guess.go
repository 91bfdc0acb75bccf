package spdx

import "strings"

// Guess returns the identifier of the licence whose text this is, or "". It
// knows the common licences by sentences that no other has, and takes a line
// "SPDX-License-Identifier: ID" at its word. It does not guess at the licences
// of GNU, whose text does not say whether later versions are allowed.
func Guess(text string) string {
	for line := range strings.Lines(text) {
		if _, id, ok := strings.Cut(line, "SPDX-License-Identifier:"); ok && Check(strings.TrimSpace(id)) == nil {
			return strings.TrimSpace(id)
		}
	}
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	has := func(sentence string) bool { return strings.Contains(text, sentence) }
	switch {
	case has("gnu general public license") || has("gnu lesser general public license") || has("gnu affero"):
		return ""
	case has("apache license version 2.0, january 2004"):
		return "Apache-2.0"
	case has("mozilla public license version 2.0"):
		return "MPL-2.0"
	case has("boost software license - version 1.0"):
		return "BSL-1.0"
	case has("this is free and unencumbered software released into the public domain"):
		return "Unlicense"
	case has("creative commons legal code cc0 1.0 universal"):
		return "CC0-1.0"
	case has("permission is hereby granted, free of charge, to any person obtaining a copy") && has("the above copyright notice and this permission notice"):
		return "MIT"
	case has("permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"):
		if has("provided that the above copyright notice and this permission notice appear in all copies") {
			return "ISC"
		}
		return "0BSD"
	case has("redistribution and use in source and binary forms"):
		return guessBSD(has)
	default:
		return ""
	}
}

func guessBSD(has func(string) bool) string {
	switch {
	case has("all advertising materials"):
		return "BSD-4-Clause"
	case has("to endorse or promote products"):
		return "BSD-3-Clause"
	default:
		return "BSD-2-Clause"
	}
}
