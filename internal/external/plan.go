package external

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/clydepm/clyde/index"
)

// sudo is the program that commands run through which need the administrator.
const sudo = "sudo"

// A planner makes the steps of one plan. It asks what is installed once per
// manager, where the answer has everything.
type planner struct {
	drivers     *Drivers
	where       Where
	inventories map[string][]Package // by driver
	ready       map[string]error     // by driver
	prepared    map[string]bool      // by driver: an earlier step makes the folder
}

// Plan asks the package managers about requirements, and changes nothing. It
// gives one step for each, in order, and a [*Problem] for each that cannot be
// met here. The error is the context's.
func (d *Drivers) Plan(ctx context.Context, requirements []Requirement, where Where) ([]Step, []*Problem, error) {
	if where.Platform == (index.Platform{}) {
		where.Platform, _ = index.PlatformOf(runtime.GOOS, runtime.GOARCH)
	}
	p := &planner{d, where, map[string][]Package{}, map[string]error{}, map[string]bool{}}
	var steps []Step
	var problems []*Problem
	for _, r := range requirements {
		step, err := p.step(ctx, r)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			problems = append(problems, problemOf(r, err))
			continue
		}
		steps = append(steps, step)
	}
	return steps, problems, nil
}

func problemOf(r Requirement, err error) *Problem {
	p := &Problem{Requirement: r, Detail: err.Error()}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		p.Remedy = hinted.Hint()
	}
	return p
}

// failure is an error of planning with its remedy.
func failure(remedy, format string, args ...any) error {
	return &SyntaxError{fmt.Sprintf(format, args...), remedy}
}

func (p *planner) step(ctx context.Context, r Requirement) (Step, error) {
	s := Step{Requirement: r, Driver: r.Tool}
	d, err := p.driver(r)
	switch {
	case !r.Applies(p.where.Platform):
		s.Skipped, s.Elsewhere = "it is not needed on "+p.where.Platform.String(), true
	case err == nil && len(d.platforms) > 0 && !slices.Contains(d.platforms, p.where.Platform):
		s.Skipped, s.Elsewhere = d.name+" is not used on "+p.where.Platform.String(), true
	case p.where.Only != nil && !slices.Contains(p.where.Only, r.Tool):
		s.Skipped = r.Tool + " is not among the package managers to use"
	case err != nil:
		return s, err
	}
	if s.Skipped != "" {
		return s, nil
	}
	if err := p.usable(ctx, d); err != nil {
		return s, err
	}
	q := &question{planner: p, driver: d, step: &s, fresh: false}
	if err := q.answer(ctx); err != nil {
		return s, err
	}
	return s, nil
}

func (p *planner) driver(r Requirement) (*driver, error) {
	if d, ok := p.drivers.known()[r.Tool]; ok {
		return d, nil
	}
	remedy := "describe it in a drivers file; see docs/external-dependencies.md"
	if near := NearTool(r.Tool); near != "" {
		remedy = `the author may have meant "` + near + `"; else ` + remedy
	}
	return nil, failure(remedy, "there is no driver for the package manager %q", r.Tool)
}

// usable reports why a package manager cannot be used here. It is asked once.
func (p *planner) usable(ctx context.Context, d *driver) error {
	err, known := p.ready[d.name]
	if !known {
		err = p.check(ctx, d)
		p.ready[d.name] = err
	}
	return err
}

func (p *planner) check(ctx context.Context, d *driver) error {
	if d.prefix && !filepath.IsAbs(p.where.Prefix) {
		return failure("", "%s installs into a folder, and none is given", d.name)
	}
	var missing []string
	for _, program := range d.needs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if len(missing) > 0 {
		return failure("install "+d.name+", or what is needed by hand and leave "+d.name+" out", "%s is not here: no %s on PATH", d.name, strings.Join(missing, ", "))
	}
	if d.ready == nil {
		return nil
	}
	if _, err := d.ask(ctx, d.ready.expand(values{prefix: p.prefix(d)})); err != nil {
		return fmt.Errorf("%s cannot be used now: %w", d.name, err)
	}
	return nil
}

