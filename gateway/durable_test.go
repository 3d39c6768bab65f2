package gateway_test

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const (
	executions = "/2025-12-01/durable-executions/"
	callbacks  = "/2025-12-01/durable-execution-callbacks/"
)

// durableEvent is what a handler is invoked with.
type durableEvent struct {
	DurableExecutionArn, CheckpointToken string
	InitialExecutionState                struct{ Operations []durable.Shown }
}

// durableServer has the durable function d, whose handler is handle.
func durableServer(t *testing.T, handle func(s *server, e durableEvent) string, change ...func(*server)) *server {
	t.Helper()
	s := newServer(t)
	for _, f := range change {
		f(s)
	}
	s.create("d", `,"DurableConfig":{"ExecutionTimeout":60,"RetentionPeriodInDays":3}`)
	s.invoker.set(func(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
		if req.Function != "d" {
			return &invoke.Result{Payload: req.Payload, ExecutedVersion: "$LATEST"}, nil
		}
		var e durableEvent
		if err := json.Unmarshal(req.Payload, &e); err != nil {
			return nil, err
		}
		return &invoke.Result{Payload: []byte(handle(s, e)), ExecutedVersion: "$LATEST"}, nil
	})
	return s
}

// execution is the path of an execution.
func execution(arn, rest string) string { return executions + url.QueryEscape(arn) + rest }

// approval is a handler that starts a callback, and answers with its result.
func approval(s *server, e durableEvent) string {
	if list := e.InitialExecutionState.Operations; len(list) > 1 && list[1].Status == durable.Succeeded {
		b, _ := json.Marshal(map[string]any{"Status": "SUCCEEDED", "Result": list[1].CallbackDetails.Result})
		return string(b)
	} else if len(list) > 1 {
		return `{"Status":"FAILED","Error":{"ErrorMessage":"not approved","ErrorType":"Refused"}}`
	}
	s.do("POST", execution(e.DurableExecutionArn, "/checkpoint"), `{"CheckpointToken":"`+e.CheckpointToken+`","Updates":[`+
		`{"Id":"c","Name":"approval","Type":"CALLBACK","SubType":"Callback","Action":"START","CallbackOptions":{"TimeoutSeconds":50,"HeartbeatTimeoutSeconds":40}}]}`)
	return `{"Status":"PENDING"}`
}

var (
	traceText    = regexp.MustCompile(`"TraceHeader":\{"XAmznTraceId":"Root=[^"]+"\},`)
	secondsText  = regexp.MustCompile(`\b1[0-9]{9}(\.[0-9]{1,3})?\b`)
	base64Secret = regexp.MustCompile(`"CallbackId":"[A-Za-z0-9+/=]+"`)
)

// durableText is an answer without what differs from run to run.
func (a answer) durableText() string {
	return base64Secret.ReplaceAllString(secondsText.ReplaceAllString(uuidText.ReplaceAllString(traceText.ReplaceAllString(a.body, ""), "UUID"), "SECONDS"), `"CallbackId":"SECRET"`)
}

func (a answer) wantDurable(t *testing.T, body string) {
	t.Helper()
	if got := a.durableText(); a.status != 200 || got != body {
		t.Errorf("answer\n%d %s\nwant\n200 %s", a.status, got, body)
	}
}

// begin starts an execution of d and returns its ARN.
func (s *server) begin(name string) string {
	s.t.Helper()
	a := s.do("POST", fns+"/d/invocations?Qualifier=$LATEST", `{"n":1}`, "X-Amz-Invocation-Type: Event", "X-Amz-Durable-Execution-Name: "+name)
	arn := a.header.Get("X-Amz-Durable-Execution-Arn")
	if a.status != 202 || !strings.HasPrefix(arn, fnARN+"d:$LATEST/durable-execution/"+name+"/") {
		s.t.Fatalf("%d %s, execution %q", a.status, a.body, arn)
	}
	return arn
}

// callback waits for the execution's callback and returns its id.
func (s *server) callback(arn string) string {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		var h struct {
			Events []struct {
				EventType              string
				CallbackStartedDetails struct{ CallbackId string }
			}
		}
		if err := json.Unmarshal([]byte(s.do("GET", execution(arn, "/history"), "").body), &h); err != nil {
			s.t.Fatal(err)
		}
		for _, e := range h.Events { // the handler answered, too
			if last := h.Events[len(h.Events)-1]; e.EventType == "CallbackStarted" && last.EventType == "InvocationCompleted" {
				return e.CallbackStartedDetails.CallbackId
			}
		}
	}
	panic("test is over")
}

