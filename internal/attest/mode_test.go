package attest_test

import (
	"errors"
	"testing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
)

func TestStrongest(t *testing.T) {
	for _, c := range []struct {
		given []attest.Mode
		want  attest.Mode
	}{
		{nil, attest.Attested},
		{[]attest.Mode{"", ""}, attest.Attested},
		{[]attest.Mode{attest.Off, ""}, attest.Off},
		{[]attest.Mode{attest.Off, attest.Require}, attest.Require},
		{[]attest.Mode{attest.Attested, attest.Warn}, attest.Attested},
	} {
		if got := attest.Strongest(c.given...); got != c.want {
			t.Errorf("Strongest(%q) = %s, expected %s", c.given, got, c.want)
		}
	}
}

func TestCheckAttested(t *testing.T) {
	plain := func(v string) *index.Entry { return &index.Entry{Name: "hello", Vers: v} }
	signed := func(v string) *index.Entry {
		e := plain(v)
		e.Att = &index.Attestation{URL: "https://example.org/a", SHA256: "ab"}
		return e
	}
	history := []*index.Entry{plain("1.0.0"), signed("1.1.0"), plain("1.2.0"), signed("1.3.0")}
	for _, c := range []struct {
		version int
		mode    attest.Mode
		want    error
	}{
		{0, attest.Attested, nil}, // before the first signature
		{0, attest.Require, attest.ErrUnattested},
		{1, attest.Require, nil},
		{2, attest.Attested, attest.ErrDowngrade},
		{2, attest.Warn, attest.ErrDowngrade},
		{2, attest.Require, attest.ErrDowngrade},
		{2, attest.Off, nil},
		{3, attest.Require, nil},
	} {
		err := attest.CheckAttested(index.ReleasesOf(history).List, history[c.version], c.mode)
		if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, attest.ErrRejected) {
			t.Errorf("%s under %s: %v, expected %v", history[c.version].Vers, c.mode, err, c.want)
		}
	}
}
