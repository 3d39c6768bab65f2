package gateway_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// eventQueue keeps what was enqueued.
type eventQueue struct {
	mu   sync.Mutex
	got  []*invoke.Request
	fail error
}

func (e *eventQueue) Enqueue(_ context.Context, req *invoke.Request) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return e.fail
	}
	e.got = append(e.got, req)
	return nil
}

const asEvent = "X-Amz-Invocation-Type: Event"

func TestEventInvocation(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.settle("f")
	a := s.do("POST", fns+"/f/invocations", `{"a":1}`, asEvent, "X-Amz-Client-Context: e30=", "X-Amz-Log-Type: Tail")
	a.want(t, 202, "")
	for _, name := range []string{"X-Amz-Executed-Version", "X-Amz-Log-Result", "X-Amz-Function-Error"} {
		if a.header.Get(name) != "" {
			t.Errorf("%s: %s", name, a.header.Get(name))
		}
	}
	got := s.events.got
	if len(got) != 1 || string(got[0].Payload) != `{"a":1}` || got[0].ID != a.header.Get("x-amzn-RequestId") || got[0].ARN != fnARN+"f" || got[0].ClientContext != "" {
		t.Fatalf("enqueued %+v", got)
	}
	s.do("POST", "/2014-11-13/functions/f/invoke-async", ``).want(t, 202, `{"Status":202}`)
	s.do("POST", "/2014-11-13/functions/f/invoke-async/", `[1]`).want(t, 202, `{"Status":202}`)
	if len(s.events.got) != 3 || string(s.events.got[1].Payload) != `{}` || string(s.events.got[2].Payload) != `[1]` {
		t.Errorf("enqueued %+v", s.events.got)
	}

	large := `"` + strings.Repeat("x", lambda.MaxEventPayloadBytes-2) + `"`
	s.do("POST", fns+"/f/invocations", large, asEvent).want(t, 202, "")
	s.do("POST", fns+"/f/invocations", large+" ", asEvent).wantError(t, 413, "RequestTooLargeException",
		`{"Type":"User","message":"Request must be smaller than 1048576 bytes for the InvokeFunction operation"}`)
	s.do("POST", fns+"/f/invocations", `{`, asEvent).refused(t, 400, "InvalidRequestContentException")
	s.do("POST", "/2014-11-13/functions/f/invoke-async", `{`).refused(t, 400, "InvalidRequestContentException")
	s.do("POST", fns+"/none/invocations", `{}`, asEvent).refused(t, 404, "ResourceNotFoundException")
	s.do("POST", fns+"/f/invocations?Qualifier=7", `{}`, asEvent).refused(t, 404, "ResourceNotFoundException")
	s.do("POST", "/2014-11-13/functions/none/invoke-async", `{}`).refused(t, 404, "ResourceNotFoundException")
	s.events.fail = &lambda.Error{Kind: lambda.KindThrottled, Reason: "CallerRateLimitExceeded", Msg: "Rate Exceeded."}
	s.do("POST", fns+"/f/invocations", `{}`, asEvent).wantError(t, 429, "TooManyRequestsException", `{"Reason":"CallerRateLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
}

const eventConfigs = "/2019-09-25/functions/f/event-invoke-config"

func TestEventInvokeConfigs(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.settle("f")
	s.create("g", "")
	s.settle("g")
	s.publishOne()
	none := `{"Type":"User","Message":"The function ` + fnARN + `f:$LATEST doesn't have an EventInvokeConfig"}`
	s.do("GET", eventConfigs, "").wantError(t, 404, "ResourceNotFoundException", none)
	s.do("POST", eventConfigs, `{"MaximumRetryAttempts":1}`).wantError(t, 404, "ResourceNotFoundException", none)
	s.do("DELETE", eventConfigs, "").wantError(t, 404, "ResourceNotFoundException", none)
	s.do("PUT", eventConfigs, `{}`).refused(t, 400, "InvalidParameterValueException")
	s.do("PUT", eventConfigs, `{"MaximumRetryAttempts":3,"MaximumEventAgeInSeconds":59}`).refused(t, 400, "ValidationException")

	shape := func(qualifier, rest string) string {
		return `{"LastModified":EPOCH,"FunctionArn":"` + fnARN + `f:` + qualifier + `",` + rest + `}`
	}
	check := func(a answer, want string) {
		t.Helper()
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		_, rest, ok := strings.Cut(a.body, `,"FunctionArn"`)
		if _, wanted, _ := strings.Cut(want, `,"FunctionArn"`); !ok || rest != wanted || !strings.HasPrefix(a.body, `{"LastModified":1`) {
			t.Errorf("got  %s\nwant %s", a.body, want)
		}
	}
	sqs, bucket := "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:s3:::records"
	check(s.do("PUT", eventConfigs, `{"MaximumRetryAttempts":0,"DestinationConfig":{"OnFailure":{"Destination":"`+bucket+`"}}}`),
		shape("$LATEST", `"MaximumRetryAttempts":0,"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":"`+bucket+`"}}`))
	check(s.do("POST", eventConfigs, `{"MaximumEventAgeInSeconds":60}`),
		shape("$LATEST", `"MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":"`+bucket+`"}}`))
	check(s.do("GET", eventConfigs+"?Qualifier=$LATEST", ""),
		shape("$LATEST", `"MaximumRetryAttempts":0,"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":"`+bucket+`"}}`))
	check(s.do("PUT", eventConfigs, `{"DestinationConfig":{"OnSuccess":{"Destination":"`+sqs+`"}}}`),
		shape("$LATEST", `"DestinationConfig":{"OnSuccess":{"Destination":"`+sqs+`"},"OnFailure":{}}`))
	check(s.do("PUT", eventConfigs+"?Qualifier=1", `{"MaximumRetryAttempts":2}`), shape("1", `"MaximumRetryAttempts":2,"DestinationConfig":{"OnSuccess":{},"OnFailure":{}}`))

	for arn, why := range map[string]string{
		"arn:aws:sqs:us-east-1:000000000000:q.fifo": "FIFO",
		"arn:aws:sns:us-east-1:000000000000:t.fifo": "FIFO",
		fnARN + "f":    "its own",
		fnARN + "f:1":  "its own",
		fnARN + "none": "no such function",
		"arn:aws:lambda:us-east-1:111111111111:function:g":    "same account",
		"arn:aws:events:us-east-1:000000000000:event-bus/bus": "no endpoint of events",
		"arn:aws:dynamodb:us-east-1:000000000000:table/t":     "must be one of",
		"not an ARN": "must be one of",
	} {
		a := s.do("PUT", eventConfigs, `{"DestinationConfig":{"OnSuccess":{"Destination":"`+arn+`"}}}`)
		a.refused(t, 400, "InvalidParameterValueException")
		if !strings.Contains(a.body, why) {
			t.Errorf("%s: %s", arn, a.body)
		}
	}
	s.do("PUT", eventConfigs, `{"DestinationConfig":{"OnSuccess":{"Destination":"`+bucket+`"}}}`).refused(t, 400, "InvalidParameterValueException") // failures only
	check(s.do("PUT", eventConfigs, `{"DestinationConfig":{"OnFailure":{"Destination":"`+fnARN+`g"}}}`), shape("$LATEST", `"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":"`+fnARN+`g"}}`))

	first := s.do("GET", eventConfigs+"/list?MaxItems=1", "")
	if !strings.Contains(first.body, `f:$LATEST"`) || strings.Contains(first.body, `f:1"`) {
		t.Errorf("first page %s", first.body)
	}
	_, next, _ := strings.Cut(first.body, `"NextMarker":"`)
	next, _, _ = strings.Cut(next, `"`)
	if second := s.do("GET", eventConfigs+"/list?Marker="+next, ""); !strings.Contains(second.body, `f:1"`) || strings.Contains(second.body, "LATEST") || strings.Contains(second.body, "NextMarker") {
		t.Errorf("second page %s", second.body)
	}
	s.do("DELETE", eventConfigs+"?Qualifier=1", "").want(t, 204, "")
	s.do("DELETE", eventConfigs, "").want(t, 204, "")
	s.do("GET", eventConfigs+"/list", "").want(t, 200, `{"FunctionEventInvokeConfigs":[]}`)
	s.do("GET", "/2019-09-25/functions/none/event-invoke-config/list", "").refused(t, 404, "ResourceNotFoundException")
}

