package compat_test

import (
	"slices"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

// logsSteps are what logs.py does, in this order.
var logsSteps = []string{
	"groups", "tags and retention", "streams and events", "get", "filter", "live tail", "the CLI", "what aws logs tail --follow does", "delete",
}

func TestCloudWatchLogs(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	testenv.NeedsCommand(t, "aws")
	script(t, "logs.py", "def handler(event, context):\n    print('said', event['say'])\n", logsSteps)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	script(t, "settings.py", `calls = 0

def handler(event, context):
    global calls
    calls += 1
    return {"tenant": context.tenant_id, "calls": calls}
`, []string{"tenants", "runtime management", "event source mappings"})
}

// script runs a Python program of this package, which must make these steps, with a function of that source in one.zip.
func script(t *testing.T, name, source string, steps []string) {
	t.Helper()
	w := newTour(t)
	w.write(t, "one.zip", thawtest.Zip(t, thawtest.Files{"app.py": source}))
	out, err := w.output(t, []string{pythonWithBoto3(t), beside(t, name)})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var made []string
	for line := range strings.Lines(out) {
		if step, ok := strings.CutPrefix(line, "step: "); ok {
			made = append(made, strings.TrimSpace(step))
		}
	}
	if !slices.Equal(made, steps) {
		t.Errorf("these steps were made: %q\n%s", made, out)
	}
}
