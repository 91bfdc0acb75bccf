package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/url"
	"strings"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/audit"
	"github.com/clydepm/clyde/internal/review"
	"github.com/clydepm/clyde/internal/terminal"
)

// SARIF writes what the checks found in the Static Analysis Results Interchange
// Format, version 2.1.0, for hosts that show findings beside the files they are
// about: failures, warnings and notes, each with the ID of its check, which is
// stable, and a place in the index. Head is the tree that was judged; it may be
// nil, and lines of versions are not known then. Version is that of clyde.
func SARIF(r *review.Report, head fs.FS, version string) []byte {
	found := append(append(of(r, review.Fail), of(r, review.Warn)...), notes(r)...)
	rules, place := rulesOf(found, review.Rules(), RulesURL, helpOf)
	results := []sarifResult{}
	for _, f := range found {
		results = append(results, resultOf(f, head, r.Change, place[f.Check]))
	}
	return sarif(sarifRun{
		Tool:              sarifTool{sarifDriver{"clyde", version, home, rules}},
		AutomationDetails: sarifID{Context + "/"},
		Results:           results,
		Properties: map[string]string{
			"decision": r.Decision, "base": r.Binding.Base, "head": r.Binding.Head, "policy": r.Binding.Policy,
		},
	})
}

// AuditSARIF writes what an audit found in the same format. Version is that of
// clyde.
func AuditSARIF(r *audit.Report, version string) []byte {
	var checks []review.Rule
	for _, c := range audit.Checks() {
		checks = append(checks, review.Rule{ID: c.ID, Status: review.Fail, Summary: c.Summary})
	}
	var found []review.Finding
	for _, f := range r.Findings {
		found = append(found, review.Finding{Check: f.Check, Status: f.Status, Where: f.Where, Detail: f.Package + " " + f.Version + ": " + f.Detail})
	}
	rules, place := rulesOf(found, checks, AuditURL, func(rule review.Rule) string {
		return "Asks that " + rule.Summary + ", long after a version was published."
	})
	results := []sarifResult{}
	for i, f := range found {
		results = append(results, resultOf(f, nil, review.Change{Package: r.Findings[i].Package}, place[f.Check]))
	}
	return sarif(sarifRun{
		Tool:              sarifTool{sarifDriver{"clyde", version, home, rules}},
		AutomationDetails: sarifID{"clyde/audit-index/"},
		Results:           results,
		Properties:        map[string]string{"verdict": r.Verdict, "seed": r.Seed},
	})
}

// home is the page of the program.
const home = "https://github.com/clydepm/clyde"

// sarif writes a log of one run.
func sarif(run sarifRun) []byte {
	run.ColumnKind = "utf16CodeUnits"
	log := sarifLog{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{run},
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(log); err != nil {
		panic(err) // it holds strings, numbers and lists only
	}
	return buf.Bytes()
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool              sarifTool         `json:"tool"`
	AutomationDetails sarifID           `json:"automationDetails"`
	ColumnKind        string            `json:"columnKind"`
	Results           []sarifResult     `json:"results"`
	Properties        map[string]string `json:"properties"`
}

type sarifID struct {
	ID string `json:"id"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID                   string      `json:"id"`
	ShortDescription     sarifText   `json:"shortDescription"`
	Help                 sarifText   `json:"help"`
	HelpURI              string      `json:"helpUri"`
	DefaultConfiguration sarifConfig `json:"defaultConfiguration"`
}

type sarifConfig struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID              string            `json:"ruleId"`
	RuleIndex           int               `json:"ruleIndex"`
	Level               string            `json:"level"`
	Message             sarifText         `json:"message"`
	Locations           []sarifLocation   `json:"locations"`
	PartialFingerprints map[string]string `json:"partialFingerprints"`

	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	PhysicalLocation sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	ArtifactLocation sarifArtifact `json:"artifactLocation"`
	Region           *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

// rulesOf describes the checks that found something, and says which is where.
func rulesOf(findings []review.Finding, all []review.Rule, page string, help func(review.Rule) string) ([]sarifRule, map[string]int) {
	known := map[string]review.Rule{}
	for _, rule := range all {
		known[rule.ID] = rule
	}
	rules, place := []sarifRule{}, map[string]int{}
	for _, f := range findings {
		if _, ok := place[f.Check]; ok {
			continue
		}
		place[f.Check] = len(rules)
		rule := known[f.Check]
		rules = append(rules, sarifRule{
			ID: terminal.Escape(f.Check), ShortDescription: sarifText{sarifMessage(rule.Summary)}, Help: sarifText{sarifMessage(help(rule))},
			HelpURI: page, DefaultConfiguration: sarifConfig{level(rule.Status)},
		})
	}
	return rules, place
}

func helpOf(rule review.Rule) string {
	help := "Asks that " + rule.Summary + "."
	if rule.Fixed {
		return help + " This keeps the index intact; no policy changes it."
	}
	return help + " The index's policy.yaml may make it a failure, a warning, or turn it off."
}

// level is SARIF's word for a status.
func level(status string) string {
	switch status {
	case review.Fail:
		return "error"
	case review.Warn:
		return "warning"
	}
	return "note"
}

func resultOf(f review.Finding, head fs.FS, c review.Change, rule int) sarifResult {
	text := f.Detail
	if text == "" {
		text = "The check " + f.Check + " does not pass"
	}
	if f.Hint != "" {
		text += ". To repair it: " + f.Hint
	}
	// A line moves when others come before it; what is found there does not.
	fingerprint := sha256.Sum256([]byte(strings.Join([]string{f.Check, c.Package, f.Where, f.Detail}, "\x00")))
	return sarifResult{
		RuleID: terminal.Escape(f.Check), RuleIndex: rule, Level: level(f.Status), Message: sarifText{sarifMessage(text)},
		Locations:           []sarifLocation{locationOf(f, head, c)},
		PartialFingerprints: map[string]string{"clydeFinding/v1": hex.EncodeToString(fingerprint[:16])},
	}
}

// locationOf is the place of a finding. Hosts drop a result without one, so that
// what is about the change as a whole is at the file of its package or, when it
// has none, at the index's configuration.
func locationOf(f review.Finding, head fs.FS, c review.Change) sarifLocation {
	at := PlaceOf(f, head)
	if at.File == "" {
		at.File = index.ConfigPath
		if file, err := index.Path(c.Package); err == nil && c.Package != "" {
			at.File = file
		}
	}
	location := sarifPhysical{ArtifactLocation: sarifArtifact{(&url.URL{Path: at.File}).String()}}
	if at.Line > 0 {
		location.Region = &sarifRegion{at.Line}
	}
	return sarifLocation{location}
}

// sarifMessage writes text that means nothing but itself: no embedded link,
// which is "[text](target)", and no placeholder, which is a number in braces.
// See SARIF 2.1.0, sections 3.11.5 and 3.11.6. Readers differ in what they take
// for an escaped bracket, so a space parts the two halves of a link.
func sarifMessage(s string) string {
	return strings.NewReplacer("](", "] (", "{", "{{", "}", "}}").Replace(terminal.Escape(s))
}
