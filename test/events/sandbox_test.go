package events_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
)

// keeper answers with the events it got, but for {"got": true}.
const keeper = `
got = []
def handler(e, c):
    if e.get("got"):
        return got
    got.append(e)
`

// A function that fails is tried again with the same request id, and its record goes to another function.
func TestEventsOnSandboxes(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, func(c *node.Config) {
		c.EventDelays = async.Delays{
			FunctionError: [2]time.Duration{50 * time.Millisecond, 100 * time.Millisecond},
			First:         50 * time.Millisecond, Longest: time.Second,
		}
	})
	deploy := func(name, source string) string {
		var f string
		t.Run(name, func(t *testing.T) {
			f = s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": source}})
		})
		return f
	}
	works := deploy("works", "import os\ndef handler(e, c): return {'trace': os.environ.get('_X_AMZN_TRACE_ID')}\n")
	fails := deploy("fails", "def handler(e, c): raise ValueError('no ' + c.aws_request_id)\n")
	keeps := deploy("keeps", keeper)
	arn := func(name string) string { return lambda.FunctionARN("us-east-1", "000000000000", name, "") }
	for _, f := range []string{works, fails} {
		if err := s.PutFunctionEventInvokeConfig(t.Context(), client.EventInvokeInput{Function: f, OnSuccess: arn(keeps), OnFailure: arn(keeps)}); err != nil {
			t.Fatal(err)
		}
	}

	ids := map[string]string{}
	for _, f := range []string{works, fails} {
		id, err := s.InvokeEvent(t.Context(), f, "", []byte(`{"n":1}`))
		if err != nil {
			t.Fatal(err)
		}
		ids[id] = f
	}
	type record struct {
		RequestContext struct {
			RequestID, FunctionARN, Condition string
			ApproximateInvokeCount            int
		}
		ResponsePayload json.RawMessage
	}
	var got []record
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(got) < 2 && ctx.Err() == nil {
		s.Result(t, keeps, `{"got":true}`, &got)
	}
	for _, r := range got {
		f, c := ids[r.RequestContext.RequestID], r.RequestContext
		switch {
		case c.FunctionARN != arn(f)+":$LATEST":
			t.Errorf("record %+v", r)
		case f == works && (c.Condition != "Success" || c.ApproximateInvokeCount != 1 || !strings.Contains(string(r.ResponsePayload), "Lineage=")):
			t.Errorf("record %+v, %s", r, r.ResponsePayload)
		case f == fails && (c.Condition != "RetriesExhausted" || c.ApproximateInvokeCount != 3 || !strings.Contains(string(r.ResponsePayload), "no "+c.RequestID)):
			t.Errorf("record %+v, %s", r, r.ResponsePayload)
		}
	}
}

// A function that invokes itself, passing its trace header on as SDKs do, is stopped after 16 passes.
func TestLoopIsStopped(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{
		"app.py": "import os\ndef handler(e, c): return os.environ['_X_AMZN_TRACE_ID']\n",
	}})
	trace, passes := "", 0
	for passes < 2*lambda.MaxPasses {
		out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Payload: []byte(`{}`), TraceID: trace})
		if err != nil {
			if !strings.Contains(err.Error(), "RecursiveInvocationException") {
				t.Fatal(err)
			}
			break
		}
		if err := json.Unmarshal(out.Payload, &trace); err != nil {
			t.Fatalf("%s: %v", out.Payload, err)
		}
		passes++
	}
	if passes != lambda.MaxPasses {
		t.Errorf("stopped after %d passes, want %d", passes, lambda.MaxPasses)
	}
}