// ended waits until an execution ended.
func (s *server) ended(arn string) {
	s.t.Helper()
	for s.t.Context().Err() == nil && strings.Contains(s.do("GET", execution(arn, ""), "").body, `"Status":"RUNNING"`) {
	}
}

func TestDurableConfig(t *testing.T) {
	s := durableServer(t, approval)
	config := func() string {
		body := s.do("GET", fns+"/d/configuration", "").body
		return body[strings.Index(body, `"DurableConfig"`):]
	}
	if got := config(); got != `"DurableConfig":{"RetentionPeriodInDays":3,"ExecutionTimeout":60}}` {
		t.Error(got)
	}
	s.do("PUT", fns+"/d/configuration", `{"DurableConfig":{"ExecutionTimeout":90}}`)
	s.settle("d")
	if got := config(); got != `"DurableConfig":{"RetentionPeriodInDays":3,"ExecutionTimeout":90}}` {
		t.Error(got)
	}
	s.create("e", `,"DurableConfig":{}`)
	if body := s.do("GET", fns+"/e", "").body; !strings.Contains(body, `"DurableConfig":{"RetentionPeriodInDays":30,"ExecutionTimeout":86400}`) {
		t.Error(body)
	}
	s.create("f", "")
	const invalid = "InvalidParameterValueException"
	s.do("PUT", fns+"/f/configuration", `{"DurableConfig":{"ExecutionTimeout":60}}`).wantError(t, 400, invalid,
		`{"Type":"User","message":"You cannot add DurableConfig to an existing function that was created without it."}`)
	s.do("POST", fns, createBody("g", `,"DurableConfig":{"ExecutionTimeout":0,"RetentionPeriodInDays":91}`)).wantError(t, 400, "ValidationException",
		`{"message":"2 validation errors detected: Value '0' at 'durableConfig.executionTimeout' failed to satisfy constraint: Member must have value greater than or equal to 1; `+
			`Value '91' at 'durableConfig.retentionPeriodInDays' failed to satisfy constraint: Member must have value less than or equal to 90"}`)
	s.do("POST", fns, createBody("g", `,"DurableConfig":{"ExecutionTimeout":60,"KMSKeyArn":"arn:aws:kms:us-east-1:000000000000:key/k"}`)).wantError(t, 400, invalid,
		`{"Type":"User","message":"DurableConfig.KMSKeyArn is not implemented yet by Thaw"}`)
	s.do("POST", fns, createBody("g", `,"DurableConfig":{"ExecutionTimeout":60},"DeadLetterConfig":{"TargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}`)).wantError(t, 400, invalid,
		`{"Type":"User","message":"DeadLetterConfig of a durable function is not implemented yet by Thaw"}`)
	s.do("PUT", "/2019-09-25/functions/d/event-invoke-config", `{"MaximumRetryAttempts":1}`).wantError(t, 400, invalid,
		`{"Type":"User","message":"An event invoke configuration of a durable function is not implemented yet by Thaw"}`)
}

