// Package sbom writes a bill of materials: what a project, or a version of a
// package, is made of, in the CycloneDX format, version 1.6, as JSON.
//
// Equal bills give equal bytes: components and dependencies are sorted, the
// serial number is a digest of the rest, and there is no time in it unless one
// is given.
//
// A component is named by its purl, pkg:clyde/NAME@VERSION, with the address of
// its registry as repository_url when that is no path of this machine. Addresses
// on this machine (file://, paths) are left out of bills, which are for others.
package sbom

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/package-url/packageurl-go"
)

// Scope says what a component is there for.
type Scope string

// The scopes, in the terms of CycloneDX.
const (
	Required Scope = "required"
	Optional Scope = "optional"
	Excluded Scope = "excluded" // for development only: not in what is shipped
)

// ID tells components of a bill apart.
type ID struct{ Name, Version string }

// Component is a version of a package.
type Component struct {
	ID
	Registry    string // its address
	Cksum       string // SHA-256 of the archive
	Download    string
	License     string // an SPDX expression
	Description string
	Homepage    string
	Repository  string
	Commit      string
	Scope       Scope
	Needs       []ID
}

// Bill is what something is made of.
type Bill struct {
	Root       Component // a project has no registry and no checksum
	Components []Component
	Tool       string    // version of the program that writes it
	Time       time.Time // zero: none is written
}

// JSON writes the bill.
func (b *Bill) JSON() ([]byte, error) {
	bom := cdx.NewBOM()
	root := b.Root.component()
	root.Type, root.Scope = cdx.ComponentTypeApplication, ""
	if b.Root.Registry != "" {
		root.Type = cdx.ComponentTypeLibrary
	}
	bom.Metadata = &cdx.Metadata{
		Component: &root,
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "clyde", Version: b.Tool}}},
	}
	if !b.Time.IsZero() {
		bom.Metadata.Timestamp = b.Time.UTC().Format(time.RFC3339)
	}
	sorted := slices.Clone(b.Components)
	slices.SortFunc(sorted, func(x, y Component) int { return compareIDs(x.ID, y.ID) })
	refs := map[ID]string{b.Root.ID: root.BOMRef}
	components := []cdx.Component{}
	for _, c := range sorted {
		component := c.component()
		refs[c.ID] = component.BOMRef
		components = append(components, component)
	}
	dependencies := []cdx.Dependency{b.Root.dependency(refs)}
	for _, c := range sorted {
		dependencies = append(dependencies, c.dependency(refs))
	}
	bom.Components, bom.Dependencies = &components, &dependencies
	content, err := encode(bom)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	bom.SerialNumber = serial(sum)
	return encode(bom)
}

func compareIDs(a, b ID) int {
	return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Version, b.Version))
}

func encode(bom *cdx.BOM) ([]byte, error) {
	var b bytes.Buffer
	err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
	return b.Bytes(), err
}

// serial is a UUID of the form for values of one's own making (RFC 9562,
// version 8).
func serial(sum [32]byte) string {
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (c Component) component() cdx.Component {
	scope, name, scoped := strings.Cut(c.Name, "/")
	if !scoped {
		scope, name = "", c.Name
	}
	purl := packageurl.NewPackageURL("clyde", scope, name, c.Version, c.qualifiers(), "").ToString()
	out := cdx.Component{
		BOMRef: purl, Type: cdx.ComponentTypeLibrary, Group: scope, Name: name, Version: c.Version,
		Description: c.Description, Scope: cdx.Scope(c.Scope), PackageURL: purl,
	}
	if c.Registry == "" {
		out.PackageURL = "" // a project is in no registry
	}
	if c.Cksum != "" {
		out.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: c.Cksum}}
	}
	if c.License != "" {
		out.Licenses = &cdx.Licenses{{Expression: c.License}}
	}
	references := []cdx.ExternalReference{}
	for _, r := range []cdx.ExternalReference{
		{Type: cdx.ERTypeDistribution, URL: c.Download},
		{Type: cdx.ERTypeVCS, URL: c.Repository, Comment: c.Commit},
		{Type: cdx.ERTypeWebsite, URL: c.Homepage},
	} {
		if isPublic(r.URL) {
			references = append(references, r)
		}
	}
	if len(references) > 0 {
		out.ExternalReferences = &references
	}
	return out
}

func (c Component) qualifiers() packageurl.Qualifiers {
	if !isPublic(c.Registry) {
		return nil
	}
	return packageurl.QualifiersFromMap(map[string]string{"repository_url": c.Registry})
}

// isPublic reports whether an address means something on other machines.
func isPublic(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return ok && scheme != "file"
}

func (c Component) dependency(refs map[ID]string) cdx.Dependency {
	needs := []string{}
	for _, id := range c.Needs {
		if ref, ok := refs[id]; ok {
			needs = append(needs, ref)
		}
	}
	slices.Sort(needs)
	needs = slices.Compact(needs)
	return cdx.Dependency{Ref: refs[c.ID], Dependencies: &needs}
}
