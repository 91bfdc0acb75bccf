package registry

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/clydepm/clyde/index"
	"github.com/clydepm/clyde/internal/git"
)

// Branch is the branch of an index that this package makes.
const Branch = "main"

// archiveTemplate is the part of Cargo's "dl" template that stands for an
// archive in a store: its digest and its name.
const archiveTemplate = "/{sha256-checksum}/{crate}-{version}.tar.gz"

// InitOptions describe a new index.
type InitOptions struct {
	Name    string // of the registry
	DLBase  string // URL under which the archives are served
	GitHub  bool   // with workflows that judge, merge and harvest at GitHub
	Gitea   bool   // the same for Gitea and Forgejo
	Version string // of clyde that the workflows run; "" is the latest
	When    time.Time
	Author  string
	Email   string

	branch string // Branch unless the remote has another default
}

// Initialized is the outcome of making an index.
type Initialized struct {
	Name   string   `json:"name"`
	Commit string   `json:"commit"`
	DL     string   `json:"dl"`
	Files  []string `json:"files"`
	Exists bool     `json:"exists"` // it was there already, and nothing was done
}

// InitError reports options or a place that an index cannot be made with.
type InitError struct {
	Detail, Remedy string
}

func (e *InitError) Error() string { return e.Detail }

// Hint says what to do instead.
func (e *InitError) Hint() string { return e.Remedy }

