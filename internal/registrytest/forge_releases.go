package registrytest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
)

// release is one of a repository, with its assets.
type release struct {
	id        int
	tag       string
	draft     bool
	immutable bool
	assets    []*asset
}

type asset struct {
	id      int
	name    string
	kind    string
	data    []byte
	partial bool // an upload that broke off: GitHub's state "starter"
}

// releaseRoutes are those of releases and their assets.
func (f *Forge) releaseRoutes(mux *http.ServeMux) {
	const repo = "/api/v3/repos/{owner}/{repo}/releases"
	for pattern, h := range map[string]handler{
		"GET " + repo:                                                 listReleases,
		"GET " + repo + "/tags/{tag...}":                              getReleaseByTag,
		"GET " + repo + "/{id}":                                       getRelease,
		"PATCH " + repo + "/{id}":                                     editRelease,
		"GET " + repo + "/assets/{id}":                                getAsset,
		"DELETE " + repo + "/assets/{id}":                             deleteAsset,
		"POST /api/uploads/repos/{owner}/{repo}/releases/{id}/assets": uploadAsset,
		"GET /{owner}/{repo}/releases/download/{tag}/{name}":          downloadAsset,
	} {
		mux.HandleFunc(pattern, f.api(h))
	}
}

// AddRelease makes a release of a repository.
func (f *Forge) AddRelease(name, tag string, draft, immutable bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	repo.releases = append(repo.releases, &release{id: f.nextID(), tag: tag, draft: draft, immutable: immutable})
}

// AddAsset puts a file into the newest release of a tag, partly when its upload
// is to have broken off.
func (f *Forge) AddAsset(name, tag, file string, data []byte, partial bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rel := range f.repos[strings.ToLower(name)].releases {
		if rel.tag == tag {
			rel.assets = append(rel.assets, &asset{id: f.nextID(), name: file, kind: "application/gzip", data: data, partial: partial})
			return
		}
	}
	f.t.Errorf("%s has no release %s", name, tag)
}

// Assets returns the files of a release by name.
func (f *Forge) Assets(name, tag string) map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	files := map[string][]byte{}
	for _, rel := range f.repos[strings.ToLower(name)].releases {
		for _, a := range rel.assets {
			if rel.tag == tag && !a.partial {
				files[a.name] = a.data
			}
		}
	}
	return files
}

func (r *request) releaseView(rel *release) map[string]any {
	assets := []any{}
	for _, a := range rel.assets {
		assets = append(assets, r.assetView(rel, a))
	}
	api := fmt.Sprintf("%s/api/uploads/repos/%s/releases/%d/assets{?name,label}", r.f.URL, r.repo.fullName(), rel.id)
	return map[string]any{"id": rel.id, "tag_name": rel.tag, "draft": rel.draft, "immutable": rel.immutable, "upload_url": api, "assets": assets}
}

func (r *request) assetView(rel *release, a *asset) map[string]any {
	sum := sha256.Sum256(a.data)
	tag := rel.tag
	if rel.draft {
		tag = fmt.Sprintf("untagged-%x", rel.id)
	}
	v := map[string]any{
		"id": a.id, "name": a.name, "size": len(a.data), "state": "uploaded", "content_type": a.kind,
		"digest":               "sha256:" + hex.EncodeToString(sum[:]),
		"url":                  fmt.Sprintf("%s/repos/%s/releases/assets/%d", r.f.API(), r.repo.fullName(), a.id),
		"browser_download_url": fmt.Sprintf("%s/releases/download/%s/%s", r.repo.page(r.f), tag, a.name),
	}
	if a.partial {
		v["state"], v["size"], v["digest"] = "starter", 0, nil
	}
	return v
}

// visible reports whether the request may see a release: drafts are for those
// who may push.
func (r *request) visible(rel *release) bool { return !rel.draft || r.mayPush(r.repo) }

func listReleases(r *request) answer {
	var list []any
	for _, rel := range r.repo.releases {
		if r.visible(rel) {
			list = append(list, r.releaseView(rel))
		}
	}
	return r.page(list)
}

func getReleaseByTag(r *request) answer {
	for _, rel := range r.repo.releases {
		if rel.tag == r.PathValue("tag") && !rel.draft {
			return ok(r.releaseView(rel))
		}
	}
	return notFound()
}

