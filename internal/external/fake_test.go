package external_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The package managers of these tests are this test binary under their names.
// They know the command lines that drivers.yaml has and no others, answer as the
// real ones do (those of apt, npm and pip were taken down from them, those of
// conda, brew and docker from their sources), and keep what is installed in a
// file beside them.
func TestMain(m *testing.M) {
	tool := filepath.Base(os.Args[0])
	if run, ok := fakes()[tool]; ok {
		os.Exit(fakeTool(tool, run))
	}
	os.Exit(m.Run())
}

// A world is what the package managers have.
type world struct {
	Offers    map[string][]string          // "apt:hello" → versions, the preferred first
	Needs     map[string][]string          // "apt:hello" → names of what it needs
	Removes   map[string]string            // "apt:hello" → name of what has to go for it
	Installed map[string]map[string]string // place → name → version; a place is a tool or a prefix
	Fails     map[string]int               // first words of a command → exit status
	Sleeps    string                       // first words of a command that never ends
	Log       []string
}

func (w *world) place(name string) map[string]string {
	if w.Installed[name] == nil {
		w.Installed[name] = map[string]string{}
	}
	return w.Installed[name]
}

// A fake carries out one command. It panics at one that it does not know.
type fake func(w *world, args []string) int

func fakes() map[string]fake {
	return map[string]fake{
		"apt-get": aptGet, "apt-cache": aptCache, "dpkg": dpkg, "dpkg-query": dpkgQuery,
		"npm": npm, "python3": python, "python": python, "conda": conda, "brew": brew, "docker": docker,
		"pkg-config": pkgConfig, "dnf": dnf, "rpm": rpm,
	}
}

func fakeTool(tool string, run fake) (status int) {
	file := filepath.Join(filepath.Dir(os.Args[0]), "world.json")
	if target, err := os.ReadFile(filepath.Join(filepath.Dir(os.Args[0]), "world")); err == nil { // in a virtual environment
		file = string(target)
	}
	var w world
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 70
	}
	line := strings.Join(append([]string{tool}, os.Args[1:]...), " ")
	w.Log = append(w.Log, line)
	defer func() {
		if reason := recover(); reason != nil {
			w.Log = append(w.Log, fmt.Sprintf("UNEXPECTED %s: %v", line, reason))
			fmt.Fprintln(os.Stderr, "unexpected:", line, reason)
			status = 64
		}
		data, err := json.Marshal(w)
		if err == nil {
			err = os.WriteFile(file, data, 0o644)
		}
		if err != nil {
			status = 70
		}
	}()
	for start, status := range w.Fails {
		if strings.HasPrefix(line, start) {
			fmt.Fprintf(os.Stderr, "E: %s fails\n", start)
			return status
		}
	}
	if w.Sleeps != "" && strings.HasPrefix(line, w.Sleeps) {
		time.Sleep(time.Hour)
	}
	return run(&w, os.Args[1:])
}

// after returns the arguments behind the given ones, which have to be there.
func after(args []string, want ...string) []string {
	if len(args) < len(want) || !slices.Equal(args[:len(want)], want) {
		panic(fmt.Sprintf("wants %q", want))
	}
	return args[len(want):]
}

func starts(args []string, want ...string) bool {
	return len(args) >= len(want) && slices.Equal(args[:len(want)], want)
}

func only(args []string) string {
	if len(args) != 1 {
		panic("wants one argument")
	}
	return args[0]
}

// comes are the packages that are to be installed for one, itself last, and those
// that move, at the version of now.
func (w *world) comes(tool, place, name, version string) (names []string, versions, before map[string]string) {
	versions, before = map[string]string{}, map[string]string{}
	var visit func(name, version string)
	visit = func(name, version string) {
		if version == "" {
			version = w.Offers[tool+":"+name][0]
		}
		have, there := w.place(place)[name]
		if there && (have == version || len(names) > 0 || versions["."] != "") {
			if have == version || versions["."] != "" {
				return
			}
		}
		if there {
			before[name] = have
		}
		versions["."] = "nested"
		for _, need := range w.Needs[tool+":"+name] {
			visit(need, "")
		}
		versions[name] = version
		names = append(names, name)
	}
	visit(name, version)
	delete(versions, ".")
	return names, versions, before
}

