package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clydepm/clyde/action"
	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/manifest"
)

// Words of the input prerelease.
const (
	prereleaseSkip    = "skip"
	prereleasePublish = "publish"
)

// actionInputs are the inputs of the action, but for binary, which
// action/install.sh reads.
type actionInputs struct {
	token, index, indexToken string
	signKey, signKeyPassword string // a key in PEM or the URI of one; "" to sign as the job
	folder                   string // of the package, slash-separated, from the top of the checkout
	tag                      string // "" when the event says it
	artifacts                map[string]string
	prerelease               string
	dryRun                   bool
}

// readInputs reads and checks all inputs, and masks the secret ones.
func readInputs(r *action.Runner) (actionInputs, error) {
	var in actionInputs
	var problems []error
	line := func(name string) string {
		value, err := r.LineInput(name)
		problems = append(problems, err)
		return value
	}
	in.token, in.indexToken = line("token"), line("index-token")
	r.Mask(in.token)
	r.Mask(in.indexToken)
	problems = append(problems, in.readKey(r))
	in.index, in.tag = line("index"), line("tag")
	var err error
	in.folder, err = packageFolder(line("manifest"))
	problems = append(problems, err)
	if in.tag != "" {
		problems = append(problems, action.CheckTag(in.tag))
	}
	in.prerelease, err = r.ChoiceInput("prerelease", prereleaseSkip, prereleasePublish)
	problems = append(problems, err)
	in.dryRun, err = r.BoolInput("dry-run")
	problems = append(problems, err)
	artifacts, err := r.Input("artifacts")
	problems = append(problems, err)
	in.artifacts, err = parseArtifacts(artifacts)
	problems = append(problems, err)
	if in.token == "" {
		problems = append(problems, &action.Error{Detail: "the input token is empty", Remedy: "write token: ${{ github.token }}, or leave it out"})
	}
	if in.indexToken != "" && in.index == "" {
		problems = append(problems, &action.Error{Detail: "there is an index-token but no index", Remedy: "write index: OWNER/REPO"})
	}
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	if len(problems) > 0 {
		return in, inputErrors(problems)
	}
	return in, nil
}

// readKey reads the key that signs, and masks it line by line.
func (in *actionInputs) readKey(r *action.Runner) error {
	key, err := r.Input("sign-key")
	password, err2 := r.Input("sign-key-password")
	in.signKey, in.signKeyPassword = key, password
	if !isKeyURI(key) {
		r.Mask(key)
	}
	r.Mask(password)
	switch {
	case err != nil || err2 != nil:
		return errors.Join(err, err2)
	case key != "" && !isKeyURI(key) && !strings.HasPrefix(key, "-----BEGIN "):
		return &action.Error{
			Detail: "the input sign-key is neither a key in PEM nor the URI of one",
			Remedy: "write sign-key: ${{ secrets.SIGN_KEY }} with all lines of the file that 'clyde key generate' made, or NAME://KEY of a key management service",
		}
	case key != "" && attest.IsEncrypted([]byte(key)) && password == "":
		return &action.Error{Detail: "the input sign-key is encrypted", Remedy: "write sign-key-password: ${{ secrets.SIGN_KEY_PASSWORD }}"}
	}
	return nil
}

// inputErrors are all that is wrong with the inputs. It is never empty.
type inputErrors []error

func (e inputErrors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Hint is the remedy of the first that has one.
func (e inputErrors) Hint() string {
	for _, err := range e {
		if hint := remedyOf(err); hint != "" {
			return hint
		}
	}
	return ""
}

// remedyOf is the hint of an error, or "".
func remedyOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// packageFolder is the folder that a manifest describes.
func packageFolder(file string) (string, error) {
	if file == "" {
		return ".", nil
	}
	clean := path.Clean(filepath.ToSlash(file))
	folder, ok := strings.CutSuffix("/"+clean, "/"+manifest.Path)
	if !ok || !filepath.IsLocal(clean) {
		return "", &action.Error{
			Detail: fmt.Sprintf("the input manifest is %q", file),
			Remedy: "write the path from the top of the repository, such as packages/hello/" + manifest.Path,
		}
	}
	return path.Clean("./" + folder), nil
}

// parseArtifacts reads "PLATFORM: PATH" lines.
func parseArtifacts(text string) (map[string]string, error) {
	artifacts := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		platform, pattern, ok := strings.Cut(line, ":")
		platform, pattern = strings.TrimSpace(platform), strings.TrimSpace(pattern)
		p, err := index.ParsePlatform(platform)
		_, twice := artifacts[platform]
		if !ok || err != nil || p == (index.Platform{}) || twice || pattern == "" || !filepath.IsLocal(filepath.FromSlash(pattern)) {
			return nil, &action.Error{
				Detail: fmt.Sprintf("the input artifacts has the line %q", line),
				Remedy: "write one line for each platform, such as linux-x86_64: dist/linux/**",
			}
		}
		artifacts[platform] = pattern
	}
	return artifacts, nil
}
