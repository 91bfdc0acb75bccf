package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clydepm/clyde/internal/credential"
	"github.com/clydepm/clyde/internal/registrytest"
)

// forgeKey is where a transcript keeps its forge.
type forgeKey struct{}

// scriptForge is the transcript command for a forge, a host of git repositories
// with pull requests:
//
//	forge start REGISTRY   start one that has REGISTRY as keeper/index
//	forge repository NAME  make the repository NAME, with one commit
//	forge release NAME TAG make a release of a repository
//	forge pulls            print the pull requests of the index
//	forge body NUMBER      print what one of them says, up to the review
//	forge merge NUMBER     merge one
//	forge file PATH        print a file of the index
//
// Starting it sets FORGE to its address, and the variables of a person who may
// push to the index, at GitHub and at Gitea.
func scriptForge(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: forge COMMAND [ARG...]")
		}
		kept := ts.Value(forgeKey{}).(**registrytest.Forge)
		if args[0] == "start" && len(args) == 2 {
			*kept = startForge(t, ts, ts.MkAbs(args[1]))
			return
		}
		f := *kept
		switch strings.Join(append(args[:1:1], fmt.Sprint(len(args)-1)), " ") {
		case "repository 1":
			f.AddRepository(args[1], map[string]string{"README.md": "hello\n"})
		case "release 2":
			f.AddRelease(args[1], args[2], false, false)
		case "pulls 0":
			if len(f.Pulls(keepersIndex)) == 0 {
				fmt.Fprintln(ts.Stdout(), "none")
			}
			for _, p := range f.Pulls(keepersIndex) {
				fmt.Fprintf(ts.Stdout(), "#%d %s: %s\n  %s:%s %v\n", p.Number, p.State, p.Title, p.Head, p.Branch, p.Labels)
				for _, c := range p.Comments {
					fmt.Fprintf(ts.Stdout(), "  %s\n", strings.ReplaceAll(c, f.URL, "$FORGE"))
				}
			}
		case "body 1":
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			body := regexp.MustCompile(`(?s)### (✅|👀|⏳|❌).*`).ReplaceAllString(f.Pulls(keepersIndex)[n-1].Body, "") // without the report
			fmt.Fprint(ts.Stdout(), strings.ReplaceAll(body, f.URL, "$FORGE"))
		case "merge 1":
			n, err := strconv.Atoi(args[1])
			ts.Check(err)
			if !f.Merge(keepersIndex, n) {
				ts.Fatalf("pull request %d is not mergeable", n)
			}
		case "file 1":
			fmt.Fprint(ts.Stdout(), f.File(keepersIndex, args[1]))
		default:
			ts.Fatalf("forge: there is no such command")
		}
	}
}

// keepersIndex is the index of the forge of a transcript.
const keepersIndex = "keeper/index"

func startForge(t *testing.T, ts *testscript.TestScript, registry string) *registrytest.Forge {
	f := registrytest.NewForge(t)
	f.AddIndex(keepersIndex, &registrytest.Registry{Path: registry})
	token := f.AddToken(registrytest.Token{Login: "keeper"})
	host := strings.TrimPrefix(f.URL, "http://")
	for name, value := range map[string]string{
		"FORGE_HOST": host, "FORGE_VARIABLE": credential.Variable(credential.Host(host)), "KEEPER": token,
		"FORGE": f.URL, "GITHUB_SERVER_URL": f.URL, "GITHUB_API_URL": f.API(), "CLYDE_INDEX_TOKEN": token,
		"GITHUB_TOKEN": f.AddToken(registrytest.Token{Login: "ann"}), "GITEA_TOKEN": token,
	} {
		ts.Setenv(name, value)
	}
	return f
}
