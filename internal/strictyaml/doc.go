// Package strictyaml reads the YAML files that people write for clyde: the
// manifest, the policy and owners files of an index, and configuration.
//
// It accepts a subset of YAML 1.2 in which a text has one obvious meaning:
//
//   - one document of at most [MaxSize] bytes of UTF-8 without a byte order
//     mark, lines ended by LF or CR LF, nested at most [MaxDepth] levels;
//   - mappings with text keys, none of them twice;
//   - no anchors, aliases, merge keys or explicit tags;
//   - scalars of the type that is asked for: 1.10 without quotes is a number
//     in YAML and never silently becomes the text "1.10".
//
// A mapping or list that is written with no value ("dependencies:") is empty.
// A file with no document is an empty mapping.
//
// # Problems
//
// Nothing stops at the first mistake. Each one becomes a [Problem] with file,
// line, column, field, detail and a hint, and [Document.Err] returns them all,
// sorted by position, as [Problems]. Lines and columns count from 1; a column
// counts characters, not bytes.
//
// # Reading
//
// A reader asks for what it wants and gets a zero value where that is absent
// or wrong; wrong values are reported on the way:
//
//	doc := strictyaml.Parse("config.yaml", data)
//	root := doc.Root().Mapping("name", "registries")
//	name := root.Get("name").Text()
//	for _, item := range root.Get("registries").List() {
//		registry := item.Mapping("url", "type")
//		...
//		if !valid(url) {
//			registry.Get("url").Report("write https://HOST/PATH", "%q is not a URL", url)
//		}
//	}
//	if err := doc.Err(); err != nil {
//		return nil, err
//	}
package strictyaml
