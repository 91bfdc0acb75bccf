// Package schemas holds the JSON Schemas (draft 2020-12) of the files that
// clyde reads and writes, for editors and for other implementations.
//
//	package.v1.schema.json   .clyde/package.yaml, the manifest
//	config.v1.schema.json    config.yaml of a user, a project or a machine
//	lock.v1.schema.json      one line of .clyde/lock.jsonl
//	line.v1.schema.json      one line of a package file of an index
//	policy.v1.schema.json    policy.yaml of an index
//	override.v1.schema.json  overrides/... of an index
//	owners.v1.schema.json    owners/... of an index
//
// The number is the version of the schema's file format. A schema that would
// refuse what it accepted before, or accept what clyde does not, gets a new
// number; the old file stays.
//
// The code does not validate with them: it has rules that no schema can say,
// and errors with places and hints. Tests beside each reader hold both to the
// same documents.
package schemas

import "embed"

// FS holds the schemas, each at the root under the name listed above.
//
//go:embed *.v1.schema.json
var FS embed.FS