func TestInvokingDurableFunctions(t *testing.T) {
	s := durableServer(t, func(_ *server, e durableEvent) string {
		input, _ := json.Marshal(e.InitialExecutionState.Operations[0].ExecutionDetails.InputPayload)
		if strings.Contains(string(input), "fail") {
			return `{"Status":"FAILED","Error":{"ErrorMessage":"no","ErrorType":"Refused","StackTrace":["line"]}}`
		}
		return `{"Status":"SUCCEEDED","Result":` + string(input) + `}`
	})
	a := s.do("POST", fns+"/d:$LATEST/invocations", `{"n":1}`, "X-Amz-Durable-Execution-Name: order-1")
	a.want(t, 200, `{"n":1}`)
	arn := a.header.Get("X-Amz-Durable-Execution-Arn")
	if ref, ok := lambda.ParseExecutionARN(arn); !ok || ref.Name != "order-1" || a.header.Get("X-Amz-Executed-Version") != "$LATEST" {
		t.Errorf("execution %q, version %q", arn, a.header.Get("X-Amz-Executed-Version"))
	}
	if again := s.do("POST", fns+"/d:$LATEST/invocations", `{"n":1}`, "X-Amz-Durable-Execution-Name: order-1"); again.body != a.body || again.header.Get("X-Amz-Durable-Execution-Arn") != arn {
		t.Errorf("the same again: %s of %s", again.body, again.header.Get("X-Amz-Durable-Execution-Arn"))
	}
	s.do("POST", fns+"/d:$LATEST/invocations", `{"n":2}`, "X-Amz-Durable-Execution-Name: order-1").wantError(t, 409, "DurableExecutionAlreadyStartedException",
		`{"Type":"User","Message":"A durable execution with the name order-1 has already been started with a different payload: `+uuidText.ReplaceAllString(arn, "UUID")+`"}`)
	failure := s.do("POST", fns+"/d:$LATEST/invocations", `"fail"`)
	failure.want(t, 200, `{"errorType":"Refused","errorMessage":"no","stackTrace":["line"]}`)
	if failure.header.Get("X-Amz-Function-Error") != "Unhandled" {
		t.Errorf("X-Amz-Function-Error %q", failure.header.Get("X-Amz-Function-Error"))
	}
	const unqualified = `{"Type":"User","message":"You cannot invoke a durable function using an unqualified ARN."}`
	for _, kind := range []string{"RequestResponse", "Event", "DryRun"} {
		s.do("POST", fns+"/d/invocations", `{}`, "X-Amz-Invocation-Type: "+kind).wantError(t, 400, "InvalidParameterValueException", unqualified)
	}
	s.do("POST", "/2014-11-13/functions/d/invoke-async", `{}`).wantError(t, 400, "InvalidParameterValueException", unqualified)
	s.do("POST", fns+"/d:$LATEST/invocations", `{}`, "X-Amz-Invocation-Type: DryRun").status2(t, 204)
	s.do("POST", fns+"/d:$LATEST/invocations", `{}`, "X-Amz-Durable-Execution-Name: a b").wantError(t, 400, "ValidationException",
		`{"message":"1 validation error detected: Value 'a b' at 'durableExecutionName' failed to satisfy constraint: `+
			`Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"}`)
	s.do("PUT", fns+"/d/configuration", `{"DurableConfig":{"ExecutionTimeout":901}}`)
	s.settle("d")
	s.do("POST", fns+"/d:$LATEST/invocations", `{}`).wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes."}`)
}

