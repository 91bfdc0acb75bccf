package client

import (
	"os"
	"path/filepath"
	"runtime"
)

// Places are the folders and files outside the project, all absolute. Cache
// and Store are the defaults; the settings "cache" and "store" move them.
type Places struct {
	SystemConfig string // config.yaml of the machine
	UserConfig   string // config.yaml of the user
	Cache        string // copies of registries and archives; may be deleted
	Store        string // installed trees, by digest
}

// PlacesOf works the places out of the environment. The XDG variables count
// on every system; a relative value is ignored, as the XDG Base Directory
// specification asks. Without them it is ~/.config, ~/.cache and ~/.local/share
// on Unix, ~/Library on macOS, and %APPDATA% and %LOCALAPPDATA% on Windows.
// CLYDE_SYSTEM_CONFIG names another system file.
//
// The environment comes in as getenv, not from the process, so that a run
// depends on nothing but what it was handed.
func PlacesOf(getenv func(string) string) (Places, error) {
	return placesOn(runtime.GOOS, getenv)
}

func placesOn(goos string, getenv func(string) string) (Places, error) {
	config, cache, data := platformFolders(goos, getenv)
	for _, f := range []struct {
		path     *string
		variable string
	}{
		{&config, "XDG_CONFIG_HOME"}, {&cache, "XDG_CACHE_HOME"}, {&data, "XDG_DATA_HOME"},
	} {
		if set := getenv(f.variable); filepath.IsAbs(set) {
			*f.path = filepath.Clean(set)
		}
		if !filepath.IsAbs(*f.path) {
			return Places{}, &Error{
				Class: ErrUsage, Message: "no home folder: neither HOME nor " + f.variable + " is set",
				Remedy: "set " + f.variable + " to an absolute path",
			}
		}
	}
	return Places{
		SystemConfig: systemConfig(goos, getenv),
		UserConfig:   filepath.Join(config, "clyde", "config.yaml"),
		Cache:        filepath.Join(cache, "clyde"),
		Store:        filepath.Join(data, "clyde", "store"),
	}, nil
}

// platformFolders are the folders of a system when no XDG variable is set;
// not absolute when the system does not say either.
func platformFolders(goos string, getenv func(string) string) (config, cache, data string) {
	home := getenv("HOME")
	switch goos {
	case "windows":
		local := getenv("LOCALAPPDATA")
		return getenv("APPDATA"), filepath.Join(local, "cache"), local
	case "darwin":
		support := filepath.Join(home, "Library", "Application Support")
		return support, filepath.Join(home, "Library", "Caches"), support
	}
	return filepath.Join(home, ".config"), filepath.Join(home, ".cache"), filepath.Join(home, ".local", "share")
}

func systemConfig(goos string, getenv func(string) string) string {
	if set := getenv("CLYDE_SYSTEM_CONFIG"); filepath.IsAbs(set) {
		return filepath.Clean(set)
	}
	if goos == "windows" {
		return filepath.Join(getenv("ProgramData"), "clyde", "config.yaml")
	}
	return "/etc/clyde/config.yaml"
}

// FindProject looks for the project of dir: the nearest folder, from dir
// upwards, that holds .clyde/package.yaml or .clyde/config.yaml. It reports
// false when there is none.
func FindProject(dir string) (root string, ok bool) {
	for {
		for _, name := range []string{"package.yaml", "config.yaml"} {
			info, err := os.Stat(filepath.Join(dir, ".clyde", name))
			if err == nil && info.Mode().IsRegular() {
				return dir, true
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
