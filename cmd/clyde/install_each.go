package main

import (
	"context"
	"errors"
	"slices"

	"github.com/clydepm/clyde/internal/client"
)

// projects is the project once for each environment to install into.
func (f *installFlags) projects(a *app) ([]*client.Project, error) {
	if !f.all && len(f.environments) == 0 {
		project, err := a.project()
		return []*client.Project{project}, err
	}
	project, err := a.anyProject()
	if err != nil {
		return nil, err
	}
	names := f.environments
	if f.all {
		all, err := project.Environments()
		if err != nil {
			return nil, err
		}
		for _, e := range all {
			names = append(names, e.Name)
		}
	}
	return project.SelectEnvironments(names)
}

// eachOutcome is what became of one environment of several.
type eachOutcome struct {
	Environment string          `json:"environment"`
	Outcome     *client.Outcome `json:"outcome,omitempty"`
	Error       string          `json:"error,omitempty"`
	History     *historyJSON    `json:"history,omitempty"` // why it was refused
	ExitCode    int             `json:"exit_code"`
}

// installingEach is installing for every environment that the flags name. With more
// than one, each is reported, and one that fails does not keep the others back.
func (a *app) installingEach(ctx context.Context, f *installFlags, do func(*client.Installer) (*client.Outcome, error), render func(*client.Outcome)) error {
	projects, err := f.projects(a)
	if err != nil {
		return err
	}
	here := func(p *client.Project) func() (*client.Project, error) {
		return func() (*client.Project, error) { return p, nil }
	}
	if len(projects) == 1 {
		return a.installing(here(projects[0]), &f.runFlags, do, render)
	}
	all := []eachOutcome{}
	var failures []error
	for _, p := range projects {
		one := eachOutcome{Environment: p.Environment.Name}
		one.Outcome, err = a.outcomeOf(here(p), &f.runFlags, do)
		if err != nil {
			one.Error, one.History, one.ExitCode = summaryOf(err), newHistoryJSON(err), exitCode(err)
			failures = append(failures, err)
		}
		all = append(all, one)
		if !a.json {
			a.renderEach(one, err, render)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"environments": all}); err != nil {
			return err
		}
	}
	return worst(failures)
}

func (a *app) renderEach(one eachOutcome, err error, render func(*client.Outcome)) {
	a.printf("environment %s:\n", one.Environment)
	if err != nil {
		a.printf("failed\n")
		reportError(a.Stderr, err)
		return
	}
	render(one.Outcome)
	a.warnAll(one.Outcome.Warnings)
}

// worst is the failure that decides the exit code of several: what may be an attack
// counts more than what was not allowed, and that more than what went wrong.
func worst(failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	order := []int{exitCancelled, exitIntegrity, exitRefused, exitConflict, exitNotFound, exitNetwork, exitFindings, exitUsage, exitFailed}
	code := slices.MinFunc(failures, func(a, b error) int {
		return slices.Index(order, exitCode(a)) - slices.Index(order, exitCode(b))
	})
	return reportedError{withCode(exitCode(code), errors.Join(failures...))}
}