func (r *request) release() *release {
	for _, rel := range r.repo.releases {
		if fmt.Sprint(rel.id) == r.PathValue("id") && r.visible(rel) {
			return rel
		}
	}
	return nil
}

func getRelease(r *request) answer {
	if rel := r.release(); rel != nil {
		return ok(r.releaseView(rel))
	}
	return notFound()
}

// editRelease publishes a draft, the only edit that is made here.
func editRelease(r *request) answer {
	var body struct{ Draft *bool }
	if a := r.decode(&body); a != nil {
		return *a
	}
	rel := r.release()
	switch {
	case rel == nil:
		return notFound()
	case !r.mayPush(r.repo):
		return r.denied()
	case body.Draft == nil || *body.Draft:
		return refuse(http.StatusUnprocessableEntity, "Validation Failed")
	}
	rel.draft = false
	return ok(r.releaseView(rel))
}

// asset finds an asset by its own ID.
func (r *request) asset() (*release, int) {
	id, err := strconv.Atoi(r.PathValue("id"))
	for _, rel := range r.repo.releases {
		for i, a := range rel.assets {
			if err == nil && a.id == id && r.visible(rel) {
				return rel, i
			}
		}
	}
	return nil, 0
}

func getAsset(r *request) answer {
	rel, i := r.asset()
	if rel == nil {
		return notFound()
	}
	if r.Header.Get("Accept") == "application/octet-stream" {
		return ok(rel.assets[i].data)
	}
	return ok(r.assetView(rel, rel.assets[i]))
}

func deleteAsset(r *request) answer {
	rel, i := r.asset()
	switch {
	case rel == nil:
		return notFound()
	case !r.mayPush(r.repo):
		return r.denied()
	case rel.immutable && !rel.draft:
		return refuse(http.StatusUnprocessableEntity, "Cannot delete assets from an immutable release.")
	}
	rel.assets = append(rel.assets[:i:i], rel.assets[i+1:]...)
	return answer{status: http.StatusNoContent}
}

func uploadAsset(r *request) answer {
	rel := r.release()
	name := r.URL.Query().Get("name")
	data, err := io.ReadAll(r.Body)
	switch {
	case rel == nil:
		return notFound()
	case !r.mayPush(r.repo):
		return r.denied()
	case rel.immutable && !rel.draft:
		return refuse(http.StatusUnprocessableEntity, "Cannot upload assets to an immutable release.")
	case err != nil || r.ContentLength != int64(len(data)) || name == "" || r.Header.Get("Content-Type") == "":
		return refuse(http.StatusBadRequest, "Bad Content-Length")
	}
	for _, a := range rel.assets {
		if a.name == name {
			return invalid("ReleaseAsset", map[string]string{"code": "already_exists", "field": "name"})
		}
	}
	a := &asset{id: r.f.nextID(), name: name, kind: r.Header.Get("Content-Type"), data: data}
	rel.assets = append(rel.assets, a)
	return created(r.assetView(rel, a))
}

func downloadAsset(r *request) answer {
	for _, rel := range r.repo.releases {
		for _, a := range rel.assets {
			if rel.tag == r.PathValue("tag") && a.name == r.PathValue("name") && !rel.draft && !a.partial {
				return ok(a.data)
			}
		}
	}
	return notFound()
}

// RemoveRelease deletes the releases of a tag.
func (f *Forge) RemoveRelease(name, tag string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	repo := f.repos[strings.ToLower(name)]
	repo.releases = slices.DeleteFunc(repo.releases, func(r *release) bool { return r.tag == tag })
}

// RemoveAsset deletes a file of the releases of a tag.
func (f *Forge) RemoveAsset(name, tag, file string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rel := range f.repos[strings.ToLower(name)].releases {
		if rel.tag == tag {
			rel.assets = slices.DeleteFunc(rel.assets, func(a *asset) bool { return a.name == file })
		}
	}
}

// RemoveRepository deletes a repository. Another may take its name.
func (f *Forge) RemoveRepository(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = strings.ToLower(name)
	if err := os.RemoveAll(f.repos[name].dir); err != nil {
		f.t.Error(err)
	}
	delete(f.repos, name)
}
