package review

import (
	"regexp"
	"sync"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// ContentPolicy says what of a version's content needs a person, the key
// "content":
//
//	content:
//	  size-growth: 4    # how many times as large as before an archive may be
//	  registries:       # other indexes that packages may depend on, by alias
//	    corp: https://git.example.org/corp/index
type ContentPolicy struct {
	SizeGrowth int
	Registries map[string]string // addresses by alias
}

// indexAddress is what the address of an index may be, as in a line.
var indexAddress = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^((sparse\+)?https://[^/@]|ssh://[^/]|file:///?[^/])`)
})

// Bounds of size-growth.
const (
	defaultGrowth = 4
	maxGrowth     = 1000
)

func (p *ContentPolicy) parse(v strictyaml.Value) {
	content := v.Mapping("size-growth", "registries")
	p.SizeGrowth = content.Get("size-growth").Int(1, maxGrowth, p.SizeGrowth)
	for _, e := range content.Get("registries").Entries() {
		address := e.Value.Text()
		if address == "" {
			continue
		}
		if !indexAddress().MatchString(address) {
			e.Value.Report("write https://HOST/PATH", "%q is not the URL of an index", address)
			continue
		}
		if p.Registries == nil {
			p.Registries = map[string]string{}
		}
		p.Registries[e.Name] = address
	}
}

// declares reports whether an address is that of a declared index.
func (p *ContentPolicy) declares(address string) bool {
	for _, declared := range p.Registries {
		if sameRepository(declared, address) {
			return true
		}
	}
	return false
}
