package traps_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAsync(t *testing.T) {
	t.Parallel()
	s := server(t)
	var keeps string
	t.Run("destination", func(t *testing.T) {
		keeps = python(t, "import json\ndef handler(e, c):\n    print('record', json.dumps(e), flush=True)\n")
	})
	name := python(t, `
def handler(e, c):
    if e == "fail":
        raise ValueError("on purpose")
    return "done"
`)
	to := `{"Destination":"` + fnARN + keeps + `"}`
	config := "/2019-09-25/functions/" + name + "/event-invoke-config"
	if a := s.Do(t, "PUT", config, `{"MaximumRetryAttempts":0,"DestinationConfig":{"OnSuccess":`+to+`,"OnFailure":`+to+`}}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	send := func(event string) string {
		t.Helper()
		a := s.Do(t, "POST", functions+"/"+name+"/invocations", event, "X-Amz-Invocation-Type: Event")
		if a.Status != 202 || a.Body != "" || a.Header.Get("X-Amz-Executed-Version") != "" {
			t.Fatalf("%d %v %s", a.Status, a.Header, a.Body)
		}
		return a.Header.Get("X-Amzn-Requestid")
	}
	type record struct {
		Version, Timestamp string
		RequestContext     struct {
			RequestID, FunctionARN, Condition string
			ApproximateInvokeCount            int
		}
		RequestPayload, ResponsePayload json.RawMessage
		ResponseContext                 *struct {
			StatusCode                     int
			ExecutedVersion, FunctionError string
		}
	}
	recordOf := func(id string) (r record) {
		t.Helper()
		await(t, "the record is delivered", func() bool {
			for _, e := range logLines(t, keeps, 1) {
				if text, ok := strings.CutPrefix(e.Message, "record "); ok && strings.Contains(text, id) {
					if err := json.Unmarshal([]byte(text), &r); err != nil {
						t.Fatal(err)
					}
					return true
				}
			}
			return false
		})
		c := r.RequestContext
		if r.Version != "1.0" || c.RequestID != id || c.FunctionARN != fnARN+name+":$LATEST" {
			t.Errorf("record %+v", r)
		}
		like(t, r.Timestamp, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
		return r
	}
	r := recordOf(send(`"work"`))
	if r.RequestContext.Condition != "Success" || r.RequestContext.ApproximateInvokeCount != 1 || string(r.RequestPayload) != `"work"` || string(r.ResponsePayload) != `"done"` {
		t.Errorf("record %+v", r)
	}
	if c := r.ResponseContext; c == nil || c.StatusCode != 200 || c.ExecutedVersion != "$LATEST" || c.FunctionError != "" {
		t.Errorf("response %+v", c)
	}
	r = recordOf(send(`"fail"`))
	if r.RequestContext.Condition != "RetriesExhausted" || r.RequestContext.ApproximateInvokeCount != 1 || !strings.Contains(string(r.ResponsePayload), `"on purpose"`) {
		t.Errorf("record %+v", r)
	}
	if c := r.ResponseContext; c == nil || c.StatusCode != 200 || c.FunctionError != "Unhandled" {
		t.Errorf("response %+v", c)
	}
	reserve(t, name, 0)
	r = recordOf(send(`"never"`))
	if r.RequestContext.Condition != "ZeroReservedConcurrency" || r.RequestContext.ApproximateInvokeCount != 0 || r.ResponseContext != nil || r.ResponsePayload != nil {
		t.Errorf("record %+v", r)
	}
	// What could never be delivered, or is out of range, is refused at once.
	const invalid, validation = "InvalidParameterValueException", "ValidationException"
	for body, want := range map[string]string{
		`{"DestinationConfig":{"OnSuccess":{"Destination":"` + fnARN + name + `"}}}`:                           invalid, // itself
		`{"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:sqs:us-east-1:000000000000:q.fifo"}}}`:      invalid,
		`{"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:s3:::bucket"}}}`:                            invalid, // for failures only
		`{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:000000000000:no-endpoint"}}}`: invalid,
		`{}`:                              invalid,
		`{"MaximumRetryAttempts":3}`:      validation,
		`{"MaximumEventAgeInSeconds":59}`: validation,
	} {
		if a := s.Do(t, "PUT", config, body); a.Status != 400 || a.Header.Get("X-Amzn-Errortype") != want {
			t.Errorf("%s: %d %s, want %s", body, a.Status, a.Body, want)
		}
	}
	for _, target := range []string{"arn:aws:sqs:us-east-1:000000000000:no-endpoint", fnARN + keeps} {
		fails(t, s.Do(t, "PUT", functions+"/"+name+"/configuration", `{"DeadLetterConfig":{"TargetArn":"`+target+`"}}`), 400, invalid,
			`{"Type":"User","message":"The provided dead letter target ARN `+target+` is invalid: `)
	}
}
