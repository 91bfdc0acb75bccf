package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/clydepm/clyde/internal/terminal"
)

// Vulnerability is a report of a vulnerability in a locked package.
type Vulnerability struct {
	ID      string // of the report
	Summary string
	Page    string // about it, may be ""
	Package string
	Version string
	Fixed   []string // versions with the repair
	File    string   // the lock, from the root of the repository
	Line    int
	Ignored string // why it is ignored, "" when it is not
}

// VulnerabilitySARIF writes reports of vulnerabilities in the Static Analysis
// Results Interchange Format, at the lines of the lock that they are about.
// What is ignored is in it, suppressed and with its reason.
func VulnerabilitySARIF(found []Vulnerability, version string) []byte {
	rules, results, place := []sarifRule{}, []sarifResult{}, map[string]int{}
	for _, v := range found {
		id := terminal.Escape(v.ID)
		at, known := place[id]
		if !known {
			at = len(rules)
			place[id] = at
			page := v.Page
			if page == "" {
				page = "https://osv.dev/vulnerability/" + id
			}
			rules = append(rules, sarifRule{
				ID: id, ShortDescription: sarifText{sarifMessage(firstOf(v.Summary, id))}, Help: sarifText{sarifMessage(firstOf(v.Summary, id))},
				HelpURI: page, DefaultConfiguration: sarifConfig{"error"},
			})
		}
		results = append(results, v.result(id, at))
	}
	return sarif(sarifRun{
		Tool:              sarifTool{sarifDriver{"clyde", version, home, rules}},
		AutomationDetails: sarifID{"clyde/audit/"},
		Results:           results,
		Properties:        map[string]string{},
	})
}

func firstOf(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (v Vulnerability) result(id string, rule int) sarifResult {
	text := v.Package + " " + v.Version + ": " + firstOf(v.Summary, v.ID)
	if len(v.Fixed) > 0 {
		text += ". To repair it: update to " + strings.Join(v.Fixed, " or ")
	}
	fingerprint := sha256.Sum256([]byte(strings.Join([]string{v.ID, v.Package, v.Version}, "\x00")))
	result := sarifResult{
		RuleID: id, RuleIndex: rule, Level: "error", Message: sarifText{sarifMessage(text)},
		Locations: []sarifLocation{{sarifPhysical{
			ArtifactLocation: sarifArtifact{v.File}, Region: &sarifRegion{v.Line},
		}}},
		PartialFingerprints: map[string]string{"clydeFinding/v1": hex.EncodeToString(fingerprint[:16])},
	}
	if v.Ignored != "" {
		result.Suppressions = []sarifSuppression{{Kind: "external", Justification: sarifMessage(v.Ignored)}}
	}
	return result
}