// publishOne publishes version 1 of f.
func (s *server) publishOne() {
	s.t.Helper()
	if a := s.do("POST", fns+"/f/versions", `{}`); a.status != 201 {
		s.t.Fatalf("%d %s", a.status, a.body)
	}
}

func TestRecursionConfig(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	const path = "/2024-08-31/functions/f/recursion-config"
	s.do("GET", path, "").want(t, 200, `{"RecursiveLoop":"Terminate"}`)
	s.do("PUT", path, `{"RecursiveLoop":"Allow"}`).want(t, 200, `{"RecursiveLoop":"Allow"}`)
	s.do("GET", path, "").want(t, 200, `{"RecursiveLoop":"Allow"}`)
	s.do("PUT", path, `{"RecursiveLoop":"Terminate"}`).want(t, 200, `{"RecursiveLoop":"Terminate"}`)
	s.do("GET", path, "").want(t, 200, `{"RecursiveLoop":"Terminate"}`)
	s.do("PUT", path, `{"RecursiveLoop":"Sometimes"}`).refused(t, 400, "ValidationException")
	s.do("PUT", path, `{}`).refused(t, 400, "ValidationException")
	s.do("GET", "/2024-08-31/functions/none/recursion-config", "").refused(t, 404, "ResourceNotFoundException")
	s.do("PUT", "/2024-08-31/functions/f:1/recursion-config", `{"RecursiveLoop":"Allow"}`).refused(t, 400, "InvalidParameterValueException")
}