func (w *world) install(tool, place, name, version string) {
	names, versions, _ := w.comes(tool, place, name, version)
	for _, n := range names {
		w.place(place)[n] = versions[n]
	}
}

// best is the first version on offer that meets the constraint, "" for none.
func (w *world) best(tool, name, constraint string) string {
	for _, version := range w.Offers[tool+":"+name] {
		if meets(version, constraint) {
			return version
		}
	}
	return ""
}

func meets(version, constraint string) bool {
	for clause := range strings.SplitSeq(constraint, ",") {
		want := strings.TrimLeft(clause, "<>=^")
		order := compareNumbers(version, want)
		var ok bool
		switch strings.TrimSuffix(clause, want) {
		case "":
			ok = want == "" || order == 0
		case "=", "==":
			ok = order == 0
		case ">=":
			ok = order >= 0
		case "<=":
			ok = order <= 0
		case "<", "<<":
			ok = order < 0
		case "^":
			major, _, _ := strings.Cut(version, ".")
			wantMajor, _, _ := strings.Cut(want, ".")
			ok = order >= 0 && major == wantMajor
		default:
			panic("constraint " + clause)
		}
		if !ok {
			return false
		}
	}
	return true
}

func compareNumbers(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		n, m := 0, 0
		if i < len(x) {
			n, _ = strconv.Atoi(x[i])
		}
		if i < len(y) {
			m, _ = strconv.Atoi(y[i])
		}
		if n != m {
			return n - m
		}
	}
	return 0
}

func aptGet(w *world, args []string) int {
	switch {
	case starts(args, "install", "--simulate"):
		name, version, _ := strings.Cut(only(after(args, "install", "--simulate", "--no-install-recommends", "--")), "=")
		fmt.Println("Reading package lists...\nBuilding dependency tree...\nReading state information...")
		if gone := w.Removes["apt:"+name]; gone != "" {
			fmt.Printf("Remv %s [1.0]\n", gone)
		}
		names, versions, before := w.comes("apt", "apt", name, version)
		for _, n := range names {
			if was, moves := before[n]; moves {
				fmt.Printf("Inst %s [%s] (%s Debian:12.15/oldstable [amd64])\n", n, was, versions[n])
			} else {
				fmt.Printf("Inst %s (%s Debian:12.15/oldstable [amd64])\n", n, versions[n])
			}
			fmt.Printf("Conf %s (%s Debian:12.15/oldstable [amd64])\n", n, versions[n])
		}
	case starts(args, "install"):
		target := only(after(args, "install", "--yes", "--quiet", "--no-install-recommends", "--no-remove", "-o", "DPkg::Lock::Timeout=120", "--"))
		name, version, _ := strings.Cut(target, "=")
		if os.Getenv("DEBIAN_FRONTEND") != "noninteractive" || os.Getenv("CLYDE_CANARY") != "" {
			panic("environment")
		}
		w.install("apt", "apt", name, version)
		fmt.Printf("Setting up %s (%s) ...\n", name, version)
	default:
		for _, name := range after(args, "remove", "--yes", "--quiet", "-o", "DPkg::Lock::Timeout=120", "--") {
			delete(w.place("apt"), name)
		}
	}
	return 0
}

func aptCache(w *world, args []string) int {
	if starts(args, "policy") {
		name := only(after(args, "policy"))
		offers := w.Offers["apt:"+name]
		if len(offers) == 0 {
			return 0
		}
		fmt.Printf("%s:\n  Installed: (none)\n  Candidate: %s\n  Version table:\n     %s 500\n", name, offers[0], offers[0])
		return 0
	}
	name := only(after(args, "madison"))
	for _, version := range w.Offers["apt:"+name] {
		fmt.Printf("%10s | %10s | http://deb.debian.org/debian bookworm/main amd64 Packages\n", name, version)
	}
	return 0
}

func dpkg(_ *world, args []string) int {
	if starts(args, "--configure") {
		after(args, "--configure", "--pending")
		return 0
	}
	rest := after(args, "--compare-versions")
	order := compareNumbers(rest[0], rest[2])
	yes, known := map[string]bool{"eq": order == 0, "ge": order >= 0, "le": order <= 0, "lt": order < 0, "gt": order > 0}[rest[1]]
	if !known || len(rest) != 3 {
		panic("operator")
	}
	if yes {
		return 0
	}
	return 1
}

