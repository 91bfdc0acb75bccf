package client

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/clydepm/clyde/internal/spelling"
)

// Tools lists the programs that the installed packages bring, by name: the
// executable files of the folders that the environment puts on PATH. Of two
// with one name the first counts, as in a search path.
func (e *BuildEnv) Tools() (map[string]string, error) {
	tools := map[string]string{}
	for _, v := range e.Variables {
		if v.Name != "PATH" {
			continue
		}
		for _, dir := range v.Folders {
			entries, err := os.ReadDir(dir)
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				info, err := os.Stat(filepath.Join(dir, entry.Name())) // npm's programs are links
				name, ok := toolName(entry.Name())
				if err != nil || !ok || !info.Mode().IsRegular() || runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
					continue
				}
				if _, taken := tools[name]; !taken {
					tools[name] = filepath.Join(dir, entry.Name())
				}
			}
		}
	}
	return tools, nil
}

// toolName is the name by which a program is called: without the ending that
// Windows knows programs by.
func toolName(file string) (string, bool) {
	if runtime.GOOS != "windows" {
		return file, true
	}
	ending := strings.ToLower(filepath.Ext(file))
	return strings.TrimSuffix(file, filepath.Ext(file)), slices.Contains([]string{".exe", ".com"}, ending)
}

// Tool is where the program called name is. The error is [ErrNotFound] when no
// installed package brings it.
func (e *BuildEnv) Tool(name string) (string, error) {
	tools, err := e.Tools()
	if err != nil {
		return "", err
	}
	if path, ok := tools[name]; ok {
		return path, nil
	}
	var names []string
	for tool := range tools {
		names = append(names, tool)
	}
	slices.Sort(names)
	failure := &Error{Class: ErrNotFound, Message: "no installed package brings a program called \"" + name + "\"", Remedy: "there are " + strings.Join(names, ", ")}
	if near := spelling.Nearest(name, names); near != "" {
		failure.Remedy = "did you mean " + near + "?"
	} else if len(names) == 0 {
		failure.Remedy = "no installed package brings a program; 'clyde add' one that does"
	}
	return "", failure
}

// Environ is an environment, in the form of [os.Environ], with the search paths
// before those that it has.
func (e *BuildEnv) Environ(base []string) []string {
	environ := slices.Clone(base)
	for _, v := range e.Variables {
		at := slices.IndexFunc(environ, func(entry string) bool {
			name, _, _ := strings.Cut(entry, "=")
			return name == v.Name || runtime.GOOS == "windows" && strings.EqualFold(name, v.Name)
		})
		if at < 0 {
			environ = append(environ, v.Name+"="+v.Value())
			continue
		}
		name, value, _ := strings.Cut(environ[at], "=")
		if value != "" {
			value = string(filepath.ListSeparator) + value
		}
		environ[at] = name + "=" + v.Value() + value
	}
	return environ
}
