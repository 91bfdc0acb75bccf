package index

import "testing"

// TestTransfers tells handing a package over from other changes of its owners.
func TestTransfers(t *testing.T) {
	const (
		ann     = "  - {repository: https://example.org/ann/hello, repository-id: 1, owner-id: 2}\n"
		renamed = "  - {repository: https://example.org/Ann/Hi.git, repository-id: 1, owner-id: 2}\n"
		bob     = "  - {repository: https://example.org/bob/hello, repository-id: 3, owner-id: 4}\n"
		plain   = "  - repository: https://example.org/ann/hello\n"
		key     = "  - key: AAAA\n"
	)
	publishers := func(list ...string) string {
		text := "publishers:\n"
		for _, p := range list {
			text += p
		}
		return text
	}
	until := func(publisher, at string) string { return publisher[:len(publisher)-2] + ", until: \"" + at + "\"}\n" }
	const reviewers = "reviewers: [ann]\n"
	for name, c := range map[string]struct {
		before, after string
		kind          Kind
		grants        bool
	}{
		"another reviewer":                 {publishers(ann) + reviewers, publishers(ann) + "reviewers: [bob]\n", KindOwners, false},
		"the first to be named":            {reviewers, reviewers + publishers(ann), KindOwners, false},
		"a comment":                        {publishers(ann), "# ours\n" + publishers(ann), KindOwners, false},
		"a publisher beside":               {publishers(ann), publishers(ann, bob), KindOwners, true},
		"a publisher less":                 {publishers(ann, bob), publishers(ann), KindOwners, false},
		"a renamed repository":             {publishers(ann), publishers(renamed), KindOwners, false},
		"a repository that gets its IDs":   {publishers(plain), publishers(ann), KindOwners, false},
		"a repository that loses its IDs":  {publishers(ann), publishers(plain), KindOwners, true},
		"a workflow":                       {publishers(plain), publishers(plain + "    workflow: .github/workflows/release.yml\n"), KindOwners, false},
		"a workflow no more":               {publishers(plain + "    workflow: .github/workflows/release.yml\n"), publishers(plain), KindOwners, true},
		"another workflow":                 {publishers(plain + "    workflow: a.yml\n"), publishers(plain + "    workflow: b.yml\n"), KindOwners, true},
		"tags beside":                      {publishers(plain + "    tags: [v1]\n"), publishers(plain + "    tags: [v1, v2]\n"), KindOwners, true},
		"fewer tags":                       {publishers(plain + "    tags: [v1, v2]\n"), publishers(plain + "    tags: [v2]\n"), KindOwners, false},
		"tags no more":                     {publishers(plain + "    tags: [v1]\n"), publishers(plain), KindOwners, true},
		"a signer":                         {publishers(plain), publishers(plain + "    signer: {workflow: https://example.org/x}\n"), KindOwners, true},
		"an end":                           {publishers(ann), publishers(until(ann, "2026-01-02T00:00:00Z")), KindOwners, false},
		"a later end":                      {publishers(until(ann, "2026-01-02T00:00:00Z")), publishers(until(ann, "2027-01-02T00:00:00Z")), KindOwners, true},
		"an end taken away":                {publishers(until(ann, "2026-01-02T00:00:00Z")), publishers(ann), KindOwners, true},
		"another repository":               {publishers(ann), publishers(bob), KindTransfer, true},
		"the same name with other numbers": {publishers(ann), publishers("  - {repository: https://example.org/ann/hello, repository-id: 9, owner-id: 2}\n"), KindTransfer, true},
		"another owner":                    {publishers(ann), publishers("  - {repository: https://example.org/ann/hello, repository-id: 1, owner-id: 9}\n"), KindTransfer, true},
		"another repository after an end":  {publishers(ann), publishers(until(ann, "2999-01-02T00:00:00Z"), bob), KindTransfer, true},
		"one of two":                       {publishers(ann, key), publishers(bob, key), KindTransfer, true},
		"a repository for a key":           {publishers(ann), publishers(key), KindTransfer, true},
		"a key for a key":                  {publishers(key), publishers("  - key: BBBB\n"), KindTransfer, true},
		"another issuer":                   {publishers(plain + "    issuer: https://a.example.org\n"), publishers(plain + "    issuer: https://b.example.org\n"), KindTransfer, true},
		"anyone":                           {publishers(ann) + reviewers, reviewers, KindTransfer, true},
		"the very registry demanded":       {publishers(ann), publishers(ann) + "registry: exact\n", KindOwners, false},
		"the very registry no more":        {publishers(ann) + "registry: exact\n", publishers(ann), KindOwners, true},
		"the very registry, then any":      {publishers(ann) + "registry: exact\n", publishers(ann) + "registry: any\n", KindOwners, true},
		"what cannot be read":              {"publishers: [", publishers(ann), KindTransfer, true},
	} {
		t.Run(name, func(t *testing.T) {
			change := FileChange{Path: "owners/he/ll/hello.yaml", Before: &Blob{0o644, []byte(c.before)}, After: &Blob{0o644, []byte(c.after)}}
			delta, violations := Classify([]FileChange{change})
			if len(violations) > 0 || delta.Kind != c.kind || delta.Grants != c.grants || delta.Package != "hello" {
				t.Errorf("%+v, %v, want %s", delta, violations, c.kind)
			}
		})
	}
}
