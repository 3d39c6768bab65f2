package compat_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

// revealing is a durable handler that prints what an SDK would keep for itself, and runs on.
const revealing = `import json, time
def handler(event, context):
    name = event["InitialExecutionState"]["Operations"][0]["ExecutionDetails"]["InputPayload"]
    print("revealed", name, json.dumps([event["DurableExecutionArn"], event["CheckpointToken"]]))
    time.sleep(100)
`

// TestDurable has each client use all operations on durable executions.
func TestDurable(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	s := thawtest.Start(t, nil)
	const function = "revealing"
	if _, err := s.CreateFunction(t.Context(), client.CreateFunctionInput{
		FunctionName: function, Runtime: thawtest.Python(t), Handler: "app.handler", Role: thawtest.Role, Timeout: 120,
		DurableConfig: &client.DurableConfig{ExecutionTimeout: 600}, Code: client.CodeInput{ZipFile: thawtest.Zip(t, thawtest.Files{"app.py": revealing})},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitActive(t.Context(), function); err != nil {
		t.Fatal(err)
	}
	w := newTourOn(t, s)
	for _, test := range []struct {
		client  string
		program func(*testing.T) []string
	}{
		{"CLI", func(t *testing.T) []string {
			testenv.NeedsCommand(t, "aws")
			return []string{testenv.NeedsCommand(t, "bash"), beside(t, "durable.sh")}
		}},
		{"boto3", func(t *testing.T) []string { return []string{pythonWithBoto3(t), beside(t, "durable.py")} }},
		{"Go", func(t *testing.T) []string {
			path := filepath.Join(t.TempDir(), "durable")
			testenv.Run(t, "gosdk", testenv.NeedsCommand(t, "go"), "build", "-o", path, "./durable")
			return []string{path}
		}},
		{"JS", func(t *testing.T) []string {
			return []string{testenv.NeedsCommand(t, "node"), withNodeModules(t, "durable.mjs")}
		}},
	} {
		t.Run(test.client, func(t *testing.T) {
			argv := test.program(t)
			if _, err := s.InvokeEvent(t.Context(), function, "$LATEST", []byte(`"`+test.client+`"`)); err != nil {
				t.Fatal(err)
			}
			arn, token := revealed(t, s, function, test.client)
			out, err := w.output(t, append(argv, function, arn, token))
			if err != nil || !strings.HasSuffix(strings.TrimSpace(out), "done") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// revealed waits for what the execution of a client's printed.
func revealed(t *testing.T, s *thawtest.Server, function, name string) (arn, token string) {
	t.Helper()
	for t.Context().Err() == nil {
		out, err := s.FilterLogEvents(t.Context(), client.FilterLogEventsInput{LogGroupName: "/aws/lambda/" + function, FilterPattern: "revealed " + name})
		if err != nil || len(out.Events) == 0 {
			continue // no log yet
		}
		var pair [2]string
		_, text, _ := strings.Cut(out.Events[0].Message, "[")
		if err := json.Unmarshal([]byte("["+text), &pair); err != nil {
			t.Fatal(err)
		}
		return pair[0], pair[1]
	}
	panic("test is over")
}