func dpkgQuery(w *world, args []string) int {
	name := only(after(args, "--show", "--showformat=${db:Status-Status} ${Package} ${Version}\n"))
	version, ok := w.place("apt")[name]
	if !ok {
		fmt.Fprintln(os.Stderr, "dpkg-query: no packages found matching "+name)
		return 1
	}
	fmt.Printf("installed %s %s\n", name, version)
	return 0
}

func npm(w *world, args []string) int {
	switch {
	case starts(args, "ls"):
		rest := after(args, "ls", "--json", "--depth=0", "--prefix")
		installed := maps.Clone(w.place(rest[0]))
		if len(rest) > 1 {
			name, constraint, _ := strings.Cut(only(after(rest[1:], "--")), "@")
			if !meets(w.place(rest[0])[name], constraint) {
				fmt.Println("{}")
				return 1
			}
		}
		dependencies := map[string]any{}
		for name, version := range installed {
			dependencies[name] = map[string]any{"version": version, "overridden": false}
		}
		printJSON(map[string]any{"name": "npm", "dependencies": dependencies})
	case starts(args, "install", "--dry-run"):
		rest := after(args, "install", "--dry-run", "--no-audit", "--no-fund", "--prefix")
		mustBeFolder(rest[0])
		name, constraint, _ := strings.Cut(only(after(rest[1:], "--")), "@")
		version := w.best("npm", name, constraint)
		if version == "" {
			fmt.Fprintf(os.Stderr, "npm error code ETARGET\nnpm error notarget No matching version found for %s@%s.\n", name, constraint)
			return 1
		}
		names, versions, before := w.comes("npm", rest[0], name, version)
		for _, n := range names {
			if was, moves := before[n]; moves {
				fmt.Printf("change %s %s => %s\n", n, was, versions[n])
			} else {
				fmt.Printf("add %s %s\n", n, versions[n])
			}
		}
		fmt.Printf("\nadded %d packages in 751ms\n", len(names))
	case starts(args, "install"):
		rest := after(args, "install", "--no-audit", "--no-fund", "--no-progress", "--prefix")
		mustBeFolder(rest[0])
		name, version, _ := strings.Cut(only(after(rest[1:], "--")), "@")
		w.install("npm", rest[0], name, version)
	default:
		rest := after(args, "uninstall", "--no-audit", "--no-fund", "--no-progress", "--prefix")
		name := only(after(rest[1:], "--"))
		for _, n := range append(w.Needs["npm:"+name], name) {
			delete(w.place(rest[0]), n)
		}
	}
	return 0
}

func mustBeFolder(path string) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		panic(path + " is no folder")
	}
}

func printJSON(v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	fmt.Println(string(data))
}

// python is pip's, inside and outside of a virtual environment.
func python(w *world, args []string) int {
	here := filepath.Dir(os.Args[0])
	if starts(args, "-m", "venv") {
		return makeVenv(only(after(args, "-m", "venv")), here)
	}
	place := filepath.Dir(here)
	args = after(args, "-m", "pip")
	report := func(spec string) int {
		at := strings.IndexAny(spec, "<>=")
		name, constraint := spec, ""
		if at >= 0 {
			name, constraint = spec[:at], spec[at:]
		}
		name = strings.ToLower(name)
		version := w.best("pip", name, constraint)
		install := []any{}
		if have := w.place(place)[name]; have == "" || !meets(have, constraint) {
			if version == "" {
				fmt.Fprintf(os.Stderr, "ERROR: Could not find a version that satisfies the requirement %s (from versions: none)\nERROR: No matching distribution found for %s\n", spec, spec)
				return 1
			}
			names, versions, _ := w.comes("pip", place, name, version)
			for _, n := range names {
				install = append(install, map[string]any{"requested": n == name, "metadata": map[string]any{"name": strings.ToUpper(n), "version": versions[n]}})
			}
		}
		printJSON(map[string]any{"version": "1", "pip_version": "23.2.1", "install": install})
		return 0
	}
	switch {
	case starts(args, "list"):
		after(args, "list", "--format", "json")
		all := []any{}
		for name, version := range w.place(place) {
			all = append(all, map[string]any{"name": name, "version": version})
		}
		printJSON(all)
	case slices.Contains(args, "--help"):
		after(args, "install", "--dry-run", "--report", "-", "--help")
	case starts(args, "install", "--dry-run", "--ignore-installed"):
		return report(only(after(args, "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-", "--")))
	case starts(args, "install", "--dry-run"):
		return report(only(after(args, "install", "--dry-run", "--quiet", "--report", "-", "--")))
	case starts(args, "install", "--quiet", "--no-deps"):
		for _, pin := range after(args, "install", "--quiet", "--no-deps", "--") {
			name, version, _ := strings.Cut(pin, "==")
			w.place(place)[name] = version
		}
	case starts(args, "install"):
		name, version, _ := strings.Cut(only(after(args, "install", "--quiet", "--")), "==")
		w.install("pip", place, name, version)
	default:
		for _, name := range after(args, "uninstall", "--yes", "--quiet", "--") {
			if _, ok := w.place(place)[strings.ToLower(name)]; !ok {
				panic(name + " is not installed")
			}
			delete(w.place(place), strings.ToLower(name))
		}
	}
	return 0
}

