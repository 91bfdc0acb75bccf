package external_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clydepm/clyde/internal/external"
)

func planOne(t *testing.T, d *external.Drivers, text string, where external.Where) external.Step {
	t.Helper()
	r, err := external.ParseRequirement(text)
	if err != nil {
		t.Fatal(err)
	}
	steps, problems, err := d.Plan(context.Background(), []external.Requirement{r}, where)
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", problems, err)
	}
	return steps[0]
}

// The package managers of this machine, for real.
func TestReal(t *testing.T) {
	if os.Getenv("CLYDE_TEST_EXTERNAL") == "" {
		if os.Getenv("CLYDE_TEST_REQUIRE") != "" {
			t.Fatal("CLYDE_TEST_EXTERNAL is not set")
		}
		t.Skip("CLYDE_TEST_EXTERNAL=1 lets this test install packages of apt, npm and pip")
	}
	for _, text := range []string{"apt:figlet>=2", "npm:is-odd@^3", "pip:six>=1.10,<2"} {
		t.Run(text, func(t *testing.T) {
			d := external.Builtin()
			where := external.Where{Prefix: filepath.Join(t.TempDir(), "prefix")}
			step := planOne(t, d, text, where)
			if !step.Needed() || len(step.Install) == 0 {
				t.Fatalf("%+v", step)
			}
			t.Logf("%+v", step)
			var out strings.Builder
			if err := d.Install(context.Background(), step, &out); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if now := planOne(t, d, text, where); !now.Present || now.Have == "" || now.Have != step.Candidate {
				t.Errorf("installed, and yet %+v", now)
			}
			for range 2 {
				if err := d.Undo(context.Background(), step, &out); err != nil {
					t.Fatalf("%v\n%s", err, &out)
				}
			}
			if after := planOne(t, d, text, where); after.Present || after.Have != "" {
				t.Errorf("undone, and yet %+v", after)
			}
		})
	}
}