// registryName is what a registry may be called: it becomes an alias in the
// configuration of its users.
var registryName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`) })

// NameFrom derives the name of a registry from the address of its repository:
// "packages" of "git@example.org:team/packages.git".
func NameFrom(address string) string {
	base := strings.TrimSuffix(path.Base(strings.TrimRight(filepath.ToSlash(address), "/")), ".git")
	if i := strings.LastIndexByte(base, ':'); i >= 0 {
		base = base[i+1:]
	}
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, base), "-")
	return name
}

// FileBase is the file:// URL of a folder of archives.
func FileBase(dir string) string {
	p := filepath.ToSlash(dir)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// Files are the files of a new index, by path.
func (o InitOptions) Files() (map[string][]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	config := &index.Config{
		DL:    strings.TrimSuffix(o.DLBase, "/") + archiveTemplate,
		Clyde: index.ClydeConfig{Format: index.MaxConfigFormat, Name: o.Name},
	}
	files := map[string][]byte{index.ConfigPath: config.Format()}
	for name, source := range o.templates() {
		text, err := o.render(source)
		if err != nil {
			return nil, err
		}
		files[name] = text
	}
	return files, nil
}

func (o InitOptions) check() error {
	if !registryName().MatchString(o.Name) {
		return &InitError{
			fmt.Sprintf("%q cannot be the name of a registry", o.Name),
			"use up to 64 lower-case letters, digits and \"-\", and give it with --name",
		}
	}
	u, err := url.Parse(o.DLBase)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(o.DLBase, "{}") ||
		(u.Scheme != "https" && u.Scheme != "http" || u.Host == "") && (u.Scheme != "file" || u.Path == "") {
		return &InitError{fmt.Sprintf("%q is no base for the URLs of archives", o.DLBase), "give an absolute URL, such as https://packages.example.org/archives"}
	}
	return nil
}

// templates are the files of an index and where their text comes from.
func (o InitOptions) templates() map[string]string {
	files := map[string]string{
		index.PolicyPath:   "policy.yaml",
		"README.md":        "README.md.tmpl",
		"owners/README.md": "owners.md.tmpl",
		".gitattributes":   "gitattributes",
	}
	for _, host := range o.hosts() {
		for _, workflow := range []string{"validate.yml", "merge.yml", "harvest.yml", "audit.yml", "check.yml", "sign.yml"} {
			files["."+host+"/workflows/"+workflow] = host + "/" + workflow
		}
		if host == "github" {
			files[".github/workflows/export.yml"] = "github/export.yml"
		}
		files["."+host+"/ISSUE_TEMPLATE/register.yml"] = "register.yml"
		files["."+host+"/PULL_REQUEST_TEMPLATE.md"] = "pull_request_template.md"
		files["CODEOWNERS"] = "codeowners.tmpl"
	}
	return files
}

// hosts are those that the index gets workflows for.
func (o InitOptions) hosts() []string {
	var hosts []string
	if o.GitHub {
		hosts = append(hosts, "github")
	}
	if o.Gitea {
		hosts = append(hosts, "gitea")
	}
	return hosts
}

//go:embed template
var templateFiles embed.FS

// render fills in a template. Its markers are [[ and ]], since the workflows
// have braces of their own.
func (o InitOptions) render(name string) ([]byte, error) {
	text, err := fs.ReadFile(templateFiles, "template/"+name)
	if err != nil {
		return nil, err
	}
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	version := o.Version
	if version == "" {
		version = "latest"
	}
	var buf bytes.Buffer
	err = t.Execute(&buf, map[string]string{
		"Name": o.Name, "DLBase": o.DLBase, "Branch": cmp.Or(o.branch, Branch), "Version": version,
		"ArchiveTemplate": archiveTemplate, "Hosts": strings.Join(o.hosts(), " "),
	})
	return buf.Bytes(), err
}

// InitDir makes a bare repository at dir with the first commit of an index. A
// folder that holds an index of that name already is left as it is, which is
// no error; one that holds anything else is [git.ErrExists].
func InitDir(dir string, o InitOptions) (*Initialized, error) {
	files, err := o.Files()
	if err != nil {
		return nil, err
	}
	if done, err := existing(dir, o); done != nil || err != nil {
		return done, err
	}
	repo, err := git.InitBare(dir, Branch)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	commit, err := o.firstCommit(repo, files)
	if err != nil {
		return nil, err
	}
	return o.initialized(commit, files), nil
}

// existing recognizes an index that was made before.
func existing(dir string, o InitOptions) (*Initialized, error) {
	repo, err := git.Open(dir)
	if errors.Is(err, git.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	commit, err := repo.Resolve("HEAD")
	if err != nil {
		return nil, nil // a repository without a commit; InitBare says what is in the way
	}
	tree, err := repo.Tree(commit)
	if err != nil {
		return nil, err
	}
	return recognize(tree, commit, dir, o)
}

func recognize(tree fs.FS, commit, address string, o InitOptions) (*Initialized, error) {
	data, err := fs.ReadFile(tree, index.ConfigPath)
	if err != nil {
		return nil, &git.Error{
			Op: "create an index at", Name: git.Redact(address), Kind: git.ErrExists,
			Err: errors.New("there is a repository already, and it is no index"), Remedy: "name another place",
		}
	}
	config, err := index.ParseConfig(data)
	if err != nil {
		return nil, err
	}
	if config.Clyde.Name != o.Name {
		return nil, &git.Error{
			Op: "create an index at", Name: git.Redact(address), Kind: git.ErrExists,
			Err: fmt.Errorf("there is an index already, with the name %q and not %q", config.Clyde.Name, o.Name), Remedy: "name another place",
		}
	}
	return &Initialized{Name: config.Clyde.Name, Commit: commit, DL: config.DL, Files: []string{}, Exists: true}, nil
}

func (o InitOptions) firstCommit(repo *git.Repo, files map[string][]byte) (string, error) {
	commit, err := repo.WriteCommit(git.Commit{
		Files: files, Message: "Start the index " + o.Name, Name: o.Author, Email: o.Email, When: o.When,
	})
	if err != nil {
		return "", err
	}
	return commit, repo.CompareAndSwap("refs/heads/"+Branch, "", commit)
}

func (o InitOptions) initialized(commit string, files map[string][]byte) *Initialized {
	return &Initialized{
		Name: o.Name, Commit: commit, Files: sortedKeys(files),
		DL: strings.TrimSuffix(o.DLBase, "/") + archiveTemplate,
	}
}

// InitRemote pushes the first commit of an index to an empty remote
// repository. temp is a folder for the work, which the caller removes. A remote
// that holds an index of that name already is left as it is, which is no error;
// one that holds anything else is [git.ErrExists].
func InitRemote(ctx context.Context, address, temp string, o InitOptions) (*Initialized, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	remote, err := git.ListRemote(ctx, address)
	if err != nil {
		return nil, err
	}
	if len(remote.Refs) > 0 {
		return existingRemote(ctx, address, temp, o)
	}
	o.branch = strings.TrimPrefix(remote.Head, "refs/heads/")
	files, err := o.Files()
	if err != nil {
		return nil, err
	}
	repo, err := git.InitBare(filepath.Join(temp, "first.git"), Branch)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	commit, err := o.firstCommit(repo, files)
	if err != nil {
		return nil, err
	}
	if err := repo.Push(ctx, address, "refs/heads/"+cmp.Or(o.branch, Branch), "", commit); err != nil {
		return nil, err
	}
	return o.initialized(commit, files), nil
}

func existingRemote(ctx context.Context, address, temp string, o InitOptions) (*Initialized, error) {
	repo, err := git.Clone(ctx, filepath.Join(temp, "there.git"), git.FetchOptions{URL: address, Depth: 1})
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	commit, err := repo.Resolve("HEAD")
	if err != nil {
		return nil, err
	}
	tree, err := repo.Tree(commit)
	if err != nil {
		return nil, err
	}
	return recognize(tree, commit, address, o)
}