// prefix is the folder that a driver installs into, "" for the system.
func (p *planner) prefix(d *driver) string {
	if !d.prefix {
		return ""
	}
	return filepath.Join(p.where.Prefix, d.name)
}

// A question is what has to be asked about one requirement.
type question struct {
	planner *planner
	driver  *driver
	step    *Step
	fresh   bool // the folder has to be made first, so nothing is installed in it
	values  values
}

func (q *question) answer(ctx context.Context) error {
	d, s := q.driver, q.step
	s.Prefix = q.planner.prefix(d)
	q.values = values{prefix: s.Prefix, requirement: s.Requirement, target: s.Requirement.Spec(), pin: d.pin}
	if d.prefix {
		_, err := os.Lstat(s.Prefix)
		s.NewPrefix = err != nil
		q.fresh = s.NewPrefix || d.marker != "" && !exists(q.values.below(d.marker))
	}
	there, err := q.installed(ctx)
	if err != nil {
		return err
	}
	if there {
		if s.Present, err = q.satisfied(ctx); err != nil || s.Present {
			return err
		}
	}
	if len(d.install) == 0 {
		return q.byHand()
	}
	if err := q.choose(ctx); err != nil {
		return err
	}
	if err := q.try(ctx); err != nil || s.Present {
		return err
	}
	return q.commands()
}

func (q *question) byHand() error {
	if q.step.Have != "" {
		return failure("install one by hand", "version %s is here, which is not %s", q.step.Have, q.step.Requirement.Constraint)
	}
	return failure("install it by hand", "it is not here, and clyde does not install it")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// below puts the prefix into a path of a driver.
func (v values) below(path string) string {
	return filepath.FromSlash(strings.ReplaceAll(path, "{prefix}", v.prefix))
}

// installed finds out which version is there.
func (q *question) installed(ctx context.Context) (bool, error) {
	if q.fresh {
		return false, nil
	}
	all, err := q.driver.inventory(ctx, q.values, q.planner.inventories)
	if err != nil {
		return false, err
	}
	have, there := q.driver.find(all, q.step.Requirement.Base())
	q.step.Have = have.Version
	if !there && q.driver.program {
		_, err := exec.LookPath(q.step.Requirement.Name)
		there = err == nil
	}
	return there, nil
}

// inventory asks what is installed: everything, or the one package where the
// question names it. What is everything is kept in known.
func (d *driver) inventory(ctx context.Context, v values, known map[string][]Package) ([]Package, error) {
	if d.installed == nil {
		return nil, nil
	}
	whole := !d.installed.run.mentions("{name}") && !d.installed.run.mentions("{base}")
	if all, ok := known[d.name]; ok && whole {
		return all, nil
	}
	all, _, err := d.put(ctx, *d.installed, v, false)
	if failed(err) && !whole {
		return nil, nil // there is none of this name
	}
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Name == "" {
			all[i].Name = v.requirement.Base() // the answer is about the one
		}
	}
	if whole && known != nil {
		known[d.name] = all
	}
	return all, nil
}

// put asks a question. It reports whether the question applies.
func (d *driver) put(ctx context.Context, p probe, v values, fresh bool) (all []Package, asked bool, err error) {
	answer, asked, err := d.answerTo(ctx, p, v, fresh)
	if err != nil || !asked {
		return nil, asked, err
	}
	all, err = p.packages(answer)
	if err != nil {
		err = fmt.Errorf("%s %w", strings.Join(p.run.expand(v), " "), err)
	}
	return all, true, err
}

// answerTo is the answer to a question as it is.
func (d *driver) answerTo(ctx context.Context, p probe, v values, fresh bool) (answer []byte, asked bool, err error) {
	if p.only == onlyExisting && fresh || p.only == onlyNew && !fresh {
		return nil, false, nil
	}
	if p.condition != nil {
		if _, err := d.ask(ctx, p.condition.expand(v)); err != nil {
			return nil, false, ctx.Err()
		}
	}
	answer, err = d.ask(ctx, p.run.expand(v))
	if p.anyExit && failed(err) && len(answer) > 0 {
		err = nil
	}
	return answer, true, err
}

