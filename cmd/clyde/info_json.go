package main

import (
	"maps"
	"slices"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/client"
)

// infoJSON is the --json output of "clyde info".
type infoJSON struct {
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Registry     registryRefJSON     `json:"registry"`
	Description  string              `json:"description,omitempty"`
	License      string              `json:"license,omitempty"`
	Homepage     string              `json:"homepage,omitempty"`
	Repository   string              `json:"repository,omitempty"`
	Authors      []string            `json:"authors,omitempty"`
	Keywords     []string            `json:"keywords,omitempty"`
	Platforms    []string            `json:"platforms,omitempty"`
	Published    string              `json:"published,omitempty"`
	Links        string              `json:"links,omitempty"`
	External     []string            `json:"external,omitempty"`
	Hooks        []hookJSON          `json:"hooks,omitempty"`
	Archive      string              `json:"archive,omitempty"`
	SHA256       string              `json:"sha256"`
	Size         int64               `json:"size,omitempty"`
	Yanked       bool                `json:"yanked"`
	Retired      *retiredJSON        `json:"retired,omitempty"`
	Source       *sourceJSON         `json:"source,omitempty"`
	Builds       []buildJSON         `json:"builds,omitempty"`
	Features     map[string][]string `json:"features,omitempty"`
	Dependencies []dependencyJSON    `json:"dependencies"`
	Versions     []versionJSON       `json:"versions"`
	Skipped      int                 `json:"skipped,omitempty"`
}

type registryRefJSON struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Commit string `json:"commit,omitempty"`
}

type retiredJSON struct {
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	Since   string `json:"since,omitempty"`
}

type sourceJSON struct {
	Repository string `json:"repository"`
	Ref        string `json:"ref,omitempty"`
	Commit     string `json:"commit,omitempty"`
}

type buildJSON struct {
	Platform string `json:"platform"`
	Archive  string `json:"archive,omitempty"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size,omitempty"`
}

type hookJSON struct {
	Phase     string   `json:"phase"`
	Run       []string `json:"run"`
	Timeout   int64    `json:"timeout,omitempty"` // seconds
	Platforms []string `json:"platforms,omitempty"`
}

type dependencyJSON struct {
	Name            string   `json:"name"`
	Requirement     string   `json:"requirement"`
	Kind            string   `json:"kind"`
	Package         string   `json:"package,omitempty"`
	Registry        string   `json:"registry,omitempty"`
	Target          string   `json:"target,omitempty"`
	Features        []string `json:"features,omitempty"`
	DefaultFeatures bool     `json:"default_features"`
	Optional        bool     `json:"optional"`
}

type versionJSON struct {
	Version   string       `json:"version"`
	Published string       `json:"published,omitempty"`
	Yanked    bool         `json:"yanked"`
	Retired   *retiredJSON `json:"retired,omitempty"`
}

func newInfoJSON(info *client.Info) infoJSON {
	e := info.Entry
	out := infoJSON{
		Name: e.Name, Version: e.Vers, Description: e.Description, License: e.License, Homepage: e.Homepage,
		Repository: e.Repository, Authors: e.Authors, Keywords: e.Keywords, Platforms: e.Platforms, Published: e.Pubtime,
		Links: e.Links, External: e.External, Archive: info.URL, SHA256: e.Cksum, Size: e.Size, Yanked: e.Yanked,
		Retired: newRetiredJSON(e), Features: e.AllFeatures(), Skipped: info.Skipped,
		Registry:     registryRefJSON{Name: info.Registry.Name, URL: info.Registry.URL, Commit: info.Commit},
		Dependencies: []dependencyJSON{}, Versions: []versionJSON{},
	}
	if e.Source != nil {
		out.Source = &sourceJSON{Repository: e.Source.Repository, Ref: e.Source.Ref, Commit: e.Source.Commit}
	}
	for _, b := range e.Builds {
		out.Builds = append(out.Builds, buildJSON{Platform: b.Platform, Archive: b.DL, SHA256: b.Cksum, Size: b.Size})
	}
	for _, h := range e.Hooks {
		out.Hooks = append(out.Hooks, hookJSON{Phase: h.Phase, Run: h.Run, Timeout: h.Timeout, Platforms: h.Platforms})
	}
	for _, d := range e.Deps {
		out.Dependencies = append(out.Dependencies, dependencyJSON{
			Name: d.Name, Requirement: d.Req, Kind: d.Kind, Package: d.Package, Registry: d.Registry, Target: d.Target,
			Features: d.Features, DefaultFeatures: d.DefaultFeatures, Optional: d.Optional,
		})
	}
	for _, v := range info.Versions {
		out.Versions = append(out.Versions, versionJSON{Version: v.Vers, Published: v.Pubtime, Yanked: v.Yanked, Retired: newRetiredJSON(v)})
	}
	return out
}

func newRetiredJSON(e *index.Entry) *retiredJSON {
	if e.Retired == nil {
		return nil
	}
	return &retiredJSON{Reason: e.Retired.Reason, Message: e.Retired.Message, Since: e.Retired.Since}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
