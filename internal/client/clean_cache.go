package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// CleanCache adds to cleaned what the cache has of registries that neither this
// configuration nor a project of cleaned has, and all advisories, and removes
// it. What is known of the history of a registry that is in use stays: without
// it nobody would notice that the registry went back. Nor do locks go away:
// removing one would let two processes hold "the" lock at once.
func CleanCache(ctx context.Context, config *Config, cleaned *Cleaned) error {
	used, err := config.usedCopies(cleaned.Projects)
	if err != nil {
		return err
	}
	dir := filepath.Join(config.Cache, "registries")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		base, _, _ := strings.Cut(e.Name()[strings.LastIndexByte(e.Name(), '-')+1:], ".")
		if used[base] || strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		if err := cleaned.removeCached(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	advisories := filepath.Join(config.Cache, advisoriesName)
	if _, err := os.Lstat(advisories); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return cleaned.removeCached(advisories)
}

// usedCopies are the ends of the names that copies of registries have which
// this configuration, or that of a project, names.
func (c *Config) usedCopies(projects []string) (map[string]bool, error) {
	used := map[string]bool{}
	note := func(entries []RegistryConfig) {
		for _, r := range entries {
			used[copyDigest(r)] = true
		}
	}
	note(c.entries)
	for _, root := range projects {
		other := &Config{Places: c.Places, Project: root}
		if err := other.loadFiles(); err != nil {
			return nil, err
		}
		note(other.entries)
	}
	return used, nil
}

// copyDigest tells the copies of registries apart.
func copyDigest(r RegistryConfig) string {
	digest := sha256.Sum256([]byte(r.Key()))
	return hex.EncodeToString(digest[:6])
}

func (c *Cleaned) removeCached(name string) error {
	size, err := sizeOf(name)
	if err != nil {
		return err
	}
	c.Cache, c.Bytes = append(c.Cache, name), c.Bytes+size
	if c.DryRun {
		return nil
	}
	return removeTree(name)
}

// advisoriesName is the folder of the cache with data about vulnerabilities.
const advisoriesName = "advisories"