func (d *driver) find(all []Package, name string) (Package, bool) {
	i := slices.IndexFunc(all, func(p Package) bool { return d.same(p.Name, name) })
	if i < 0 {
		return Package{}, false
	}
	return all[i], true
}

func (d *driver) same(a, b string) bool {
	return a == b || d.fold && index.Fold(a) == index.Fold(b)
}

// satisfied reports whether what is there is what is needed.
func (q *question) satisfied(ctx context.Context) (bool, error) {
	d, s := q.driver, q.step
	switch {
	case s.Requirement.Constraint == "":
		return true, nil
	case s.Have == "":
		s.Note = "it is here; its version was not looked at"
		return true, nil
	case d.compare != nil:
		return q.meets(ctx, s.Have)
	case d.satisfied != nil:
		_, err := d.ask(ctx, d.satisfied.run.expand(q.values))
		if failed(err) {
			return false, nil
		}
		return err == nil, err
	case d.simulate != nil:
		return false, nil // the trial tells
	}
	return meetsDotted(s.Have, s.Requirement.clauses()), nil
}

// meets reports whether a version meets all clauses of the constraint, as the
// package manager compares versions.
func (q *question) meets(ctx context.Context, version string) (bool, error) {
	for _, c := range q.step.Requirement.clauses() {
		v := q.values
		v.have, v.operator, v.version = version, c.operator, c.version
		if word, ok := q.driver.operators[c.operator]; ok {
			v.operator = word
		}
		if _, err := q.driver.ask(ctx, q.driver.compare.expand(v)); failed(err) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

// choose finds the version to install: the first of those that are offered
// that will do.
func (q *question) choose(ctx context.Context) error {
	d, s := q.driver, q.step
	var offered []string
	asked := false
	for _, p := range d.candidates {
		found, applies, err := d.put(ctx, *p, q.values, q.fresh)
		if err != nil {
			return err
		}
		asked = asked || applies
		for _, c := range found {
			if c.Name != "" && !d.same(c.Name, s.Requirement.Base()) || slices.Contains(offered, c.Version) {
				continue
			}
			offered = append(offered, c.Version)
			good, err := q.suits(ctx, c.Version)
			if err != nil {
				return err
			}
			if good {
				q.settle(c.Version)
				return nil
			}
		}
	}
	switch {
	case !asked:
		return nil
	case len(offered) == 0:
		return failure("look for its name, or refresh what "+d.name+" knows", "%s knows no package %q", d.name, s.Requirement.Name)
	}
	return failure("", "%s offers %s, and none is %s", d.name, strings.Join(offered, ", "), s.Requirement.Constraint)
}

// suits reports whether a version on offer will do, as far as that is not for the
// package manager's own trial to tell.
func (q *question) suits(ctx context.Context, version string) (bool, error) {
	switch d := q.driver; {
	case d.compare != nil:
		return q.meets(ctx, version)
	case d.satisfied != nil || d.simulate != nil:
		return true, nil
	}
	return meetsDotted(version, q.step.Requirement.clauses()), nil
}

// settle decides for a version.
func (q *question) settle(version string) {
	q.step.Candidate = version
	if q.driver.pin != "" && version != "" {
		q.values.target = q.values.pinned(Package{q.step.Requirement.Name, version})
	}
}

// try has the package manager do it without doing it.
func (q *question) try(ctx context.Context) error {
	d, s := q.driver, q.step
	base := Package{s.Requirement.Base(), s.Candidate}
	answer, asked, err := q.dryRun(ctx)
	if err != nil {
		return err
	}
	if !asked {
		q.record([]Package{base})
		return nil
	}
	added, err := d.simulate.packages(answer)
	changed, err2 := matches(d.simulate.changed, answer, "version")
	moved, err3 := matches(d.simulate.changed, answer, "to")
	removed, err4 := matches(d.simulate.removed, answer, "version")
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return fmt.Errorf("%s %w", strings.Join(d.simulate.run.expand(q.values), " "), err)
	}
	if len(removed) > 0 {
		return failure("", "%s would remove %s for it", d.name, namesOf(removed))
	}
	if len(added)+len(changed) == 0 && s.Have != "" {
		s.Present = true
		return nil
	}
	if p, ok := d.find(slices.Concat(added, moved), base.Name); ok && p.Version != "" {
		q.settle(p.Version)
	}
	s.Changed = changed
	return q.sort(ctx, added)
}

// dryRun is what the package manager says that it would do. For a folder that
// is not there yet it is asked about an empty one.
func (q *question) dryRun(ctx context.Context) (answer []byte, asked bool, err error) {
	if q.driver.simulate == nil {
		return nil, false, nil
	}
	v := q.values
	if q.fresh {
		if v.prefix, err = os.MkdirTemp("", "clyde-external-"); err != nil {
			return nil, false, err
		}
		defer func() { _ = os.RemoveAll(v.prefix) }()
	}
	return q.driver.answerTo(ctx, q.driver.simulate.probe, v, q.fresh)
}

func namesOf(all []Package) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// sort tells what is new from what is there in another version, where the
// trial does not.
func (q *question) sort(ctx context.Context, added []Package) error {
	if q.fresh || q.driver.simulate.changed != nil {
		q.record(added)
		return nil
	}
	all, err := q.driver.inventory(ctx, q.values, q.planner.inventories)
	if err != nil {
		return err
	}
	for _, p := range added {
		if before, there := q.driver.find(all, p.Name); there {
			q.step.Changed = append(q.step.Changed, before)
		} else {
			q.step.Added = append(q.step.Added, p)
		}
	}
	return nil
}

// record notes what comes; what moves is in the step already.
func (q *question) record(added []Package) {
	if q.step.Have != "" && len(q.step.Changed) == 0 {
		q.step.Changed = []Package{{q.step.Requirement.Base(), q.step.Have}}
		added = slices.DeleteFunc(added, func(p Package) bool { return q.driver.same(p.Name, q.step.Requirement.Base()) })
	}
	q.step.Added = added
}

// commands are those of the step.
func (q *question) commands() error {
	d, s := q.driver, q.step
	if d.root && os.Geteuid() != 0 {
		if _, err := exec.LookPath(sudo); err != nil {
			return failure("run clyde as the administrator, or install it by hand", "%s needs the administrator, and there is no sudo", d.name)
		}
	}
	s.Root = d.root
	if d.prepare != nil && q.fresh && !q.planner.prepared[d.name] {
		s.Install = append(s.Install, d.elevated(d.prepare.expand(q.values)))
		q.planner.prepared[d.name] = true
	}
	for _, command := range d.install {
		s.Install = append(s.Install, d.elevated(command.expand(q.values)))
	}
	if !s.NewPrefix { // the folder goes as a whole
		s.Undo = d.undoing(*s, s.Added, s.Changed)
	}
	switch {
	case len(s.Changed) > 0 && len(d.restore) == 0:
		s.Note = fmt.Sprintf("%s moves to other versions (%s), which cannot be taken back", namesOf(s.Changed), d.name)
	case len(s.Undo) == 0 && !s.NewPrefix:
		s.Note = d.name + " has no way to take it back"
	}
	return nil
}

// elevated makes a command run as the administrator where that is needed. sudo
// passes no environment on, so env sets it.
func (d *driver) elevated(command []string) []string {
	if !d.root || os.Geteuid() == 0 {
		return command
	}
	out := []string{sudo, "-n", "--", "env"}
	for _, entry := range d.environment() {
		name, _, _ := strings.Cut(entry, "=")
		if _, ours := d.variables[name]; ours {
			out = append(out, entry)
		}
	}
	return append(out, command...)
}

// undoing are the commands that take packages away and bring others back.
func (d *driver) undoing(s Step, added, changed []Package) [][]string {
	v := values{prefix: s.Prefix, requirement: s.Requirement, target: s.Requirement.Spec(), pin: d.pin, added: added, changed: changed}
	if p, ok := d.find(changed, s.Requirement.Base()); ok && d.pin != "" {
		v.before = v.pinned(p)
	}
	var commands [][]string
	add := func(all []argv) {
		for _, command := range all {
			if expanded := command.expand(v); expanded != nil {
				commands = append(commands, d.elevated(expanded))
			}
		}
	}
	if len(added) > 0 {
		add(d.undo)
	}
	if len(changed) > 0 {
		add(d.restore)
	}
	return commands
}
