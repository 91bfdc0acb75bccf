// Package hook runs the hooks of packages: programs that a package brings and
// that run where it is installed.
//
// A hook is a program and its arguments. No shell is involved. A program with a
// "/" in it is a file of the package; one without is looked for in the search
// path below. Whether a hook may run at all is decided elsewhere.
//
// # What a hook is given
//
// The working folder is the package's. The input is that of [Hook.Input], empty as
// a rule. The environment is
// not that of clyde; it is
//
//	PATH    /usr/local/bin:/usr/bin:/bin on Unix, the system's folders on Windows
//	HOME    a folder of this run alone, removed afterwards (USERPROFILE on Windows)
//	TMPDIR  another such folder (TEMP and TMP on Windows)
//	LANG    C.UTF-8
//	SystemRoot, PATHEXT, COMSPEC   those of the machine, on Windows
//
// and the values that begin with CLYDE_: those of [Hook.Env], and
//
//	CLYDE_HOOK             the name of the hook: "post-install"
//	CLYDE_PACKAGE_NAME     of the package
//	CLYDE_PACKAGE_VERSION
//	CLYDE_PACKAGE_DIR      its folder, the working folder
//	CLYDE_SANDBOX          "bubblewrap" or "none"
//
// # The sandbox
//
// On Linux, where bubblewrap is installed and works, a hook runs in namespaces
// of its own: there is no network, not even that of the machine itself; no
// process but its own is to be seen; it has no capabilities; it sees the
// system's programs and libraries and a few files of /etc, its package, and the
// folders of [Hook.Writable], and nothing of /home, /root, /run or /var. It
// writes in the folders of Writable, in HOME and in TMPDIR; everything else is
// read-only. Elsewhere it runs with the rights of the person, and
// [Runner.Sandbox] says so before: "none".
//
// # The end
//
// A hook has a time limit. Nothing that it started outlives it: see package
// process. In the sandbox the kernel ends all of its processes with it, also
// when clyde itself is killed.
package hook
