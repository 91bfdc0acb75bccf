package evidence_test

import (
	"reflect"
	"slices"
	"testing"
)

// checkFilled reports fields that are zero, but for those that never are set.
func checkFilled(t *testing.T, at string, value any, never []string) {
	t.Helper()
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if slices.Contains(never, field.Name) || at == "Att.Provenance." && field.Name == "Provenance" {
			continue
		}
		inner := v.Field(i)
		if inner.IsZero() {
			t.Errorf("%s%s: the line of this test says nothing of it, so that nothing is known about what becomes of a change", at, field.Name)
			continue
		}
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			checkFilled(t, at+field.Name+".", inner.Addr().Interface(), never)
		}
	}
}