func TestDeadLetterConfig(t *testing.T) {
	s := newServer(t)
	const arn = "arn:aws:sqs:us-east-1:000000000000:q"
	s.create("f", `,"DeadLetterConfig":{"TargetArn":"`+arn+`"}`)
	s.settle("f")
	shown := `"DeadLetterConfig":{"TargetArn":"` + arn + `"}`
	if a := s.do("GET", fns+"/f/configuration", ""); !strings.Contains(a.body, shown) {
		t.Errorf("%s", a.body)
	}
	if a := s.do("PUT", fns+"/f/configuration", `{"Description":"x"}`); !strings.Contains(a.body, shown) {
		t.Errorf("after another change: %s", a.body)
	}
	s.settle("f")
	for _, bad := range []string{arn + ".fifo", "arn:aws:s3:::b", fnARN + "g"} {
		s.do("PUT", fns+"/f/configuration", `{"DeadLetterConfig":{"TargetArn":"`+bad+`"}}`).refused(t, 400, "InvalidParameterValueException")
		s.do("POST", fns, createBody("h", `,"DeadLetterConfig":{"TargetArn":"`+bad+`"}`)).refused(t, 400, "InvalidParameterValueException")
	}
	if a := s.do("PUT", fns+"/f/configuration", `{"DeadLetterConfig":{"TargetArn":""}}`); a.status != 200 || strings.Contains(a.body, "DeadLetter") {
		t.Errorf("after it was cleared: %s", a.body)
	}
}

// refused fails unless the answer is an error of that type, whatever its words.
func (a answer) refused(t *testing.T, status int, typ string) {
	t.Helper()
	if a.status != status || a.header.Get("x-amzn-ErrorType") != typ {
		t.Errorf("answer %d %s %s, want %d %s", a.status, a.header.Get("x-amzn-ErrorType"), a.body, status, typ)
	}
}
