// Package action is the runtime of a GitHub Action: what a step is told, and
// what it can say.
//
// # What a step is told
//
// A [Runner] reads the variables that GitHub documents under "Store information
// in variables": who runs where ([Runner.Context]), the inputs ([Runner.Input]),
// and the event ([Runner.Release]). All of it may come from strangers: whoever
// can push a tag or name a release chooses these texts. So each value is bounded
// and has its form checked before it is handed on, and a tag that would mean
// something to a shell is refused by name, see [CheckTag].
//
// An input NAME comes in the variable INPUT_NAME, upper case. A composite action
// sets these itself, and a shell keeps only names of letters, digits and "_", so
// "-" and spaces are written "_".
//
// # What a step can say
//
// Commands are lines on standard output, "::name key=value,key=value::text".
// In the text, "%", CR and LF are escaped; in a value also ":" and ",". Any
// other line that starts with "::" or contains "##[" would be a command too, so
// text from outside is written by [Runner.Print] alone, which stops commands
// with a random token for as long as it writes.
//
// Outputs and the summary are appended to files that the runner names. A value
// stands between two lines with a random delimiter. Limits are those that
// GitHub documents: 1 MiB for an output, 1 MiB for the summary of a step, ten
// annotations of a kind for a step.
//
// # Who a step is
//
// A job with "id-token: write" may ask for a token that says which repository,
// commit and workflow it is: [Runner.IDToken].
//
// Sources: GitHub's documentation, "Workflow commands for GitHub Actions",
// "Variables reference", "Webhook events and payloads: release" and "OpenID
// Connect reference".
package action
