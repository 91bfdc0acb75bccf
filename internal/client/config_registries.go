package client

import (
	"time"

	"github.com/clydepm/clyde/internal/strictyaml"
)

// Bounds of what an entry says about how a registry is asked.
const (
	minTTL      = time.Second
	maxTTL      = 30 * 24 * time.Hour
	maxFallback = 10
)

// FallbackConfig is a place that is asked for what a registry does not have.
type FallbackConfig struct {
	URL  string       // absolute when it is a path
	Kind RegistryKind // "" when not said
}

// parseFallback reads the member "fallback" of a registry: addresses, or
// addresses with their type.
func parseFallback(v strictyaml.Value, base string) (all []FallbackConfig) {
	items := v.List()
	if len(items) > maxFallback {
		v.Report("", "has %d entries; the limit is %d", len(items), maxFallback)
		return nil
	}
	for _, item := range items {
		var f FallbackConfig
		if item.IsMapping() {
			m := item.Mapping("url", "type")
			f.URL = addressOf(m.Require("url", "write url: URL or a path"), base)
			f.Kind = kindOf(m.Get("type"))
		} else {
			f.URL = addressOf(item, base)
		}
		all = append(all, f)
	}
	return all
}

// addressOf reads the address of a registry.
func addressOf(v strictyaml.Value, base string) string {
	if !v.Present() {
		return ""
	}
	text := v.Text()
	if text == "" {
		return ""
	}
	location, err := ParseLocation(text, base)
	if err != nil {
		v.Report(hintOf(err), "%v", err)
		return ""
	}
	return location.String()
}

// kindOf reads the kind of a registry.
func kindOf(v strictyaml.Value) RegistryKind {
	if !v.Present() {
		return ""
	}
	kind := RegistryKind(v.Text())
	if kind == "" {
		return ""
	}
	if err := checkKind(kind); err != nil {
		v.Report(hintOf(err), "%v", err)
	}
	return kind
}
