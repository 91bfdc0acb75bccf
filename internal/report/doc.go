// Package report writes the judgement of a change for people and for programs.
//
// A [review.Report] is data; this package gives it its forms:
//
//   - [WriteText], for a terminal;
//   - [Markdown], for the one comment on a pull request and for the page of a
//     workflow run;
//   - [SARIF], version 2.1.0, for hosts that show findings beside the files;
//   - [Status], for the mark beside a commit.
//
// JSON is the report itself: [review.Report.JSON].
//
// # Order
//
// All forms that a person reads have one order: the verdict; what is wrong;
// what needs a person, and why; what is worth a look; every check by its ID;
// what the version changes for those who use it; who signed it, beside who is on
// record; and the command that gives the same report on another machine.
//
// # Text from outside
//
// Names, descriptions, paths and messages in a report may have been written by
// whoever proposed the change. In a terminal they are escaped by package
// terminal, in Markdown by package markdown, and in SARIF so that they are
// neither links nor placeholders. Markdown stays below the size that hosts take:
// what is cut is said to be, and how many entries it was.
//
// The forms depend on nothing but the report, and equal reports give equal
// bytes.
package report