// makeVenv makes a folder with a python that knows where the world is.
func makeVenv(prefix, tools string) int {
	bin := filepath.Join(prefix, "bin")
	for _, err := range []error{
		os.MkdirAll(bin, 0o755),
		os.Symlink(filepath.Join(tools, "python3"), filepath.Join(bin, "python")),
		os.WriteFile(filepath.Join(bin, "world"), []byte(filepath.Join(tools, "world.json")), 0o644),
		os.WriteFile(filepath.Join(prefix, "pyvenv.cfg"), nil, 0o644),
	} {
		if err != nil {
			panic(err)
		}
	}
	return 0
}

// conda answers as conda 23 and newer.
func conda(w *world, args []string) int {
	split := func(spec string) (name, constraint string) {
		if _, rest, ok := strings.Cut(spec, "::"); ok {
			spec = rest
		}
		if at := strings.IndexAny(spec, "<>="); at >= 0 {
			return spec[:at], spec[at:]
		}
		return spec, ""
	}
	switch {
	case starts(args, "create"):
		prefix := only(after(args, "create", "--yes", "--quiet", "--prefix"))
		if err := os.MkdirAll(filepath.Join(prefix, "conda-meta"), 0o755); err != nil {
			panic(err)
		}
	case starts(args, "list"):
		all := []any{}
		for name, version := range w.place(only(after(args, "list", "--json", "--prefix"))) {
			all = append(all, map[string]any{"base_url": "https://repo.anaconda.com/pkgs/main", "build_number": 0, "build_string": "h0", "channel": "pkgs/main", "dist_name": name + "-" + version + "-h0", "name": name, "platform": "linux-64", "version": version})
		}
		printJSON(all)
	case starts(args, "install", "--dry-run"):
		rest := after(args, "install", "--dry-run", "--json", "--prefix")
		mustBeFolder(filepath.Join(rest[0], "conda-meta"))
		name, constraint := split(only(rest[1:]))
		if have := w.place(rest[0])[name]; have != "" && meets(have, constraint) {
			printJSON(map[string]any{"message": "All requested packages already installed.", "success": true})
			return 0
		}
		version := w.best("conda", name, constraint)
		if version == "" {
			printJSON(map[string]any{"error": "PackagesNotFoundError: " + name, "exception_name": "PackagesNotFoundError"})
			return 1
		}
		names, versions, before := w.comes("conda", rest[0], name, version)
		link, unlink := []any{}, []any{}
		for _, n := range names {
			link = append(link, map[string]any{"channel": "pkgs/main", "name": n, "version": versions[n]})
		}
		for n, was := range before {
			unlink = append(unlink, map[string]any{"channel": "pkgs/main", "name": n, "version": was})
		}
		printJSON(map[string]any{"actions": map[string]any{"FETCH": []any{}, "LINK": link, "UNLINK": unlink, "PREFIX": rest[0]}, "dry_run": true, "prefix": rest[0], "success": true})
	case starts(args, "install"):
		rest := after(args, "install", "--yes", "--quiet", "--prefix")
		mustBeFolder(filepath.Join(rest[0], "conda-meta"))
		for _, spec := range rest[1:] {
			name, constraint := split(spec)
			w.install("conda", rest[0], name, w.best("conda", name, constraint))
		}
	default:
		rest := after(args, "remove", "--yes", "--quiet", "--prefix")
		for _, name := range rest[1:] {
			if _, ok := w.place(rest[0])[name]; !ok {
				fmt.Fprintln(os.Stderr, "PackagesNotFoundError: The following packages are missing from the target environment:\n  - "+name)
				return 1
			}
			delete(w.place(rest[0]), name)
		}
	}
	return 0
}

