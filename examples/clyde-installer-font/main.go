// Command clyde-installer-font installs packages of the type "font": a package
// with "type: font" in its manifest and *.ttf or *.otf files anywhere in it.
//
// The fonts are put into share/fonts/PACKAGE of the installed package, and share on
// XDG_DATA_DIRS, where fontconfig looks. Put the program into a folder of PATH; see
// docs/plugins.md for the protocol. It is a sample: one file, and nothing but the
// standard library.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const protocol = 1

// request is what of a request the program needs.
type request struct {
	Protocol int    `json:"protocol"`
	Verb     string `json:"verb"`
	Package  string `json:"package"`
	Tree     string `json:"tree"`
	Staging  string `json:"staging"`
}

type problem struct {
	Path   string `json:"path"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

func main() {
	var r request
	var a any
	err := json.NewDecoder(os.Stdin).Decode(&r)
	switch {
	case err != nil:
		err = fmt.Errorf("not a request: %w", err)
	case r.Protocol != protocol:
		err = fmt.Errorf("this program speaks protocol %d, not %d", protocol, r.Protocol)
	default:
		a, err = reply(r)
	}
	if err != nil {
		a = map[string]any{"protocol": protocol, "error": map[string]string{"detail": err.Error()}}
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// reply answers a request.
func reply(r request) (any, error) {
	switch r.Verb {
	case "describe":
		return map[string]any{"protocol": protocol, "type": "font", "description": "Fonts, for programs that use fontconfig."}, nil
	case "check":
		problems, err := check(r.Tree)
		return map[string]any{"protocol": protocol, "problems": problems}, err
	case "install":
		files, err := install(r)
		return map[string]any{
			"protocol": protocol, "files": files, "search": map[string][]string{"XDG_DATA_DIRS": {"share"}},
		}, err
	}
	return nil, fmt.Errorf("there is no verb %q", r.Verb)
}

// check looks whether there are fonts, and whether they are what their names say.
func check(tree string) ([]problem, error) {
	problems := []problem{}
	fonts, err := fontsIn(tree)
	if err != nil {
		return nil, err
	}
	if len(fonts) == 0 {
		problems = append(problems, problem{Detail: "has no .ttf or .otf file", Hint: "a package of another kind needs no type"})
	}
	names := map[string]string{}
	for _, name := range fonts {
		data, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if !isFont(data) {
			problems = append(problems, problem{Path: name, Detail: "is not a TrueType or OpenType font"})
		}
		if other, taken := names[path.Base(name)]; taken {
			problems = append(problems, problem{Path: name, Detail: "has the name of " + other})
		}
		names[path.Base(name)] = name
	}
	return problems, nil
}

// isFont looks for what a TrueType or OpenType file begins with.
func isFont(data []byte) bool {
	return slices.ContainsFunc([]string{"\x00\x01\x00\x00", "OTTO", "true", "ttcf"}, func(magic string) bool {
		return bytes.HasPrefix(data, []byte(magic))
	})
}

// install copies the fonts and lists the copies.
func install(r request) ([]string, error) {
	fonts, err := fontsIn(r.Tree)
	if err != nil {
		return nil, err
	}
	folder := path.Join("share/fonts", r.Package)
	if err := os.MkdirAll(filepath.Join(r.Staging, filepath.FromSlash(folder)), 0o755); err != nil {
		return nil, err
	}
	files := []string{}
	for _, name := range fonts {
		data, err := os.ReadFile(filepath.Join(r.Tree, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		file := path.Join(folder, path.Base(name))
		if err := os.WriteFile(filepath.Join(r.Staging, filepath.FromSlash(file)), data, 0o644); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func fontsIn(tree string) (names []string, err error) {
	err = fs.WalkDir(os.DirFS(tree), ".", func(name string, d fs.DirEntry, err error) error {
		if ending := strings.ToLower(path.Ext(name)); err == nil && d.Type().IsRegular() && (ending == ".ttf" || ending == ".otf") {
			names = append(names, name)
		}
		return err
	})
	return names, err
}
