package action

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

// Runner is the runner that started this process, as the process sees it.
type Runner struct {
	Getenv func(string) string
	Stdout io.Writer // read for commands, line by line
	HTTP   *http.Client
	// Wait pauses between requests that are repeated; nil sleeps.
	Wait func(time.Duration)
}

// ErrNoRunner reports that the process was not started by a runner: a variable
// that every runner sets is not there.
var ErrNoRunner = errors.New("this is no step of a workflow")

// Error is a failure with what to do about it.
type Error struct {
	Detail string
	Remedy string
	Err    error // what was met, may be nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

// Unwrap returns what was met.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the remedy, or "".
func (e *Error) Hint() string { return e.Remedy }

// Context says where and for what a step runs.
type Context struct {
	Event        string // GITHUB_EVENT_NAME, such as "release"
	Repository   string // owner/name
	RepositoryID int64
	OwnerID      int64
	Commit       string // GITHUB_SHA, the commit that triggered the workflow: 40 or 64 hex digits
	Ref          string // GITHUB_REF, such as "refs/tags/v1.2.3"; may be ""
	APIURL       string // of the REST API, without a slash at its end
	ServerURL    string // of the web pages, without a slash at its end
	Workspace    string // folder of the checkout
	RunID        string // of the workflow run, digits
}

// Tag returns the tag that triggered the workflow, or "".
func (c Context) Tag() string {
	const tags = "refs/tags/"
	if len(c.Ref) > len(tags) && c.Ref[:len(tags)] == tags {
		return c.Ref[len(tags):]
	}
	return ""
}

// RunURL returns the page of the workflow run.
func (c Context) RunURL() string {
	return c.ServerURL + "/" + c.Repository + "/actions/runs/" + c.RunID
}

// Context reads and checks the variables of the step. The error is ErrNoRunner
// when there are none.
func (r *Runner) Context() (Context, error) {
	if r.Getenv("GITHUB_ACTIONS") != "true" {
		return Context{}, &Error{
			Detail: "GITHUB_ACTIONS is not true",
			Remedy: "this command is what the action runs; on your own machine use 'clyde publish'",
			Err:    ErrNoRunner,
		}
	}
	v := variables{getenv: r.Getenv}
	c := Context{
		Event:        v.match("GITHUB_EVENT_NAME", `[a-z][a-z0-9_]{0,63}`),
		Repository:   v.match("GITHUB_REPOSITORY", `[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}`),
		RepositoryID: v.number("GITHUB_REPOSITORY_ID"),
		OwnerID:      v.number("GITHUB_REPOSITORY_OWNER_ID"),
		Commit:       v.match("GITHUB_SHA", `[0-9a-f]{40}|[0-9a-f]{64}`),
		Ref:          r.Getenv("GITHUB_REF"),
		APIURL:       v.url("GITHUB_API_URL"),
		ServerURL:    v.url("GITHUB_SERVER_URL"),
		Workspace:    v.match("GITHUB_WORKSPACE", `.{1,1000}`),
		RunID:        v.match("GITHUB_RUN_ID", `[0-9]{1,20}`),
	}
	return c, errors.Join(v.problems...)
}

// variables reads variables that must be there and have a form.
type variables struct {
	getenv   func(string) string
	problems []error
}

func (v *variables) match(name, pattern string) string {
	value := v.getenv(name)
	if !regexp.MustCompile(`\A(?:` + pattern + `)\z`).MatchString(value) {
		v.problems = append(v.problems, fmt.Errorf("the variable %s is %.100q, which does not match %s", name, value, pattern))
	}
	return value
}

// number reads an ID. A runner that is not GitHub's own may leave it out.
func (v *variables) number(name string) int64 {
	value := v.getenv(name)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 {
		v.problems = append(v.problems, fmt.Errorf("the variable %s is %.100q, which is no ID", name, value))
	}
	return n
}

func (v *variables) url(name string) string {
	value := v.getenv(name)
	for len(value) > 0 && value[len(value)-1] == '/' {
		value = value[:len(value)-1]
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		v.problems = append(v.problems, fmt.Errorf("the variable %s is %.200q, which is no base of URLs", name, value))
	}
	return value
}

// token returns a word that nobody can guess.
func token() string { return rand.Text() }
