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
	w := newTour(t)
	w.write(t, "one.zip", thawtest.Zip(t, thawtest.Files{"app.py": "def handler(event, context):\n    print('said', event['say'])\n"}))
	out, err := w.output(t, []string{pythonWithBoto3(t), beside(t, "logs.py")})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var made []string
	for line := range strings.Lines(out) {
		if step, ok := strings.CutPrefix(line, "step: "); ok {
			made = append(made, strings.TrimSpace(step))
		}
	}
	if !slices.Equal(made, logsSteps) {
		t.Errorf("these steps were made: %q\n%s", made, out)
	}
}
