package client

// ShownSetting is a setting with its value and where that was written.
type ShownSetting struct {
	Key      string
	Value    any // as JSON has it
	Variable string
	Origin   Origin
}

// Settings lists all settings with one value, in the order of the documentation.
func (c *Config) Settings() []ShownSetting {
	var all []ShownSetting
	for _, s := range settings() {
		origin, set := c.origins[s.key]
		if !set {
			origin = Origin{Scope: ScopeDefault}
		}
		all = append(all, ShownSetting{Key: s.key, Value: s.show(c), Variable: s.variable, Origin: origin})
	}
	return all
}
