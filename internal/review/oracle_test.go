package review

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"deps.dev/util/semver"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// oracle says whether a change is valid, from docs/format.md and the schemas
// alone: it shares no code with what it is the judge of. It is for changes made
// from one that is known to be valid.
type oracle struct {
	valid   validChange
	schemas map[string]*jsonschema.Schema
	order   map[string][]string // of the members of each kind of object
}

func newOracle(t *testing.T, valid validChange) *oracle {
	t.Helper()
	o := &oracle{valid: valid, schemas: map[string]*jsonschema.Schema{}, order: map[string][]string{}}
	for _, name := range []string{"line", "owners", "policy", "override"} {
		schema, err := jsonschema.NewCompiler().Compile("../../schemas/" + name + ".v1.schema.json")
		if err != nil {
			t.Fatal(err)
		}
		o.schemas[name] = schema
	}
	data, err := os.ReadFile("../../schemas/line.v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Properties json.RawMessage
		Defs       map[string]struct{ Properties json.RawMessage } `json:"$defs"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	o.order["line"] = keysOf(document.Properties)
	for name, def := range document.Defs {
		o.order[name] = keysOf(def.Properties)
	}
	return o
}

// keysOf are the keys of a JSON object, as they are written.
func keysOf(object json.RawMessage) (keys []string) {
	value, err := ordered(object)
	if err != nil {
		return nil
	}
	for _, m := range value.(objectValue) {
		keys = append(keys, m.key)
	}
	return keys
}

// check reports why head does not validly follow the base. Automatic says that
// it would be merged without a person.
func (o *oracle) check(head fstest.MapFS, automatic bool) error {
	var changed []string
	for name := range maps.Collect(union(o.valid.base, head)) {
		before, after := o.valid.base[name], head[name]
		if before != nil && after != nil && before.Mode == after.Mode && bytes.Equal(before.Data, after.Data) {
			continue
		}
		if after != nil && after.Mode != 0o644 {
			return fmt.Errorf("%s has mode %v", name, after.Mode)
		}
		changed = append(changed, name)
	}
	slices.Sort(changed)
	if len(changed) == 0 {
		return errors.New("nothing changes")
	}
	if slices.ContainsFunc(changed, governs) {
		return o.policy(changed, head, automatic)
	}
	if len(changed) == 1 && strings.HasPrefix(changed[0], "sources/") {
		return o.source(changed[0], head, automatic)
	}
	if len(changed) == 1 && strings.HasPrefix(changed[0], "owners/") {
		return o.owners(changed[0], head, automatic)
	}
	return o.pack(changed, head)
}

func union(a, b fstest.MapFS) func(func(string, bool) bool) {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return func(yield func(string, bool) bool) {
		for name := range both {
			if !yield(name, true) {
				return
			}
		}
	}
}

var governingPath = regexp.MustCompile(`^(config\.json|policy\.yaml|README\.md|LICENSE|CONTRIBUTING\.md|CODEOWNERS|\.gitattributes|\.gitignore|overrides/[a-z0-9_-][a-z0-9._-]*\.yaml|(trust|\.github|\.gitea|\.forgejo)/.*)$`)

func governs(name string) bool {
	return governingPath.MatchString(name) && (name == "config.json" || !strings.HasSuffix(strings.ToLower(name), ".json"))
}

func (o *oracle) policy(changed []string, head fstest.MapFS, automatic bool) error {
	if automatic {
		return errors.New("a change of the policy without a person")
	}
	for _, name := range changed {
		var err error
		file := head[name]
		switch {
		case !governs(name):
			return fmt.Errorf("%s changes together with the policy", name)
		case file == nil && (name == "config.json" || name == "policy.yaml"):
			return fmt.Errorf("%s is gone", name)
		case file == nil:
		case name == "policy.yaml":
			err = o.document("policy", file.Data)
		case strings.HasPrefix(name, "overrides/"):
			err = o.document("override", file.Data)
		case name == "config.json":
			err = o.config(changed, file.Data)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// config accepts a config.json that has no new squash, or the very one that is
// known to be signed, alone and with nothing else changed.
func (o *oracle) config(changed []string, data []byte) error {
	squash := func(data []byte) (whole map[string]any, squash any, err error) {
		if _, err := ordered(data); err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(data, &whole); err != nil {
			return nil, nil, err
		}
		clyde, _ := whole["clyde"].(map[string]any)
		return whole, clyde["squash"], nil
	}
	whole, now, err := squash(data)
	if err != nil {
		return err
	}
	if _, before, err := squash(o.valid.base["config.json"].Data); err != nil || reflect.DeepEqual(now, before) {
		return err
	}
	known, _, err := squash(o.valid.head["config.json"].Data)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(whole, known) || len(changed) > 1 {
		return errors.New("another squash than the one that is signed")
	}
	return nil
}

// document validates YAML of one document by a schema. The reader of this
// repository may refuse more.
func (o *oracle) document(schema string, data []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var value any
	if err := decoder.Decode(&value); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return o.schemas[schema].Validate(value)
}

func (o *oracle) owners(file string, head fstest.MapFS, automatic bool) error {
	if head[file] == nil {
		return errors.New("the owners are gone")
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(file, "owners/"), ".yaml")
	if head[inner] == nil && head[inner+".json"] == nil {
		return fmt.Errorf("%s is of no package", file)
	}
	if err := o.document("owners", head[file].Data); err != nil {
		return err
	}
	if before := o.valid.base[file]; automatic && before != nil {
		old, now := publisherIDs(before.Data), publisherIDs(head[file].Data)
		for id := range now {
			if len(old) > 0 && !old[id] {
				return fmt.Errorf("publisher %s comes without a person", id)
			}
		}
		if len(old) > 0 && len(now) == 0 {
			return errors.New("anyone may publish, without a person")
		}
	}
	return nil
}

func publisherIDs(data []byte) map[string]bool {
	var file struct {
		Publishers []struct {
			Repository string
			ID         int `yaml:"repository-id"`
			Owner      int `yaml:"owner-id"`
			Key        string
		}
	}
	ids := map[string]bool{}
	if yaml.Unmarshal(data, &file) == nil {
		for _, p := range file.Publishers {
			if p.ID != 0 {
				p.Repository = "" // a rename
			}
			ids[fmt.Sprintf("%+v", p)] = true
		}
	}
	return ids
}

func (o *oracle) source(file string, head fstest.MapFS, automatic bool) error {
	if automatic {
		return errors.New("a registration without a person")
	}
	name := nameOfPath(strings.TrimSuffix(strings.TrimPrefix(file, "sources/"), ".yaml"))
	if head[file] == nil {
		return nil
	}
	if name == "" || head[strings.TrimSuffix(strings.TrimPrefix(file, "sources/"), ".yaml")] != nil {
		return fmt.Errorf("%s is of no package to come", file)
	}
	return o.document("owners", head[file].Data)
}

// nameOfPath is the name of a plain package by the path of its file, or "".
func nameOfPath(file string) string {
	dir, name := path.Split(file)
	want := ""
	switch n := len(name); {
	case n == 1 || n == 2:
		want = fmt.Sprint(n, "/")
	case n == 3:
		want = "3/" + name[:1] + "/"
	case n > 3:
		want = name[:2] + "/" + name[2:4] + "/"
	}
	if dir != want || !regexp.MustCompile(`^[a-z]([a-z0-9._-]*[a-z0-9])?$`).MatchString(name) {
		return ""
	}
	return name
}

// pack judges a change of one package's lines, and of its owners if it is new.
func (o *oracle) pack(changed []string, head fstest.MapFS) error {
	file := changed[0]
	name := nameOfPath(file)
	if name == "" {
		return fmt.Errorf("%s has no place in an index", file)
	}
	before := o.valid.base[file]
	if len(changed) > 1 {
		if want := "owners/" + file + ".yaml"; before != nil || len(changed) > 2 || changed[1] != want || head[want] == nil || o.valid.base[want] != nil {
			return fmt.Errorf("these change together: %v", changed)
		}
		if err := o.document("owners", head[changed[1]].Data); err != nil {
			return err
		}
	}
	if head[file] == nil {
		return errors.New("the package is gone")
	}
	var old [][]byte
	if before != nil {
		old = bytes.SplitAfter(before.Data, []byte("\n"))
		old = old[:len(old)-1]
	}
	now := bytes.SplitAfter(head[file].Data, []byte("\n"))
	if len(now[len(now)-1]) > 0 {
		return errors.New("no newline at the end")
	}
	now = now[:len(now)-1]
	if len(now) < len(old) {
		return errors.New("lines are gone")
	}
	return o.packLines(name, old, now)
}

func (o *oracle) packLines(name string, old, now [][]byte) error {
	kinds := map[string]bool{}
	versions := map[string]bool{}
	for i, line := range now {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if i >= len(old) {
			kinds["publish"] = true
			if err := o.newLine(name, line, versions); err != nil {
				return fmt.Errorf("line %d: %w", i+1, err)
			}
			continue
		}
		version := coreVersion(old[i])
		versions[version] = true
		if !bytes.Equal(old[i], now[i]) {
			kind, err := o.status(bytes.TrimSuffix(old[i], []byte("\n")), line)
			if err != nil {
				return fmt.Errorf("line %d: %w", i+1, err)
			}
			kinds[kind] = true
		}
	}
	if len(kinds) != 1 {
		return fmt.Errorf("a mixture: %v", kinds)
	}
	return nil
}

// coreVersion is the version of a line, without build metadata.
func coreVersion(line []byte) string {
	var e struct{ Vers string }
	if err := json.Unmarshal(line, &e); err != nil {
		return ""
	}
	core, _, _ := strings.Cut(e.Vers, "+")
	return core
}

// status accepts the same bytes but for "yanked" and "retired", where only one
// of them changes.
func (o *oracle) status(before, after []byte) (string, error) {
	mask := regexp.MustCompile(`"yanked":(true|false)|,"retired":\{[^{}]*\}`)
	if !bytes.Equal(mask.ReplaceAll(before, nil), mask.ReplaceAll(after, nil)) {
		return "", errors.New("more than the status changes")
	}
	if err := o.line(after); err != nil {
		return "", err
	}
	var a, b struct {
		Yanked  bool
		Retired any
	}
	if err := errors.Join(json.Unmarshal(before, &a), json.Unmarshal(after, &b)); err != nil {
		return "", err
	}
	switch same := reflect.DeepEqual(a.Retired, b.Retired); {
	case a.Yanked != b.Yanked && same:
		return fmt.Sprint("yanked ", b.Yanked), nil
	case a.Yanked == b.Yanked && !same:
		return fmt.Sprint("retired ", b.Retired != nil), nil
	}
	return "", errors.New("both or none of yanked and retired change")
}

// newLine judges a line that is published.
func (o *oracle) newLine(name string, line []byte, versions map[string]bool) error {
	if err := o.line(line); err != nil {
		return err
	}
	var e struct {
		Name, Vers string
		Yanked     bool
		Retired    any
		Deps       []struct {
			Name, Req string
			Optional  bool
		}
		Features map[string][]string
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if strings.ToLower(e.Name) != name {
		return fmt.Errorf("name %q", e.Name)
	}
	version := coreVersion(line)
	if versions[version] || e.Yanked || e.Retired != nil {
		return fmt.Errorf("version %q again, or yanked, or retired", e.Vers)
	}
	versions[version] = true
	known := map[string]bool{}
	for _, d := range e.Deps {
		if _, err := semver.Cargo.ParseConstraint(d.Req); err != nil {
			return err
		}
		known[d.Name] = true
	}
	for feature := range e.Features {
		known[feature] = true
	}
	for feature, values := range e.Features {
		for _, value := range values {
			target, _, _ := strings.Cut(strings.TrimPrefix(value, "dep:"), "/")
			if !known[strings.TrimSuffix(target, "?")] {
				return fmt.Errorf("feature %s needs %q, which there is not", feature, value)
			}
		}
	}
	return nil
}

// line accepts a line that the schema accepts and that is written in the one
// canonical way.
func (o *oracle) line(line []byte) error {
	if len(line) > 1<<20 || !utf8.Valid(line) || bytes.ContainsFunc(line, unicode.IsControl) {
		return errors.New("too long, or with control characters")
	}
	value, err := ordered(line)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(line, &plain); err != nil {
		return err
	}
	if err := o.schemas["line"].Validate(plain); err != nil {
		return err
	}
	var canonical bytes.Buffer
	o.write(&canonical, "line", value)
	if !bytes.Equal(canonical.Bytes(), line) {
		return fmt.Errorf("not canonical: %s", canonical.Bytes())
	}
	return nil
}

// objectValue is a JSON object with its members as they are written.
type objectValue []struct {
	key   string
	value any
}

// ordered reads JSON, keeps the order, and refuses what stands twice or behind.
func ordered(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := orderedValue(decoder)
	if err == nil && decoder.More() {
		err = errors.New("something follows the value")
	}
	return value, err
}

func orderedValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := orderedValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		object := objectValue{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := orderedValue(d)
			if err != nil {
				return nil, err
			}
			for _, m := range object {
				if m.key == key {
					return nil, fmt.Errorf("%q stands twice", key)
				}
			}
			object = append(object, struct {
				key   string
				value any
			}{key.(string), value})
		}
		_, err := d.Token()
		return object, err
	}
	return token, nil
}

// write writes a value in the canonical form: members in the order of the
// schema or by name, and nothing that is not needed.
func (o *oracle) write(b *bytes.Buffer, kind string, value any) {
	below := map[string]string{"deps": "dependency", "builds": "build", "source": "source", "att": "attestation", "retired": "retired"}
	switch value := value.(type) {
	case objectValue:
		members := slices.Clone(value)
		order := o.order[kind]
		slices.SortStableFunc(members, func(x, y struct {
			key   string
			value any
		},
		) int {
			if len(order) == 0 {
				return strings.Compare(x.key, y.key)
			}
			return slices.Index(order, x.key) - slices.Index(order, y.key)
		})
		b.WriteByte('{')
		for i, m := range members {
			if i > 0 {
				b.WriteByte(',')
			}
			o.write(b, "", m.key)
			b.WriteByte(':')
			o.write(b, below[m.key], m.value)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, element := range value {
			if i > 0 {
				b.WriteByte(',')
			}
			o.write(b, kind, element)
		}
		b.WriteByte(']')
	case string:
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(value) == nil {
			b.Write(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
		}
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, value)
	}
}
