package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// released is the version that action/build.sh builds, set by the linker.
var released = "devel"

// version is what action/build.sh was told to build, or else the module version
// this binary was built from, "devel" for a build from a checkout.
func version() string {
	if released != "devel" {
		return released
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func versionCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of clyde",
		Example: "  clyde version\n" +
			"  clyde version --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.printJSON(map[string]string{
					"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
				})
			}
			a.printf("clyde %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
