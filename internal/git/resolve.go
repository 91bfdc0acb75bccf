package git

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Resolve is the commit that a revision names: HEAD, a branch, a tag or a full
// reference, a full ID or the unique start of one, each followed by any number
// of ~N and ^N. References come before shortened IDs. The error is
// [ErrNotFound] when the revision names no commit.
func (r *Repo) Resolve(rev string) (Hash, error) {
	id, err := r.resolve(rev)
	if err != nil {
		return "", &Error{
			Op: "resolve", Name: strconv.Quote(rev), Kind: ErrNotFound, Err: err,
			Remedy: "name a branch, a tag or a commit of " + r.commonDir,
		}
	}
	return id, nil
}

func (r *Repo) resolve(rev string) (Hash, error) {
	base, suffix := rev, ""
	if i := strings.IndexAny(rev, "~^"); i >= 0 {
		base, suffix = rev[:i], rev[i:]
	}
	id, err := r.resolveBase(base)
	if err != nil {
		return "", err
	}
	if id, err = r.peel(id); err != nil {
		return "", err
	}
	return r.walk(id, suffix)
}

// resolveBase finds what a revision without suffixes names.
func (r *Repo) resolveBase(base string) (Hash, error) {
	if base == "" || strings.ContainsAny(base, "\x00\n ") {
		return "", errors.New("this is not a revision")
	}
	if base == "HEAD" || base == "@" {
		return r.resolveHead()
	}
	if validHash(base) {
		return base, nil
	}
	for _, format := range []string{"%s", "refs/%s", "refs/tags/%s", "refs/heads/%s", "refs/remotes/%s"} {
		ref := fmt.Sprintf(format, base)
		if checkRefName(ref) != nil {
			continue
		}
		if id, err := r.readRef(ref); err != nil || id != "" {
			return id, err
		}
	}
	return r.expand(base)
}

func (r *Repo) resolveHead() (Hash, error) {
	data, err := readSmall(filepath.Join(r.gitDir, "HEAD"))
	if err != nil {
		return "", err
	}
	value := strings.TrimSpace(string(data))
	target, symbolic := strings.CutPrefix(value, "ref:")
	if !symbolic {
		return value, nil
	}
	target = strings.TrimSpace(target)
	if err := checkRefName(target); err != nil {
		return "", err
	}
	id, err := r.readRef(target)
	if err == nil && id == "" {
		err = fmt.Errorf("HEAD is %s, which has no commit yet", target)
	}
	return id, err
}

// expand finds the one commit whose ID starts with short.
func (r *Repo) expand(short string) (Hash, error) {
	const minShort = 4 // as git
	prefix, err := hex.DecodeString(short[:len(short)&^1])
	if len(short) < minShort || len(short) > 40 || err != nil || strings.ToLower(short) != short {
		return "", errors.New("there is no such branch, tag or commit")
	}
	r.mu.Lock()
	ids, err := r.storage.HashesWithPrefix(prefix)
	r.mu.Unlock()
	if err != nil {
		return "", err
	}
	found := ""
	for _, candidate := range ids {
		id := candidate.String()
		if !strings.HasPrefix(id, short) || id == found {
			continue
		}
		if _, err := r.CommitInfo(id); err != nil {
			continue // an object of another type
		}
		if found != "" {
			return "", fmt.Errorf("the short ID is ambiguous: %s and %s", found, id)
		}
		found = id
	}
	if found == "" {
		return "", errors.New("there is no such branch, tag or commit")
	}
	return found, nil
}

// peel follows annotated tags to the commit.
func (r *Repo) peel(id Hash) (Hash, error) {
	for range maxTagDepth {
		data, err := r.readObject(id, plumbing.TagObject)
		if errors.Is(err, ErrNotFound) {
			_, err := r.CommitInfo(id)
			return id, err
		}
		if err != nil {
			return "", err
		}
		target, _, _ := strings.Cut(strings.TrimPrefix(string(data), "object "), "\n")
		if !validHash(target) {
			return "", fmt.Errorf("tag %s names no object", id)
		}
		id = target
	}
	return "", fmt.Errorf("tags are nested deeper than %d", maxTagDepth)
}

// maxTagDepth bounds tags of tags.
const maxTagDepth = 5

// walk applies ~N (N first parents up) and ^N (the Nth parent) to a commit.
func (r *Repo) walk(id Hash, suffix string) (Hash, error) {
	for suffix != "" {
		op := suffix[0]
		digits := len(suffix) - 1 - len(strings.TrimLeft(suffix[1:], "0123456789"))
		n := 1
		if digits > 0 {
			var err error
			if n, err = strconv.Atoi(suffix[1 : 1+digits]); err != nil {
				return "", fmt.Errorf("%q is too large a number", suffix[1:1+digits])
			}
		}
		if op != '~' && op != '^' {
			return "", fmt.Errorf("%q is neither ~N nor ^N", suffix)
		}
		suffix = suffix[1+digits:]
		var err error
		if op == '^' && n > 0 {
			id, err = r.parent(id, n)
		} else if op == '~' {
			for ; n > 0 && err == nil; n-- {
				id, err = r.parent(id, 1)
			}
		}
		if err != nil {
			return "", err
		}
	}
	return id, nil
}

// parent is the nth parent of a commit, counted from 1.
func (r *Repo) parent(id Hash, n int) (Hash, error) {
	info, err := r.CommitInfo(id)
	if err != nil {
		return "", err
	}
	if n > len(info.Parents) {
		return "", fmt.Errorf("commit %s has %d parents", id, len(info.Parents))
	}
	return info.Parents[n-1], nil
}
