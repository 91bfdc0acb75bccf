package registrytest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// initRepository makes an empty bare repository, or one that shares the objects
// of another. It writes the files itself, since a test makes hundreds of forges
// and a process for each would be most of what the test does.
func initRepository(dir, branch, objects string) (*filesystem.Storage, error) {
	for _, folder := range []string{"refs/heads", "refs/tags", "info"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return nil, err
		}
	}
	shared := os.Mkdir(filepath.Join(dir, "objects"), 0o755)
	if objects != "" {
		shared = errors.Join(os.Remove(filepath.Join(dir, "objects")), os.Symlink(objects, filepath.Join(dir, "objects")))
	}
	// What is pushed stays in loose objects, which are found without an index.
	const config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[http]\n\treceivepack = true\n[receive]\n\tunpackLimit = 100000\n"
	err := errors.Join(shared,
		os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/"+branch+"\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o644))
	return filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(cache.MiByte)), err
}

// copyRepository copies the objects and references of a repository.
func copyRepository(from, to string) error {
	for _, part := range []string{"objects", "refs"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(from, part))); err != nil {
			return err
		}
	}
	packed, err := os.ReadFile(filepath.Join(from, "packed-refs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.WriteFile(filepath.Join(to, "packed-refs"), packed, 0o644))
}

// resolve is the object of a revision, or "": an ID or reference, with
// "^{commit}", "^{tree}" or "^{blob}", or with ":" and a path.
func (r *repository) resolve(rev string) string {
	base, path, below := strings.Cut(rev, ":")
	base, kind, typed := strings.Cut(base, "^{")
	id, ok := r.find(base)
	if !ok {
		return ""
	}
	var err error
	switch {
	case below:
		id, err = r.at(id, path)
	case typed:
		id, err = r.peel(id, strings.TrimSuffix(kind, "}"))
	}
	if err != nil {
		return ""
	}
	return id.String()
}

// find is what an ID, a reference or the name of a branch or tag stands for.
func (r *repository) find(base string) (plumbing.Hash, bool) {
	for _, name := range []string{base, "refs/heads/" + base, "refs/tags/" + base} {
		if !strings.HasPrefix(name, "refs/") {
			continue
		}
		// Most are in files of their own, which are read hundreds of times.
		if data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name))); err == nil && isSHA(strings.TrimSpace(string(data))) {
			return plumbing.NewHash(strings.TrimSpace(string(data))), true
		}
		if ref, err := r.refs.Reference(plumbing.ReferenceName(name)); err == nil {
			return ref.Hash(), true
		}
	}
	return plumbing.NewHash(base), isSHA(base)
}

// peel follows tags to commits, and a commit to its tree.
func (r *repository) peel(id plumbing.Hash, kind string) (plumbing.Hash, error) {
	o, err := r.objects.EncodedObject(plumbing.AnyObject, id)
	if err != nil {
		return id, err
	}
	switch {
	case o.Type().String() == kind:
		return id, nil
	case o.Type() == plumbing.TagObject:
		tag, err := object.GetTag(r.objects, id)
		if err != nil {
			return id, err
		}
		return r.peel(tag.Target, kind)
	case o.Type() == plumbing.CommitObject && kind == "tree":
		commit, err := object.GetCommit(r.objects, id)
		if err != nil {
			return id, err
		}
		return commit.TreeHash, nil
	}
	return id, fmt.Errorf("%s is a %s and no %s", id, o.Type(), kind)
}

// at is the object at a path below a commit or tree.
func (r *repository) at(id plumbing.Hash, path string) (plumbing.Hash, error) {
	id, err := r.peel(id, "tree")
	if err != nil {
		return id, err
	}
	tree, err := object.GetTree(r.objects, id)
	if err != nil {
		return id, err
	}
	entry, err := tree.FindEntry(path)
	if err != nil {
		return id, err
	}
	return entry.Hash, nil
}