func TestDurableAnswers(t *testing.T) {
	s := durableServer(t, approval)
	arn := s.begin("order-1")
	id := s.callback(arn)
	shown := uuidText.ReplaceAllString(arn, "UUID")
	head := `{"DurableExecutionArn":"` + shown + `","DurableExecutionName":"order-1","FunctionArn":"` + fnARN + `d:$LATEST",`
	s.do("GET", execution(arn, ""), "").wantDurable(t, head+`"InputPayload":"{\"n\":1}","StartTimestamp":SECONDS,"Status":"RUNNING","Version":"$LATEST",`+
		`"ExecutionDataIncluded":true,"DurableConfig":{"RetentionPeriodInDays":3,"ExecutionTimeout":60},"ExpectedExecutionTimeoutTimestamp":SECONDS}`)
	s.do("POST", callbacks+url.QueryEscape(id)+"/heartbeat", "").wantDurable(t, `{}`)
	s.do("POST", callbacks+url.QueryEscape(id)+"/succeed", `"yes"`).wantDurable(t, `{}`)
	s.ended(arn)
	s.do("GET", execution(arn, ""), "").wantDurable(t, head+`"InputPayload":"{\"n\":1}","Result":"\"yes\"","StartTimestamp":SECONDS,"Status":"SUCCEEDED","EndTimestamp":SECONDS,`+
		`"Version":"$LATEST","ExecutionDataIncluded":true,"DurableConfig":{"RetentionPeriodInDays":3,"ExecutionTimeout":60}}`)
	s.do("GET", execution(arn, "?IncludeExecutionData=false"), "").wantDurable(t, head+`"StartTimestamp":SECONDS,"Status":"SUCCEEDED","EndTimestamp":SECONDS,`+
		`"Version":"$LATEST","ExecutionDataIncluded":false,"DurableConfig":{"RetentionPeriodInDays":3,"ExecutionTimeout":60}}`)
	events := []string{
		`{"EventType":"ExecutionStarted","EventId":1,"Id":"UUID","Name":"order-1","EventTimestamp":SECONDS,"ExecutionStartedDetails":{"Input":{"Payload":"{\"n\":1}","Truncated":false},"ExecutionTimeout":60}}`,
		`{"EventType":"CallbackStarted","SubType":"Callback","EventId":2,"Id":"c","Name":"approval","EventTimestamp":SECONDS,"CallbackStartedDetails":{"CallbackId":"SECRET","HeartbeatTimeout":40,"Timeout":50}}`,
		`{"EventType":"InvocationCompleted","EventId":3,"EventTimestamp":SECONDS,"InvocationCompletedDetails":{"StartTimestamp":SECONDS,"EndTimestamp":SECONDS,"RequestId":"UUID"}}`,
		`{"EventType":"CallbackSucceeded","SubType":"Callback","EventId":4,"Id":"c","Name":"approval","EventTimestamp":SECONDS,"CallbackSucceededDetails":{"Result":{"Payload":"\"yes\"","Truncated":false}}}`,
		`{"EventType":"InvocationCompleted","EventId":5,"EventTimestamp":SECONDS,"InvocationCompletedDetails":{"StartTimestamp":SECONDS,"EndTimestamp":SECONDS,"RequestId":"UUID"}}`,
		`{"EventType":"ExecutionSucceeded","EventId":6,"Id":"UUID","Name":"order-1","EventTimestamp":SECONDS,"ExecutionSucceededDetails":{"Result":{"Payload":"\"yes\"","Truncated":false}}}`,
	}
	s.do("GET", execution(arn, "/history"), "").wantDurable(t, `{"Events":[`+strings.Join(events, ",")+`]}`)
	s.do("GET", execution(arn, "/history?MaxItems=2"), "").wantDurable(t, `{"Events":[`+events[0]+","+events[1]+`],"NextMarker":"3"}`)
	s.do("GET", execution(arn, "/history?MaxItems=1000&Marker=6"), "").wantDurable(t, `{"Events":[`+events[5]+`]}`)
	s.do("GET", execution(arn, "/history?MaxItems=1&ReverseOrder=true"), "").wantDurable(t, `{"Events":[`+events[5]+`],"NextMarker":"5"}`)
	s.do("GET", execution(arn, "/history?MaxItems=1&ReverseOrder=true&Marker=5&IncludeExecutionData=false"), "").wantDurable(t, `{"Events":[`+events[4]+`],"NextMarker":"4"}`)
	s.do("GET", execution(arn, "/history?MaxItems=1&ReverseOrder=true&Marker=4&IncludeExecutionData=false"), "").wantDurable(t,
		`{"Events":[`+strings.Replace(events[3], `"Payload":"\"yes\"","Truncated":false`, `"Truncated":true`, 1)+`],"NextMarker":"3"}`)

	second := s.begin("order-2")
	s.do("POST", callbacks+url.QueryEscape(s.callback(second))+"/fail", `{"ErrorMessage":"no"}`).wantDurable(t, `{}`)
	s.ended(second)
	third := s.begin("order-3")
	s.callback(third)
	s.do("POST", execution(third, "/stop"), `{"ErrorMessage":"enough","ErrorType":"Stop"}`).wantDurable(t, `{"StopTimestamp":SECONDS}`)
	if body := s.do("GET", execution(third, ""), "").durableText(); !strings.Contains(body, `"Error":{"ErrorMessage":"enough","ErrorType":"Stop"}`) || !strings.Contains(body, `"Status":"STOPPED"`) {
		t.Error(body)
	}
	list := "/2025-12-01/functions/d/durable-executions"
	for query, want := range map[string]string{
		"":                                  "order-3 order-2 order-1",
		"?ReverseOrder=true":                "order-1 order-2 order-3",
		"?Statuses=FAILED&Statuses=STOPPED": "order-3 order-2",
		"?DurableExecutionName=order-1":     "order-1",
		"?Qualifier=$LATEST":                "order-3 order-2 order-1",
		"?StartedAfter=2001-01-01T00:00:00Z&StartedBefore=2001-01-02T00:00:00Z": "",
		"?StartedAfter=2001-01-01T00:00:00Z":                                    "order-3 order-2 order-1",
	} {
		var got struct {
			DurableExecutions []struct{ DurableExecutionName string }
		}
		if err := json.Unmarshal([]byte(s.do("GET", list+query, "").body), &got); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range got.DurableExecutions {
			names = append(names, e.DurableExecutionName)
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%s: %v, want %s", query, names, want)
		}
	}
	var page struct{ NextMarker string }
	first := s.do("GET", list+"?MaxItems=2", "")
	if err := json.Unmarshal([]byte(first.body), &page); err != nil || page.NextMarker == "" || strings.Contains(first.body, "order-1") {
		t.Errorf("first page %s", first.body)
	}
	s.do("GET", list+"?MaxItems=2&Marker="+page.NextMarker, "").wantDurable(t, `{"DurableExecutions":[`+strings.TrimSuffix(head, ",")+`,"StartTimestamp":SECONDS,"Status":"SUCCEEDED","EndTimestamp":SECONDS}]}`)
}

