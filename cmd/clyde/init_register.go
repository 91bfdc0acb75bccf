package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/attest"
	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/manifest"
	"github.com/clydepm/clyde/publish"
)

// register prepares the registration of the package in a folder with an index:
// a pull request where a token may open one, and else the page on which a
// person does.
func (a *app) register(ctx context.Context, dir, address string) error {
	x, err := a.parseIndex(address, "")
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	m, err := publish.ReadManifest(root)
	if err != nil {
		return err
	}
	text, err := a.registration(ctx, dir, m)
	if err != nil {
		return err
	}
	auth, err := a.indexAuth(ctx, x.server, x.kind, (*credential.Finder).Asked)
	if err != nil {
		return err
	}
	if auth.Token == "" {
		return a.showRegistration(x, m.Name, text)
	}
	host, done, err := a.openForge(x, auth)
	if err != nil {
		return err
	}
	plan, err := publish.NewRegisterPlan(ctx, publish.RegisterOptions{
		Target: publish.Target{Forge: host, Author: a.namedAuthor(), Now: a.Now}, Name: m.Name, Source: text,
	})
	if err != nil {
		return errors.Join(err, done())
	}
	defer plan.Close()
	return errors.Join(a.carryOut(ctx, plan, false, "registered", "nothing was registered"), done())
}

// registration is the text of the file that names who will publish a package.
func (a *app) registration(ctx context.Context, dir string, m *manifest.Manifest) ([]byte, error) {
	repository := m.Repository
	if repository == "" {
		repository = originOf(dir)
	}
	name, here := strings.CutPrefix(strings.TrimSuffix(strings.TrimSuffix(repository, "/"), ".git"), a.gitHubServer()+"/")
	if !here || !ownerAndName(name) {
		return nil, withHint(exitUsage, fmt.Errorf("the repository of %s is %q, and not one at %s", m.Name, repository, a.gitHubServer()),
			"write it as 'repository' into "+manifest.Path)
	}
	client, err := a.gitHub(a.gitHubServer(), a.Getenv("GITHUB_TOKEN"))
	if err != nil {
		return nil, err
	}
	is, err := client.Identify(ctx, name)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "publishers:\n  - repository: %s\n    repository-id: %d\n    owner-id: %d\n", is.URL, is.ID, is.OwnerID)
	if a.gitHubServer() == "https://github.com" {
		fmt.Fprintf(&b, "    issuer: %s\n", attest.GitHubIssuer)
	}
	workflow, err := publishingWorkflow(dir)
	if err != nil {
		return nil, err
	}
	if workflow == "" {
		a.warnf("no workflow under .github/workflows uses clydepm/action-publish, so the registration names none")
	} else {
		fmt.Fprintf(&b, "    workflow: %s\n", workflow)
	}
	patterns, err := tagPatterns(dir, m.Name)
	if err != nil {
		return nil, err
	}
	if len(patterns) == 0 {
		a.warnf("no tag here stands for a version, so the registration names none")
	} else {
		fmt.Fprintf(&b, "    tags: [\"%s\"]\n", strings.Join(patterns, `", "`))
	}
	return []byte(b.String()), nil
}

var usesAction = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^\s*(?:-\s*)?uses:\s*["']?[\w.-]+/action-publish(?:@|/)`)
})

// publishingWorkflow is the one workflow of a repository that publishes, "" when
// there is none or it is not clear which.
func publishingWorkflow(dir string) (string, error) {
	found := ""
	for _, pattern := range []string{"*.yml", "*.yaml"} {
		files, err := filepath.Glob(filepath.Join(dir, ".github", "workflows", pattern))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			if !usesAction().Match(text) {
				continue
			}
			if found != "" {
				return "", nil
			}
			found = path.Join(".github", "workflows", filepath.Base(file))
		}
	}
	return found, nil
}

// tagPatterns are those by which tags of the repository in a folder stand for
// versions of a package.
func tagPatterns(dir, name string) ([]string, error) {
	repository, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags, err := repository.Tags()
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	err = tags.ForEach(func(ref *plumbing.Reference) error {
		for _, pattern := range attest.DefaultTags() {
			before, after, _ := strings.Cut(strings.ReplaceAll(pattern, "{name}", name), "{version}")
			version, starts := strings.CutPrefix(ref.Name().Short(), before)
			version, ends := strings.CutSuffix(version, after)
			if _, err := index.ParseVersion(version); err == nil && starts && ends {
				used[pattern] = true
			}
		}
		return nil
	})
	return slices.DeleteFunc(attest.DefaultTags(), func(p string) bool { return !used[p] }), err
}

// showRegistration prints the file, and where a person proposes it.
func (a *app) showRegistration(x address, name string, text []byte) error {
	file, err := index.SourcePath(name)
	if err != nil {
		return err
	}
	page := x.server + "/" + x.repository + "/new/HEAD?" + url.Values{"filename": {file}, "value": {string(text)}}.Encode()
	if a.json {
		return a.printJSON(map[string]string{"package": name, "file": file, "text": string(text), "page": page})
	}
	a.printf("%s\n\n%s\n", file, text)
	a.printf("propose it here:\n%s\n", page)
	a.notef("With a token (CLYDE_INDEX_TOKEN, or clyde auth login) the same command opens the pull request itself.")
	return nil
}
