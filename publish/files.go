package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/clydepm/clyde/internal/archive"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/internal/packagefolder"
)

// Select returns the files of the package's archive, or with a platform those of
// its build: all files of the package, and the artifacts of that platform
// whether git ignores them or not. The error is an *archive.RefusedError, also
// when a platform has no artifacts.
func Select(root *os.Root, m *manifest.Manifest, platform string, limits archive.Limits) ([]archive.File, error) {
	files, err := archive.Select(root, packagefolder.PackOptions(m, limits))
	if err != nil || platform == "" {
		return files, err
	}
	pattern, ok := m.Artifacts[platform]
	if !ok {
		return nil, &Error{Kind: ErrUsage, Detail: fmt.Sprintf("%s has no artifacts for %s", manifest.Path, platform), Remedy: "write them under artifacts"}
	}
	opts := archive.PackOptions{
		Name: m.Name, Version: m.Version,
		Include: []string{pattern}, AllowSecrets: m.AllowSecrets, Limits: limits,
	}
	artifacts, err := archive.Select(root, opts)
	if err != nil {
		return nil, noArtifacts(err, platform, pattern)
	}
	artifacts = slices.DeleteFunc(artifacts, func(f archive.File) bool { return f.Path == archive.ManifestPath })
	if len(artifacts) == 0 {
		return nil, refuseArtifacts(platform, pattern)
	}
	return archive.Join(limits, files, artifacts)
}

// Pack writes the archive of the files to w until ctx is done.
func Pack(ctx context.Context, w io.Writer, root *os.Root, m *manifest.Manifest, files []archive.File, limits archive.Limits) (archive.Summary, error) {
	return packagefolder.PackFiles(ctx, w, root, m, files, limits)
}

// noArtifacts words the refusal of a selection that is empty.
func noArtifacts(err error, platform, pattern string) error {
	var refused *archive.RefusedError
	if !errors.As(err, &refused) || len(refused.Refusals) != 1 {
		return err
	}
	switch refused.Refusals[0].Rule {
	case archive.RuleEmpty, archive.RuleInclude:
		return refuseArtifacts(platform, pattern)
	}
	return err
}

func refuseArtifacts(platform, pattern string) error {
	return &archive.RefusedError{Refusals: []archive.Refusal{{
		Rule:   archive.RuleInclude,
		Detail: fmt.Sprintf("artifacts.%s: no file matches %q", platform, pattern),
		Hint:   "build the package for that platform first, or correct the pattern",
	}}}
}