func TestCheckpointAndState(t *testing.T) {
	got := make(chan answer, 16)
	s := durableServer(t, func(s *server, e durableEvent) string {
		path := execution(e.DurableExecutionArn, "/checkpoint")
		send := func(token, rest string) answer { return s.do("POST", path, `{"CheckpointToken":"`+token+`"`+rest+`}`) }
		first := send(e.CheckpointToken, `,"ClientToken":"one","Updates":[{"Id":"s","Name":"step","Type":"STEP","SubType":"Step","Action":"START"},`+
			`{"Id":"s","Type":"STEP","Action":"RETRY","Error":{"ErrorMessage":"no"},"StepOptions":{"NextAttemptDelaySeconds":30}},`+
			`{"Id":"w","Type":"WAIT","Action":"START","WaitOptions":{"WaitSeconds":40}},{"Id":"x","Type":"CONTEXT","Action":"START"},{"Id":"y","ParentId":"x","Type":"STEP","Action":"SUCCEED","Payload":"1"},`+
			`{"Id":"i","Type":"CHAINED_INVOKE","Action":"START","Payload":"{}","ChainedInvokeOptions":{"FunctionName":"nobody"}}]`)
		var next struct{ CheckpointToken string }
		_ = json.Unmarshal([]byte(first.body), &next)
		got <- first
		got <- send(e.CheckpointToken, `,"ClientToken":"one","Updates":[]`)
		got <- send(e.CheckpointToken, `,"ClientToken":"two","Updates":[]`)
		got <- send(next.CheckpointToken, `,"Updates":[{"Id":"w","Type":"STEP","Action":"START"}]`)
		got <- send(next.CheckpointToken, `,"Updates":[{"Id":"","Type":"NAP","Action":"START"}]`)
		state := "/state?CheckpointToken=" + url.QueryEscape(next.CheckpointToken)
		got <- s.do("GET", execution(e.DurableExecutionArn, state+"&MaxItems=2"), "")
		got <- s.do("GET", execution(e.DurableExecutionArn, state+"&Marker=4"), "")
		got <- s.do("GET", execution(e.DurableExecutionArn, "/state?CheckpointToken="+url.QueryEscape(e.CheckpointToken)), "")
		got <- send(next.CheckpointToken, `,"Updates":[{"Id":"x","Type":"CONTEXT","Action":"SUCCEED","Payload":"2"},{"Id":"e","Type":"EXECUTION","Action":"SUCCEED","Payload":"\"all\""}]`)
		return `{"Status":"SUCCEEDED","Result":""}`
	})
	a := s.do("POST", fns+"/d:$LATEST/invocations", `{"n":1}`)
	a.want(t, 200, `"all"`)
	next := func() answer { return <-got }
	tokenText := regexp.MustCompile(`"CheckpointToken":"[^"]+"`)
	check := func(a answer, want string) {
		t.Helper()
		if body := tokenText.ReplaceAllString(a.durableText(), `"CheckpointToken":"TOKEN"`); a.status != 200 || body != want {
			t.Errorf("answer\n%d %s\nwant\n200 %s", a.status, body, want)
		}
	}
	step := `{"Id":"s","Name":"step","Type":"STEP","SubType":"Step","StartTimestamp":SECONDS,"Status":"PENDING","StepDetails":{"Attempt":1,"NextAttemptTimestamp":SECONDS,"Error":{"ErrorMessage":"no"}}}`
	wait := `{"Id":"w","Type":"WAIT","StartTimestamp":SECONDS,"Status":"STARTED","WaitDetails":{"ScheduledEndTimestamp":SECONDS}}`
	contextX := `{"Id":"x","Type":"CONTEXT","StartTimestamp":SECONDS,"Status":"STARTED","ContextDetails":{}}`
	stepY := `{"Id":"y","ParentId":"x","Type":"STEP","StartTimestamp":SECONDS,"EndTimestamp":SECONDS,"Status":"SUCCEEDED","StepDetails":{"Attempt":1,"Result":"1"}}`
	chained := `{"Id":"i","Type":"CHAINED_INVOKE","StartTimestamp":SECONDS,"EndTimestamp":SECONDS,"Status":"FAILED","ChainedInvokeDetails":{"Error":{"ErrorMessage":"Function not found: ` + fnARN + `nobody","ErrorType":"ResourceNotFoundException"}}}`
	first, again := next(), next()
	check(first, `{"CheckpointToken":"TOKEN","NewExecutionState":{"Operations":[`+strings.Join([]string{step, wait, contextX, stepY, chained}, ",")+`]}}`)
	if again.body != first.body {
		t.Errorf("the same again answered\n%s\nnot\n%s", again.body, first.body)
	}
	const badToken = `{"Type":"User","message":"Invalid checkpoint token"}`
	next().wantError(t, 400, "InvalidParameterValueException", badToken)
	next().wantError(t, 400, "InvalidParameterValueException", `{"Type":"User","message":"Inconsistent operation type."}`)
	next().wantError(t, 400, "ValidationException", `{"message":"3 validation errors detected: `+
		`Value '' at 'updates.1.member.id' failed to satisfy constraint: Member must have length greater than or equal to 1; `+
		`Value '' at 'updates.1.member.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+; `+
		`Value 'NAP' at 'updates.1.member.type' failed to satisfy constraint: Member must satisfy enum value set: [EXECUTION, CONTEXT, STEP, WAIT, CALLBACK, CHAINED_INVOKE]"}`)
	check(next(), `{"Operations":[{"Id":"UUID","Name":"UUID","Type":"EXECUTION","StartTimestamp":SECONDS,"Status":"STARTED","ExecutionDetails":{"InputPayload":"{\"n\":1}"}},`+step+`],"NextMarker":"2"}`)
	check(next(), `{"Operations":[`+stepY+","+chained+`]}`)
	next().wantError(t, 400, "InvalidParameterValueException", badToken)
	check(next(), `{"CheckpointToken":"TOKEN","NewExecutionState":{"Operations":[`+
		`{"Id":"x","Type":"CONTEXT","StartTimestamp":SECONDS,"EndTimestamp":SECONDS,"Status":"SUCCEEDED","ContextDetails":{"Result":"2"}}]}}`)
}

