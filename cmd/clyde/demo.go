package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func demoCommand(a *app) *cobra.Command {
	keep := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole path of a package in a temporary folder",
		Long: `Show the whole path of a package: make an index, publish three small packages
that need each other, review, install them in a project, and see a damaged
archive refused.

Every command is run as it is printed, in a temporary folder ($DEMO) with
settings of its own. Nothing else is touched, and the folder is removed at the
end unless --keep is given.`,
		Example: "  clyde demo\n" +
			"  clyde demo --keep",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the folder there to look at")
	return cmd
}

func (a *app) demo(ctx context.Context, keep bool) error {
	root, err := os.MkdirTemp("", "clyde-demo-")
	if err != nil {
		return err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return err
	}
	if !keep {
		defer os.RemoveAll(root)
	}
	d := &demo{app: a, ctx: ctx, root: root, dir: root}
	d.play()
	if d.err != nil {
		return withConsequence(d.err, "the demo ends here")
	}
	if a.json {
		return a.printJSON(map[string]any{"steps": d.steps})
	}
	if keep {
		a.printf("\nEverything is in %s\n", root)
	}
	return nil
}

// demo runs command lines one after the other, each through the very command
// tree that a person uses, and stops at the first surprise.
type demo struct {
	*app
	ctx   context.Context
	root  string
	dir   string // where the person stands
	steps []demoStep
	err   error
}

// demoStep is one command and what came back.
type demoStep struct {
	About   string `json:"about,omitempty"`
	Folder  string `json:"folder"`
	Command string `json:"command"`
	Output  string `json:"output"`
	Exit    int    `json:"exit"`
}

// play is the script.
func (d *demo) play() {
	d.clyde("An index is a git repository. No server runs.",
		exitOK, "index", "init", "registry.git")

	d.clyde("A maintainer describes a package ...", exitOK, "init", "ansi")
	d.write("ansi/include/ansi.h", "#define ANSI_BOLD \"\\033[1m\"\n#define ANSI_OFF \"\\033[0m\"\n")
	d.cd("ansi")
	d.clyde("", exitOK, "check")
	d.clyde("... looks at what publishing would do ...",
		exitOK, "publish", "--via", "local", "--index", "../registry.git", "--dry-run")
	d.clyde("... and publishes. Twice is harmless.",
		exitOK, "publish", "--via", "local", "--index", "../registry.git")
	d.clyde("", exitOK, "publish", "--via", "local", "--index", "../registry.git")

	d.cd("")
	d.clyde("A reviewer gets the same judgement for the same change ...",
		exitOK, "review", "--index", "registry.git", "--base", "main~1", "--head", "main")
	d.clyde("... and sees that a published version cannot be taken back.",
		exitFindings, "review", "--index", "registry.git", "--base", "main", "--head", "main~1")

	d.clyde("Whoever uses packages adds the registry once.",
		exitOK, "registry", "add", "registry.git", "--name", "demo")
	d.clyde("Two more packages need the first, and each other.", exitOK, "init", "table")
	d.publishDependant("table", "#include <ansi.h>\n#define TABLE_RULE ANSI_BOLD \"----\" ANSI_OFF\n", "ansi")
	d.clyde("", exitOK, "init", "report")
	d.publishDependant("report", "#include <ansi.h>\n#include <table.h>\n#define REPORT_TITLE ANSI_BOLD \"report\" ANSI_OFF TABLE_RULE\n", "table", "ansi")

	d.mkdir("app")
	d.cd("app")
	d.clyde("A project asks for one of them and gets what it needs.", exitOK, "add", "report")
	d.clyde("", exitOK, "tree")
	d.clyde("Compilers are told where to look.", exitOK, "env", "--shell", "sh")
	d.clyde("What the lock holds is what is installed.", exitOK, "install", "--locked")

	d.damage("registry-archives")
	d.clyde("Somebody changes the archives. On a new machine, with an empty store:",
		exitIntegrity, "--config", "store="+filepath.Join(d.root, "new-store"), "ci")
	d.clyde("Nothing was touched. Going back is one rename, too.", exitOK, "remove", "report")
	d.clyde("", exitOK, "rollback")
	d.clyde("", exitOK, "list")
}

// publishDependant publishes the package in folder name, whose header is given,
// after adding what it needs.
func (d *demo) publishDependant(name, header string, needs ...string) {
	d.write(name+"/include/"+name+".h", header)
	d.cd(name)
	for _, need := range needs {
		d.clyde("", exitOK, "add", need)
	}
	d.clyde("", exitOK, "publish", "--via", "local", "--index", "../registry.git")
	d.cd("")
}

// clyde runs one command line, shows it with what came back, and requires its
// exit code.
func (d *demo) clyde(about string, want int, args ...string) {
	if d.err != nil {
		return
	}
	var output bytes.Buffer
	got := run(d.ctx, Env{
		Stdin:  strings.NewReader(""),
		Stdout: &output,
		Stderr: &output,
		Dir:    d.dir,
		Getenv: d.getenv,
		Now:    d.Now,
		HTTP:   d.HTTP,
	}, args)
	step := demoStep{
		About:   about,
		Folder:  d.shown(d.dir),
		Command: "clyde " + d.shown(strings.Join(args, " ")),
		Output:  d.shown(output.String()),
		Exit:    got,
	}
	d.steps = append(d.steps, step)
	d.show(step)
	if got != want {
		d.err = withCode(got, fmt.Errorf("%s ended with %d, not with %d", step.Command, got, want))
	}
}

// show prints a step the way a terminal would have it.
func (d *demo) show(s demoStep) {
	if d.json {
		return
	}
	if s.About != "" {
		d.printf("\n# %s\n", s.About)
	}
	d.printf("%s$ %s\n%s", s.Folder, s.Command, s.Output)
	if s.Exit != exitOK {
		d.printf("(exit %d)\n", s.Exit)
	}
}

// shown writes the temporary folder as $DEMO.
func (d *demo) shown(text string) string {
	return strings.ReplaceAll(text, d.root, "$DEMO")
}

// getenv is an environment that has nothing of the person's.
func (d *demo) getenv(name string) string {
	switch name {
	case "HOME", "USERPROFILE":
		return filepath.Join(d.root, "home")
	case "XDG_CONFIG_HOME", "APPDATA":
		return filepath.Join(d.root, "home", "config")
	case "XDG_CACHE_HOME", "LOCALAPPDATA":
		return filepath.Join(d.root, "home", "cache")
	case "XDG_DATA_HOME":
		return filepath.Join(d.root, "home", "data")
	}
	return ""
}

func (d *demo) cd(folder string) {
	d.dir = filepath.Join(d.root, folder)
}

func (d *demo) mkdir(folder string) {
	if d.err == nil {
		d.err = os.MkdirAll(filepath.Join(d.root, folder), 0o755)
	}
}

func (d *demo) write(name, text string) {
	d.mkdir(filepath.Dir(name))
	if d.err == nil {
		d.err = os.WriteFile(filepath.Join(d.root, name), []byte(text), 0o644)
	}
}

// damage changes one byte in the middle of every archive below folder.
func (d *demo) damage(folder string) {
	archives, err := filepath.Glob(filepath.Join(d.root, folder, "*", "*.tar.gz"))
	if d.err == nil {
		d.err = err
	}
	for _, name := range archives {
		if d.err != nil {
			return
		}
		var data []byte
		if data, d.err = os.ReadFile(name); d.err != nil {
			return
		}
		data[len(data)/2] ^= 1
		if d.err = os.Chmod(name, 0o644); d.err == nil {
			d.err = os.WriteFile(name, data, 0o644)
		}
	}
}