// read is the content of a revision that is a blob.
func (r *repository) read(rev string) ([]byte, error) {
	r.objects.Reindex() // somebody else may have written a pack
	blob, err := object.GetBlob(r.objects, plumbing.NewHash(r.resolve(rev)))
	if err != nil {
		return nil, err
	}
	content, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// treeEntry is one of what the API shows of a tree.
type treeEntry struct {
	path, mode, kind, sha string
	size                  int64 // of a blob
}

// list is the entries of a tree, and of all trees below it.
func (r *repository) list(sha string, recursive bool) ([]treeEntry, error) {
	tree, err := object.GetTree(r.objects, plumbing.NewHash(r.resolve(sha+"^{tree}")))
	if err != nil {
		return nil, err
	}
	walker := object.NewTreeWalker(tree, recursive, nil)
	defer walker.Close()
	var entries []treeEntry
	for {
		name, e, err := walker.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		listed := treeEntry{path: name, mode: strings.TrimPrefix(e.Mode.String(), "0"), kind: "blob", sha: e.Hash.String()}
		switch e.Mode {
		case filemode.Dir:
			listed.kind = "tree"
		case filemode.Submodule:
			listed.kind = "commit"
		default:
			if listed.size, err = r.objects.EncodedObjectSize(e.Hash); err != nil {
				return nil, err
			}
		}
		entries = append(entries, listed)
	}
}

// Commit returns what a commit says and every file it has, for comparisons.
func (f *Forge) Commit(name, id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	commit, err := object.GetCommit(repo.objects, plumbing.NewHash(id))
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%s on %v\n%s", commit.Author.String(), commit.ParentHashes, commit.Message)
	entries, err := repo.list(id, true)
	if err != nil {
		return err.Error()
	}
	for _, e := range entries {
		text += e.mode + " " + e.path + "\n"
		if data, err := repo.read(e.sha); err == nil && e.kind == "blob" {
			text += string(data)
		}
	}
	return text
}

// write stores an object.
func (r *repository) write(encode func(plumbing.EncodedObject) error) (plumbing.Hash, error) {
	o := r.objects.NewEncodedObject()
	if err := encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return r.objects.SetEncodedObject(o)
}

func (r *repository) writeBlob(content string) (plumbing.Hash, error) {
	return r.write(func(o plumbing.EncodedObject) error {
		o.SetType(plumbing.BlobObject)
		w, err := o.Writer()
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, content)
		return errors.Join(err, w.Close())
	})
}

// writeTree writes a tree with files on top of a base, "" for none.
func (r *repository) writeTree(base string, files map[string]string) (string, error) {
	var entries []object.TreeEntry
	if base != "" {
		tree, err := object.GetTree(r.objects, plumbing.NewHash(r.resolve(base+"^{tree}")))
		if err != nil {
			return "", err
		}
		entries = slices.Clone(tree.Entries)
	}
	below := map[string]map[string]string{}
	for path, content := range files {
		name, rest, nested := strings.Cut(path, "/")
		if name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") {
			return "", fmt.Errorf("%s is no path", path)
		}
		if nested {
			if below[name] == nil {
				below[name] = map[string]string{}
			}
			below[name][rest] = content
			continue
		}
		id, err := r.writeBlob(content)
		if err != nil {
			return "", err
		}
		entries = setEntry(entries, object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: id})
	}
	for name, inside := range below {
		sub := ""
		if i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name && e.Mode == filemode.Dir }); i >= 0 {
			sub = entries[i].Hash.String()
		}
		id, err := r.writeTree(sub, inside)
		if err != nil {
			return "", err
		}
		entries = setEntry(entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: plumbing.NewHash(id)})
	}
	slices.SortFunc(entries, func(a, b object.TreeEntry) int { return strings.Compare(sortName(a), sortName(b)) })
	id, err := r.write((&object.Tree{Entries: entries}).Encode)
	return id.String(), err
}

func setEntry(entries []object.TreeEntry, e object.TreeEntry) []object.TreeEntry {
	entries = slices.DeleteFunc(entries, func(have object.TreeEntry) bool { return have.Name == e.Name })
	return append(entries, e)
}

// sortName is what git sorts the entries of a tree by.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

// forgeTime is when everything happens that has no time of its own.
func forgeTime() time.Time { return time.Unix(1767323045, 0).UTC() }

// commit writes a commit; nobody is the forge itself.
func (r *repository) commit(tree, message string, author object.Signature, parents ...string) (string, error) {
	committer := object.Signature{Name: "Forge", Email: "forge@example.org", When: forgeTime()}
	if author.Name == "" {
		author = committer
	}
	c := &object.Commit{TreeHash: plumbing.NewHash(tree), Message: message, Author: author, Committer: committer}
	for _, p := range parents {
		c.ParentHashes = append(c.ParentHashes, plumbing.NewHash(p))
	}
	id, err := r.write(c.Encode)
	return id.String(), err
}

// isAncestor reports whether one commit is another, or before it.
func (r *repository) isAncestor(older, newer string) bool {
	a, err := object.GetCommit(r.objects, plumbing.NewHash(older))
	if err != nil {
		return false
	}
	b, err := object.GetCommit(r.objects, plumbing.NewHash(newer))
	if err != nil {
		return false
	}
	is, err := a.IsAncestor(b)
	return err == nil && is
}

// setRef moves a reference.
func (r *repository) setRef(name, sha string) error {
	ref := plumbing.NewHashReference(plumbing.ReferenceName(name), plumbing.NewHash(sha))
	if err := ref.Name().Validate(); err != nil {
		return err
	}
	return r.refs.SetReference(ref)
}