func TestDurableErrors(t *testing.T) {
	s := durableServer(t, approval)
	arn := s.begin("order-1")
	id := url.QueryEscape(s.callback(arn))
	other := strings.Replace(arn, mine, theirs, 1)
	gone := arn[:strings.LastIndex(arn, "/")] + "/00000000-0000-0000-0000-000000000000"
	for path, method := range map[string]string{"": "GET", "/history": "GET", "/stop": "POST"} {
		s.do(method, execution(gone, path), "").wantError(t, 404, "ResourceNotFoundException",
			`{"Type":"User","Message":"Durable execution not found: `+uuidText.ReplaceAllString(gone, "UUID")+`"}`)
		for _, who := range []string{mine, theirs} {
			if a := s.do(method, execution(other, path), "", "Authorization: Test "+who+" lambda"); a.status != 403 && a.status != 404 {
				t.Errorf("%s %s of account %s by %s: %d %s", method, path, theirs, who, a.status, a.body)
			}
		}
		s.do(method, execution(arn, path), "", "Authorization: Test "+theirs+" lambda").status2(t, 403)
		s.do(method, executions+"x"+path, "").status2(t, 400)
	}
	for _, action := range []string{"succeed", "fail", "heartbeat"} {
		s.do("POST", callbacks+id+"/"+action, "", "Authorization: Test "+theirs+" lambda").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Callback not found."}`)
		s.do("POST", callbacks+"eA==/"+action, "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Callback not found."}`)
		s.do("POST", callbacks+"a%20b/"+action, "").status2(t, 400)
	}
	s.do("POST", callbacks+id+"/succeed", strings.Repeat("x", lambda.MaxOperationPayloadBytes+1)).status2(t, 413)
	s.do("POST", callbacks+id+"/succeed", "\xff").status2(t, 400)
	s.do("POST", callbacks+id+"/succeed", "1").status2(t, 200)
	for _, action := range []string{"succeed", "fail", "heartbeat"} {
		s.do("POST", callbacks+id+"/"+action, "").wantError(t, 400, "CallbackTimeoutException", `{"Type":"User","Message":"The callback has expired or was closed already."}`)
	}
	s.do("GET", "/2025-12-01/functions/nobody/durable-executions", "").status2(t, 404)
	s.do("GET", "/2025-12-01/functions/d/durable-executions?Statuses=ASLEEP", "").status2(t, 400)
	s.do("GET", "/2025-12-01/functions/d/durable-executions?MaxItems=1001", "").status2(t, 400)
	s.do("GET", "/2025-12-01/functions/d/durable-executions?StartedAfter=yesterday", "").status2(t, 400)
	s.do("GET", execution(arn, "/history?Marker=x"), "").status2(t, 400)
	s.do("GET", execution(arn, "/history?ReverseOrder=maybe"), "").status2(t, 400)
}

// A role may do to executions what its policies allow, by their ARN; an execution invokes only what its role may.
func TestRolesAndExecutions(t *testing.T) {
	const app = "Authorization: Test " + mine + " lambda app"
	s := newServer(t, identities(t, statements(
		`{"Effect":"Allow","Action":["lambda:CheckpointDurableExecution","lambda:SendDurableExecutionCallback*"],"Resource":"`+fnARN+`d:*"}`,
		`{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"`+fnARN+`allowed"}`)))
	for _, name := range []string{"allowed", "forbidden"} {
		s.create(name, "")
	}
	s.create("d", `,"DurableConfig":{"ExecutionTimeout":60}`)
	got := make(chan answer, 2)
	s.invoker.set(func(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
		var e durableEvent
		if req.Function != "d" {
			return &invoke.Result{Payload: []byte("1")}, nil
		}
		if err := json.Unmarshal(req.Payload, &e); err != nil {
			return nil, err
		}
		if len(e.InitialExecutionState.Operations) == 1 {
			got <- s.do("POST", execution(e.DurableExecutionArn, "/checkpoint"), `{"CheckpointToken":"`+e.CheckpointToken+`","Updates":[`+
				`{"Id":"a","Type":"CHAINED_INVOKE","Action":"START","ChainedInvokeOptions":{"FunctionName":"allowed"}},`+
				`{"Id":"f","Type":"CHAINED_INVOKE","Action":"START","ChainedInvokeOptions":{"FunctionName":"forbidden"}},`+
				`{"Id":"c","Type":"CALLBACK","Action":"START"}]}`, app)
			return &invoke.Result{Payload: []byte(`{"Status":"PENDING"}`)}, nil
		}
		if e.InitialExecutionState.Operations[3].Status == durable.Started || e.InitialExecutionState.Operations[1].Status == durable.Started {
			return &invoke.Result{Payload: []byte(`{"Status":"PENDING"}`)}, nil
		}
		return &invoke.Result{Payload: []byte(`{"Status":"SUCCEEDED","Result":"` + string(e.InitialExecutionState.Operations[1].Status) + `"}`)}, nil
	})
	arn := s.begin("order-1")
	a := <-got
	if want := `"Id":"f","Type":"CHAINED_INVOKE"`; a.status != 200 || !strings.Contains(a.body, want) || strings.Count(a.body, "AccessDeniedException") != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
	id := url.QueryEscape(s.callback(arn))
	s.do("GET", execution(arn, ""), "", app).status2(t, 403)
	s.do("POST", execution(arn, "/stop"), "", app).status2(t, 403)
	s.do("POST", callbacks+id+"/heartbeat", "", app).status2(t, 200)
	s.do("POST", callbacks+id+"/heartbeat", "", "Authorization: Test "+mine+" lambda nobody").status2(t, 403)
	s.do("POST", callbacks+id+"/succeed", "1", app).status2(t, 200)
	s.ended(arn)
	if body := s.do("GET", execution(arn, ""), "").body; !strings.Contains(body, `"Result":"SUCCEEDED"`) {
		t.Error(body)
	}
}
