package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRealLibraries takes C++ libraries of Debian that depend on each other,
// publishes them with manifests of their own, installs them in an empty
// project, and builds and runs a program with nothing but what clyde env
// prints: by hand, with pkg-config, and with CMake.
//
// It needs the network, apt-get, dpkg-deb, g++, pkg-config, cmake and make, and
// so it runs where CLYDE_TEST_CPP=1 or CLYDE_TEST_REQUIRE=1 says they are there.
func TestRealLibraries(t *testing.T) {
	if os.Getenv("CLYDE_TEST_CPP") != "1" && os.Getenv("CLYDE_TEST_REQUIRE") != "1" {
		t.Skip("neither CLYDE_TEST_CPP=1 nor CLYDE_TEST_REQUIRE=1 is set")
	}
	c := newCppWorld(t)
	c.publish("fmt", "libfmt-dev", "license: MIT", "")
	c.publish("spdlog", "libspdlog-dev", "license: MIT", "dependencies:\n  fmt: \"*\"\n")
	c.publish("nlohmann-json", "nlohmann-json3-dev", "license: MIT", "")
	c.publish("cli11", "libcli11-dev", "license: BSD-3-Clause", "")

	c.clyde(c.dir, "registry", "add", c.path("registry.git"), "--name", "debian")
	project := c.path("my project") // a blank in the path has to be harmless
	c.write("my project/main.cpp", cppProgram)
	c.write("my project/CMakeLists.txt", cppBuild)
	c.clyde(project, "add", "spdlog", "nlohmann-json", "cli11")
	env := c.clyde(project, "env", "--shell", "sh")
	if !strings.Contains(c.clyde(project, "tree"), "fmt") {
		t.Error("spdlog does not bring fmt")
	}

	for _, way := range []struct{ name, build string }{
		{"by hand", "g++ -std=c++17 -MD -MF headers -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL main.cpp -o app -lspdlog -lfmt"},
		// pkg-config writes blanks as a shell reads them, hence eval.
		{"pkg-config", `eval "g++ -std=c++17 main.cpp -o app $(pkg-config --cflags --libs spdlog fmt nlohmann_json CLI11)"`},
		{"cmake", "cmake -S . -B build -DCMAKE_BUILD_TYPE=None >/dev/null && cmake --build build >/dev/null && cp build/app app"},
	} {
		t.Run(way.name, func(t *testing.T) {
			out := c.shell(t, project, env+way.build+"\n./app --name clyde\nldd app\n")
			for _, want := range []string{`{"greeting":"hello clyde"}`, "[info] fmt says 42"} {
				if !strings.Contains(out, want) {
					t.Errorf("the program does not say %s:\n%s", want, out)
				}
			}
			// The libraries are the installed ones, not some of the system.
			for _, library := range []string{"spdlog", "fmt"} {
				if !regexp.MustCompile(`lib` + library + `\.so\S* => \S*.*/my project/\.clyde/packages/` + library + `/`).MatchString(out) {
					t.Errorf("lib%s is not the installed one:\n%s", library, out)
				}
			}
		})
	}
	t.Run("headers", func(t *testing.T) {
		out, err := os.ReadFile(filepath.Join(project, "headers"))
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []string{"spdlog/spdlog.h", "fmt/core.h", "nlohmann/json.hpp", "CLI/CLI.hpp"} {
			if !regexp.MustCompile(`/\.clyde/packages/\S*` + header).Match(out) {
				t.Errorf("%s is not the installed one", header)
			}
		}
	})
	t.Run("pkg-config places", func(t *testing.T) {
		out := c.shell(t, project, env+"pkg-config --variable=includedir fmt\npkg-config --variable=libdir spdlog\n")
		for _, dir := range strings.Split(strings.TrimSpace(out), "\n") {
			if info, err := os.Stat(strings.ReplaceAll(dir, `\`, "")); err != nil || !info.IsDir() || !strings.Contains(dir, ".clyde/packages") {
				t.Errorf("pkg-config names %q, which is not a folder of the installed tree", dir)
			}
		}
	})
	if out := c.clyde(project, "ci"); !strings.Contains(out, "4 packages") {
		t.Errorf("ci says %q", out)
	}
}

// TestRealDebs takes the same libraries over as the packages that Debian made,
// and builds and runs the program with them. It runs where TestRealLibraries does.
func TestRealDebs(t *testing.T) {
	if os.Getenv("CLYDE_TEST_CPP") != "1" && os.Getenv("CLYDE_TEST_REQUIRE") != "1" {
		t.Skip("neither CLYDE_TEST_CPP=1 nor CLYDE_TEST_REQUIRE=1 is set")
	}
	c := newCppWorld(t)
	debs := c.path("debs")
	if err := os.Mkdir(debs, 0o755); err != nil {
		t.Fatal(err)
	}
	c.command(debs, "apt-get", "download", "-q", "libfmt-dev", "libfmt9", "libspdlog-dev", "libspdlog1.10", "nlohmann-json3-dev", "libcli11-dev")
	out := c.clyde(c.dir, "index", "import", "debs", "--index", "registry.git")
	if !strings.Contains(out, "took 6 of 6 archives") || !strings.Contains(out, "added 6 versions of 6 packages") {
		t.Fatal(out)
	}
	c.clyde(c.dir, "registry", "add", c.path("registry.git"), "--name", "debian")
	c.write("app/main.cpp", cppProgram)
	project := c.path("app")
	c.clyde(project, "add", "libspdlog-dev", "nlohmann-json3-dev", "libcli11-dev")
	for _, want := range []string{"libspdlog1.10", "libfmt-dev", "libfmt9"} {
		if tree := c.clyde(project, "tree"); !strings.Contains(tree, want) {
			t.Errorf("%s is not in\n%s", want, tree)
		}
	}
	env := c.clyde(project, "env", "--shell", "sh")
	got := c.shell(t, project, env+"g++ -std=c++17 -DSPDLOG_FMT_EXTERNAL -MD -MF headers main.cpp -o app -lfmt\n./app --name clyde\n")
	for _, want := range []string{`{"greeting":"hello clyde"}`, "[info] fmt says 42"} {
		if !strings.Contains(got, want) {
			t.Errorf("the program does not say %s:\n%s", want, got)
		}
	}
	headers, err := os.ReadFile(filepath.Join(project, "headers"))
	if err != nil || !regexp.MustCompile(`/\.clyde/packages/libfmt-dev/\S*fmt/core.h`).Match(headers) {
		t.Errorf("the headers are not the installed ones: %v", err)
	}
}

const cppProgram = `#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <iostream>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

int main(int argc, char **argv) {
  CLI::App app{"greets"};
  std::string name;
  app.add_option("--name", name)->required();
  CLI11_PARSE(app, argc, argv);
  spdlog::set_pattern("[%l] %v");
  spdlog::info("fmt says {}", fmt::format("{:d}", 42));
  nlohmann::json j;
  j["greeting"] = fmt::format("hello {}", name);
  std::cout << j.dump() << std::endl;
}
`

const cppBuild = `cmake_minimum_required(VERSION 3.13)
project(app CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(spdlog CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
add_executable(app main.cpp)
target_link_libraries(app spdlog::spdlog nlohmann_json::nlohmann_json CLI11::CLI11)
`

// cppWorld is a folder with a registry, packages and a home.
type cppWorld struct {
	t   *testing.T
	dir string
}

func newCppWorld(t *testing.T) cppWorld {
	for _, tool := range []string{"apt-get", "dpkg-deb", "g++", "pkg-config", "cmake", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := cppWorld{t, dir}
	t.Cleanup(func() { c.makeRemovable() })
	c.clyde(dir, "index", "init", c.path("registry.git"))
	return c
}

// makeRemovable lets the temporary folder be removed with the store in it,
// whose folders are read-only.
func (c cppWorld) makeRemovable() {
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755)
	})
	if err != nil {
		c.t.Error(err)
	}
}

func (c cppWorld) path(name string) string { return filepath.Join(c.dir, name) }

func (c cppWorld) write(name, text string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.path(name), []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// clyde runs a command that has to succeed and returns its standard output.
func (c cppWorld) clyde(dir string, args ...string) string {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	env := systemEnv()
	env.Stdout, env.Stderr, env.Dir = &stdout, &stderr, dir
	env.Getenv = func(name string) string {
		return map[string]string{
			"HOME": c.path("home"), "XDG_CONFIG_HOME": c.path("xdg/config"),
			"XDG_CACHE_HOME": c.path("xdg/cache"), "XDG_DATA_HOME": c.path("xdg/data"),
			"CLYDE_SYSTEM_CONFIG": c.path("none.yaml"),
		}[name]
	}
	if code := run(c.t.Context(), env, args); code != exitOK {
		c.t.Fatalf("clyde %s: exit code %d\n%s", strings.Join(args, " "), code, &stderr)
	}
	return stdout.String()
}

// shell runs a script without anything of this environment but PATH.
func (c cppWorld) shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.path("home")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// publish makes a package of a Debian development package, together with the
// package that has its shared library, and publishes it.
func (c cppWorld) publish(name, debian, license, more string) {
	c.t.Helper()
	control := c.unpack(name, debian)
	if m := regexp.MustCompile(`\b` + strings.TrimSuffix(debian, "-dev") + `[0-9][0-9.]*(t64)?\b`).FindString(control); m != "" {
		c.unpack(name, m)
	}
	version := regexp.MustCompile(`(?m)^Version: (?:\d+:)?(\d+\.\d+\.\d+)`).FindStringSubmatch(control)
	if version == nil {
		c.t.Fatalf("%s has no version of three numbers:\n%s", debian, control)
	}
	c.write(name+"/.clyde/package.yaml", fmt.Sprintf(
		"name: %s\nversion: %s\n%s\ntype: library\ndescription: %s as Debian builds it\nexclude: [usr/share/doc/**]\n%s",
		name, version[1], license, name, more,
	))
	c.clyde(c.path(name), "publish", "--via", "local", "--index", c.path("registry.git"))
}

// unpack downloads a Debian package, unpacks it into the folder name, and
// returns its control file.
func (c cppWorld) unpack(name, debian string) string {
	c.t.Helper()
	downloads := c.path("debian-" + debian)
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		c.t.Fatal(err)
	}
	c.command(downloads, "apt-get", "download", "-q", debian)
	found, err := filepath.Glob(filepath.Join(downloads, "*.deb"))
	if err != nil || len(found) != 1 {
		c.t.Fatalf("apt-get download %s made %q", debian, found)
	}
	c.command(c.dir, "dpkg-deb", "-x", found[0], c.path(name))
	return c.command(c.dir, "dpkg-deb", "-f", found[0])
}

func (c cppWorld) command(dir, name string, args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