func brew(w *world, args []string) int {
	if os.Getenv("HOMEBREW_NO_AUTO_UPDATE") != "1" {
		panic("would update itself")
	}
	switch {
	case starts(args, "list"):
		after(args, "list", "--formula", "--versions")
		for _, name := range slices.Sorted(maps.Keys(w.place("brew"))) {
			fmt.Println(name, "0.9", w.place("brew")[name])
		}
	case starts(args, "info"):
		name := only(after(args, "info", "--json=v2", "--formula"))
		offers := w.Offers["brew:"+name]
		if len(offers) == 0 {
			fmt.Fprintf(os.Stderr, "Error: No available formula with the name %q.\n", name)
			return 1
		}
		printJSON(map[string]any{"formulae": []any{map[string]any{"name": name, "versions": map[string]any{"stable": offers[0], "head": nil, "bottle": true}}}, "casks": []any{}})
	case starts(args, "install", "--formula", "--dry-run"):
		name := only(after(args, "install", "--formula", "--dry-run"))
		names, _, _ := w.comes("brew", "brew", name, "")
		fmt.Println("==> Would install 1 formula:\n" + name)
		if needs := names[:len(names)-1]; len(needs) > 0 {
			fmt.Printf("==> Would install %d dependencies for %s:\n%s\n", len(needs), name, strings.Join(needs, " "))
		}
	case starts(args, "install"):
		w.install("brew", "brew", only(after(args, "install", "--formula", "--quiet")), "")
	default:
		for _, name := range after(args, "uninstall", "--formula") {
			delete(w.place("brew"), name)
		}
	}
	return 0
}

func docker(w *world, args []string) int {
	switch {
	case starts(args, "version"):
		after(args, "version", "--format", "{{.Server.Version}}")
		fmt.Println("28.2.2")
	case starts(args, "image", "inspect"):
		name := only(after(args, "image", "inspect", "--format", "{{.Id}}"))
		if w.place("docker")[name] == "" {
			fmt.Fprintln(os.Stderr, "Error response from daemon: No such image: "+name)
			fmt.Println()
			return 1
		}
		fmt.Println("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	case starts(args, "image", "pull"):
		name := only(after(args, "image", "pull", "--quiet"))
		w.place("docker")[name] = "1"
		fmt.Println("docker.io/library/" + name)
	default:
		delete(w.place("docker"), only(after(args, "image", "rm")))
	}
	return 0
}

func pkgConfig(w *world, args []string) int {
	if starts(args, "--version") {
		fmt.Println("1.8.1")
		return 0
	}
	version := w.place("pkg-config")[only(after(args, "--modversion", "--"))]
	if version == "" {
		return 1
	}
	fmt.Println(version)
	return 0
}

func rpm(w *world, args []string) int {
	name := only(after(args, "--query", "--queryformat", "%{NAME} %{VERSION}\n"))
	if w.place("rpm")[name] == "" {
		fmt.Printf("package %s is not installed\n", name)
		return 1
	}
	fmt.Println(name, w.place("rpm")[name])
	return 0
}

func dnf(w *world, args []string) int {
	switch {
	case starts(args, "--quiet"):
		name := only(after(args, "--quiet", "repoquery", "--latest-limit=1", "--queryformat", "%{name} %{version}\n"))
		for _, version := range w.Offers["rpm:"+name] {
			fmt.Println(name, version)
		}
	case starts(args, "install"):
		target := only(after(args, "install", "--assumeyes"))
		at := strings.LastIndex(target, "-")
		w.install("rpm", "rpm", target[:at], target[at+1:])
	default:
		for _, name := range after(args, "remove", "--assumeyes") {
			delete(w.place("rpm"), name)
		}
	}
	return 0
}
