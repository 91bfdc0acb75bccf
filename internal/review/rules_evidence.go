package review

import "github.com/clydepm/clyde/internal/attest"

// evidenceRules are those about what is found outside the index.
func evidenceRules() []Rule {
	fixed := func(id, summary string) Rule { return Rule{ID: id, Status: Fail, Fixed: true, Summary: summary} }
	return []Rule{
		fixed("evidence/present", "everything that a new version is about was looked at"),
		fixed("evidence/repository", "the repository of the source is there, under that name and with those numbers"),
		fixed("evidence/tag", "the tag of the source stands for the version and names that commit"),
		{ID: "evidence/release", Status: Warn, Summary: "the tag has a release"},
		fixed("evidence/archive", "the archive is where the line says, with that size and digest"),
		fixed("evidence/builds", "the builds are those of the package, where the line says, with those sizes and digests"),
		fixed("evidence/bundle", "the signature is where the line says, with that digest"),
		fixed("evidence/provenance", "the provenance is where the line says, with that digest"),
		fixed("evidence/manifest", "the archive has a manifest that can be published"),
		fixed("evidence/line", "the line is the one that is made from the manifest in the archive"),
		{ID: "evidence/time", Status: Fail, Summary: "a line was made when its release and its signature were"},
	}
}

// contentRules are those about what the index records of whoever publishes, and
// about what a version brings.
func contentRules() []Rule {
	fixed := func(id, summary string) Rule { return Rule{ID: id, Status: Fail, Fixed: true, Summary: summary} }
	return []Rule{
		fixed("identity/downgrade", "a package that has been signed stays signed"),
		fixed("identity/recorded", "the owners file of a new package names the repository that its first version comes from, with its numbers"),
		{ID: "identity/pinned", Status: Person, Summary: "the registration or else the owners file of a new package records who may publish: repository, workflow and tags"},
		{ID: "identity/fork", Status: Person, Summary: "a new package does not come from a fork"},

		fixed("content/archive", "the archives can be extracted by every client"),
		{ID: "content/compared", Status: Warn, Summary: "the archive of the version before is there to compare with"},
		{ID: "content/size", Status: Person, Summary: "an archive is not many times as large as the one before"},
		{ID: "content/hooks", Status: Person, Summary: "no hook is new or changed"},
		{ID: "content/native", Status: Person, Summary: "no file with machine code is new or changed"},
		{ID: "content/external", Status: Person, Summary: "no dependency on another package manager is new"},
		{ID: "content/host", Status: Person, Summary: "archives stay at their host"},
	}
}

// attestRules are the checks of a signature, each with what it asks.
func attestRules() []Rule {
	summaries := map[string]string{
		attest.CheckSize:          "a bundle is within the size bound",
		attest.CheckFormat:        "a bundle is of the one format that is accepted",
		attest.CheckLog:           "the signature is in the transparency log, where the authorities keep one",
		attest.CheckTimestamp:     "the time of the signature is vouched for",
		attest.CheckCertificate:   "the certificate is of an authority that the index trusts",
		attest.CheckSCT:           "the certificate is in a log of certificates, where the authorities keep one",
		attest.CheckKey:           "the key is one that the index trusts",
		attest.CheckSignature:     "the signature is that of the certificate or key",
		attest.CheckStatement:     "what is signed is a statement that can be read",
		attest.CheckPredicateType: "the statement is about publishing",
		attest.CheckSubjectCount:  "the statement is about one archive",
		attest.CheckSubjectName:   "the statement names the archive",
		attest.CheckSubjectDigest: "the statement has the digest of the archive",
		attest.CheckPURL:          "the statement has the package URL of the version",
		attest.CheckName:          "the statement has the name",
		attest.CheckVersion:       "the statement has the version",
		attest.CheckRegistry:      "the statement is for this index",
		attest.CheckEntryDigest:   "the statement has the digest of the line",
		attest.CheckKind:          "a workflow signs where the owners name workflows, and a key where they name keys",
		attest.CheckSignerKey:     "the key is one of the owners'",
		attest.CheckIssuer:        "the workflow ran at the host that the owners name",
		attest.CheckRepository:    "the workflow is of the repository that the owners name",
		attest.CheckRepositoryID:  "the repository has the number that the owners record",
		attest.CheckOwnerID:       "the repository's owner has the number that the owners record",
		attest.CheckRef:           "the workflow ran for the tag of the version",
		attest.CheckCommit:        "the workflow ran for the commit of the line",
		attest.CheckWorkflow:      "the workflow is the one that the owners name",
		attest.CheckSigner:        "the reusable workflow that signed is the one that the owners name",
		attest.CheckTrigger:       "the workflow was started by an event that the owners permit",
		attest.CheckRunner:        "the workflow ran on a machine that the owners permit",
		attest.CheckPeriod:        "the signature is of a time when its signer was permitted",
	}
	var rules []Rule
	for _, id := range attest.Checks() {
		rules = append(rules, Rule{ID: id, Status: Fail, Fixed: true, Summary: summaries[id]})
	}
	return append(rules,
		Rule{ID: "provenance/signature", Status: Fail, Fixed: true, Summary: "provenance is about the archive, and signed by one who may sign the version"},
		Rule{ID: attest.CheckBuilder, Status: Fail, Fixed: true, Summary: "the builder of the provenance is the workflow that signed it"},
		Rule{ID: attest.CheckSource, Status: Fail, Fixed: true, Summary: "the provenance names the commit of the line"},
	)
}
