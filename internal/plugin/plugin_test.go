//go:build unix

package plugin

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestPrograms(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	write := func(dir, name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hello := write(first, "clyde-hello", 0o755)
	write(second, "clyde-hello", 0o755)
	again := write(second, "clyde-a1-b", 0o755)
	font := write(second, "clyde-installer-font", 0o755)
	write(first, "clyde-text", 0o644)
	write(first, "clyde-", 0o755)
	write(first, "clyde-Loud", 0o755)
	write(first, "clyde-a.b", 0o755)
	write(first, "hello", 0o755)
	if err := os.Mkdir(filepath.Join(first, "clyde-folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	here := t.TempDir()
	write(here, "clyde-here", 0o755)
	t.Chdir(here)

	s := Search{Path: "." + ":" + first + "::" + filepath.Join(first, "absent") + ":" + second}
	if got, want := s.All(Command), []Program{{Command, "a1-b", again}, {Command, "hello", hello}}; !reflect.DeepEqual(got, want) {
		t.Errorf("commands %v, want %v", got, want)
	}
	if got, want := s.All(Installer), []Program{{Installer, "font", font}}; !reflect.DeepEqual(got, want) {
		t.Errorf("installers %v, want %v", got, want)
	}
	if p, ok := s.Lookup(Command, "hello"); !ok || p.Path != hello {
		t.Errorf("Lookup(hello) = %v, %v", p, ok)
	}
	for _, name := range []string{"installer-font", "here", "text", "folder"} {
		if p, ok := s.Lookup(Command, name); ok {
			t.Errorf("Lookup(%s) found %v", name, p)
		}
	}
	if p, ok := s.At(font); !ok || p != (Program{Installer, "font", font}) {
		t.Errorf("At(%s) = %v, %v", font, p, ok)
	}
	if p, ok := s.At(filepath.Join(first, "clyde-text")); ok {
		t.Errorf("At found %v, which cannot be executed", p)
	}
}
