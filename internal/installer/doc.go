// Package installer speaks with the programs that install packages of a type that
// clyde does not know itself.
//
// The type of a package says how it is installed. The program that installs type
// NAME is called clyde-installer-NAME, see package plugin. It is run once for each
// request: the request is one JSON object on its input, the answer one JSON object
// on its output, and what it writes to its error output is for a person to read. It
// runs as a hook does, see package hook: with a clean environment, in the sandbox
// where there is one, in the folder of the request's tree, and for a limited time.
//
// # Requests
//
//	{"protocol":1,"verb":"describe"}
//	{"protocol":1,"verb":"check","type":"font","package":"acme/sans","version":"1.2.0",
//	 "platform":"linux-x86_64","tree":"/…/tree"}
//	{"protocol":1,"verb":"install", … as check …,"staging":"/…/acme/sans"}
//
// The tree has the files of the package and is not to be written to. The staging
// folder is empty. What "install" puts there is the installed package: it takes the
// place of the tree. A program must refuse a protocol that it does not know.
//
// # Answers
//
//	describe: {"protocol":1,"type":"font","description":"Fonts, for fontconfig."}
//	check:    {"protocol":1,"problems":[{"path":"a.txt","detail":"is no font","hint":"…"}]}
//	install:  {"protocol":1,"files":["share/fonts/sans.ttf"],"search":{"XDG_DATA_DIRS":["share"]}}
//	any:      {"protocol":1,"error":{"detail":"…","hint":"…"}}
//
// The files are all that lie in the staging folder, by their paths with "/". They
// are regular files; there are no links among them. Search has folders of the
// staging folder for search paths: variables whose name ends in PATH, PATHS or
// DIRS. Members that are not known are ignored. The exit status is 0, with an
// "error" too.
//
// # What is not asked
//
// There is no verb for removing or verifying. All that an installer adds lies in
// one folder, which belongs to a generation: it goes away with the last generation
// that has it, comes back with a rollback, and clyde itself compares its files with
// what they were.
package installer
