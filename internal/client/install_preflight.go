package client

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/clydepm/clyde/internal/volume"
)

// unpacked is how many times as large as its archive a package is taken to be:
// source code packs to a quarter or a fifth. It is an estimate, so too little
// room for it is a warning.
const unpacked = 5

// preflight looks whether the places of a run can be written to.
func (r *run) preflight() {
	step := r.log.Step(stepPreflight, "")
	project := r.in.Project.Generations.home
	r.checkWritable(project, "installing writes there")
	step.Done(r.plan.refusal(), project) //nolint:errcheck // it is the plan that refuses
}

func (r *run) checkWritable(path, why string) {
	if err := volume.Writable(path); err != nil {
		r.plan.Findings = append(r.plan.Findings, Finding{
			Check: "permissions", Status: FindingFail, Where: path, Detail: fmt.Sprintf("cannot be written to (%v); %s", err, why),
			Hint: "give yourself the right to write to " + path,
		})
	}
}

// checkRoom looks whether what has to be fetched can be put into the store.
func (r *run) checkRoom() {
	if len(r.plan.Fetch) == 0 {
		return
	}
	r.checkWritable(r.store.dir, "archives are to be put there")
	free, err := volume.Free(r.store.dir)
	if err != nil {
		return // a file system that does not tell is no reason to stop
	}
	f := Finding{Check: "disk", Where: r.store.dir, Hint: "free some space, or move the store with the setting store; 'clyde clean' removes what nothing uses"}
	room := humanize.IBytes(uint64(free)) //nolint:gosec // not negative
	switch {
	case free < r.plan.Bytes:
		f.Status = FindingFail
		f.Detail = fmt.Sprintf("has %s free, and %s are to be downloaded", room, humanize.IBytes(uint64(r.plan.Bytes))) //nolint:gosec // a sum of sizes
	case free/unpacked < r.plan.Bytes:
		f.Status = FindingWarn
		f.Detail = fmt.Sprintf("has %s free, and what is downloaded (%s) may need more once it is unpacked", room, humanize.IBytes(uint64(r.plan.Bytes))) //nolint:gosec // a sum of sizes
	default:
		return
	}
	r.plan.Findings = append(r.plan.Findings, f)
}

// checkPlatform looks whether a package is for the platform of the run.
func (r *run) checkPlatform(l LedgerPackage, m *hookedManifest) {
	if m.runsOn(r.in.Platform) || l.Platform != "" {
		return
	}
	var names []string
	for _, p := range m.platforms {
		names = append(names, p.String())
	}
	r.plan.Findings = append(r.plan.Findings, Finding{
		Check: "platform", Status: FindingFail, Where: l.id(),
		Detail: fmt.Sprintf("is for %s, not for %s", strings.Join(names, ", "), r.in.Platform),
		Hint:   "ask for it on its platforms only: 'platforms: [" + strings.Join(names, ", ") + "]' at the dependency in " + filepath.ToSlash(manifestName),
	})
}
