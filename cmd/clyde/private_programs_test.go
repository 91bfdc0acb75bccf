package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/clydepm/clyde/internal/credential"
)

// dumpDriver installs a thing, and writes down what it sees when it is asked and
// when it installs. It lets through what a careless author would.
const dumpDriver = `drivers:
  x-dump:
    pass: [DUMP, CLYDE_*, GIT*, ACTIONS_*, INPUT_*, VAULT_*, BAO_*]
    installed: {run: [sh, -c, 'env >"$DUMP/asked"; cat "$DUMP/there"'], lines: '^(?P<name>\S+) (?P<version>\S+)$'}
    install: [[sh, -c, 'env >"$DUMP/driver"; echo thing 1.0 >"$DUMP/there"']]
`

// dumpInstaller makes an installed package of its environment.
const dumpInstaller = `#!/bin/sh
read -r request
case $request in
*'"verb":"install"'*)
	env >"$(printf '%s' "$request" | sed 's/.*"staging":"\([^"]*\)".*/\1/')/environment"
	echo '{"protocol":1,"files":["environment"]}' ;;
*) echo '{"protocol":1,"type":"dump","description":"its environment"}' ;;
esac
`

// releasePrograms publishes a package with a hook and an external dependency, and
// one for which there is an installer.
func (h *privateHost) releasePrograms() {
	h.t.Helper()
	h.release("hooked", "hooks: {post-install: {run: [sh, -c, 'env >environment']}}\nexternal-dependencies: [\"x-dump:thing\"]\n", "archives")
	h.release("typed", "type: dump\n", "archives")
}

// tokensEverywhere puts the token into every variable that has one, in the
// environment of this process too, and what tells its environment on PATH.
func (u *tenant) tokensEverywhere() {
	u.t.Helper()
	for _, name := range []string{
		credential.Variable(u.host.host), "CLYDE_INDEX_TOKEN", "CLYDE_KEY_PASSWORD", "GITHUB_TOKEN", "GITEA_TOKEN", "VAULT_TOKEN", "BAO_TOKEN",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "INPUT_TOKEN", "INPUT_INDEX_TOKEN", "INPUT_SIGN_KEY", "INPUT_SIGN_KEY_PASSWORD",
	} {
		u.t.Setenv(name, canary)
	}
	u.t.Setenv("DUMP", filepath.Join(u.dir, "dump"))
	u.write("dump/there", "")
	u.write("xdg/config/clyde/drivers.yaml", dumpDriver)
	u.write("installers/clyde-installer-dump", dumpInstaller)
	if err := os.Chmod(filepath.Join(u.dir, "installers", "clyde-installer-dump"), 0o755); err != nil {
		u.t.Fatal(err)
	}
	u.env["PATH"] = filepath.Join(u.dir, "installers")
}

// runPrograms has a driver, a hook and an installer write their environments down.
func (u *tenant) runPrograms() {
	u.t.Helper()
	u.must("add", "hooked", "typed", "--yes")
	for _, name := range []string{
		"dump/asked", "dump/driver", "project/.clyde/packages/hooked/environment", "project/.clyde/packages/typed/environment",
	} {
		if data, err := os.ReadFile(filepath.Join(u.dir, filepath.FromSlash(name))); err != nil || !strings.Contains(string(data), "PATH=") {
			u.t.Errorf("%s does not have the environment of a program: %v\n%s", name, err, data)
		}
	}
}

// dumpHelper is a credential helper that writes down what it sees of clyde's.
func (u *tenant) dumpHelper() string {
	return fmt.Sprintf("#!/bin/sh\nenv | grep ^CLYDE_ >>%q\necho password=%s\n", filepath.Join(u.dir, "helper-environment"), canary)
}
