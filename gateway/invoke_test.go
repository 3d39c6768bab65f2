package gateway_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const invocations = fns + "/f/invocations"

func TestInvoke(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	a := s.do("POST", invocations, `{"a":1}`)
	a.want(t, 200, `{"a":1}`)
	req := s.invoker.request()
	if req.ID != a.header.Get("x-amzn-RequestId") || req.Account != mine || req.Function != "f" || req.Qualifier != "" || req.ARN != fnARN+"f" ||
		string(req.Payload) != `{"a":1}` || req.LogTail || req.ClientContext != "" {
		t.Errorf("request %+v", req)
	}
	for name, want := range map[string]string{"X-Amz-Executed-Version": "$LATEST", "Content-Type": "application/json", "Content-Length": "7",
		"X-Amz-Function-Error": "", "X-Amz-Log-Result": "", "Server-Timing": "", "X-Amzn-Trace-Id": req.TraceID} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16}$`).MatchString(req.TraceID) {
		t.Errorf("trace id %q", req.TraceID)
	}
}

func TestInvokeOptions(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.invoker.set(func(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
		return &invoke.Result{
			ExecutedVersion: "$LATEST", TraceID: req.TraceID, LogTail: []byte("START\nEND\n"),
			Phases: []invoke.Phase{{Name: "place", Duration: 150000, Source: "hot"}, {Name: "init", Duration: 51234567}, {Name: "invoke", Duration: 2 * time.Millisecond}},
		}, nil
	})
	trace := "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0"
	a := s.do("POST", fns+"/"+"arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"+"/invocations?Qualifier=$LATEST", "", "X-Amz-Invocation-Type: RequestResponse",
		"X-Amz-Log-Type: Tail", "X-Amz-Client-Context: "+base64.StdEncoding.EncodeToString([]byte(` {"custom":{"k":"v"}}`)), "X-Amzn-Trace-Id: "+trace)
	a.want(t, 200, "null")
	req := s.invoker.request()
	if req.Qualifier != "$LATEST" || req.ARN != fnARN+"f:$LATEST" || string(req.Payload) != "{}" || !req.LogTail ||
		req.ClientContext != ` {"custom":{"k":"v"}}` || req.TraceID != trace {
		t.Errorf("request %+v", req)
	}
	for name, want := range map[string]string{"X-Amz-Log-Result": "U1RBUlQKRU5ECg==", "X-Amzn-Trace-Id": trace, "Server-Timing": `place;dur=0.150;desc="hot", init;dur=51.235, invoke;dur=2.000`} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
	s.do("POST", invocations, "", "X-Amzn-Trace-Id: "+strings.Repeat("x", 2000))
	if got := s.invoker.request().TraceID; !strings.HasPrefix(got, "Root=1-") {
		t.Errorf("an endless trace header was passed on: %.40s", got)
	}
}

// TestW3CTrace: a traceparent serves where there is no X-Ray header, and is answered in its own form.
func TestW3CTrace(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	a := s.do("POST", invocations, "1", "Traceparent: "+parent, "Tracestate: vendor=x")
	if got, want := s.invoker.request().TraceID, "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"; got != want {
		t.Errorf("function got %q, want %q", got, want)
	}
	if a.header.Get("Traceparent") != parent || a.header.Get("Tracestate") != "vendor=x" {
		t.Errorf("answered %v", a.header)
	}
	for _, bad := range []string{"00-0-0-01", "ff" + parent[2:], "00-00000000000000000000000000000000-00f067aa0ba902b7-01", parent + "x", strings.ToUpper(parent)} {
		a := s.do("POST", invocations, "1", "Traceparent: "+bad)
		if got := s.invoker.request().TraceID; !strings.HasPrefix(got, "Root=1-") || strings.Contains(got, "4bf92f35") {
			t.Errorf("%s became %s", bad, got)
		}
		if got := a.header.Get("Traceparent"); len(got) != 55 || strings.Contains(got, "4bf92f35") {
			t.Errorf("%s was answered by %s", bad, got)
		}
	}
	xray := "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
	s.do("POST", invocations, "1", "Traceparent: "+parent, "X-Amzn-Trace-Id: "+xray)
	if got := s.invoker.request().TraceID; got != xray {
		t.Errorf("got %s", got)
	}
}

func TestFailedFunction(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return &invoke.Result{Payload: []byte(`{"errorType":"E"}`), FunctionError: "Unhandled", ExecutedVersion: "$LATEST"}, nil
	})
	a := s.do("POST", invocations, "1")
	a.want(t, 200, `{"errorType":"E"}`)
	if got := a.header.Get("X-Amz-Function-Error"); got != "Unhandled" {
		t.Errorf("X-Amz-Function-Error %q", got)
	}
}

func TestInvokeDryRun(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	a := s.do("POST", invocations, "{}", "X-Amz-Invocation-Type: DryRun")
	a.want(t, 204, "")
	if a.header.Get("X-Amz-Executed-Version") != "" || s.invoker.request() != nil {
		t.Error("a dry run ran")
	}
	s.do("POST", fns+"/g/invocations", "{}", "X-Amz-Invocation-Type: DryRun").wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: `+fnARN+`g"}`)
}

func TestInvokeErrors(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return nil, errors.New("must not be reached")
	})
	for _, test := range []struct {
		name, body string
		headers    []string
		status     int
		typ, want  string
	}{
		{"type", "", []string{"X-Amz-Invocation-Type: Later"}, 400, "ValidationException",
			`{"message":"1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"}`},
		{"durable", "", []string{"X-Amz-Durable-Execution-Name: n"}, 400, "InvalidParameterValueException",
			`{"Type":"User","message":"The invoked function is not a durable function: it takes no DurableExecutionName."}`},
		{"log type", "", []string{"X-Amz-Log-Type: Head"}, 400, "ValidationException",
			`{"message":"1 validation error detected: Value 'Head' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"}`},
		{"two constraints", "", []string{"X-Amz-Invocation-Type: later", "X-Amz-Tenant-Id: a;b"}, 400, "ValidationException",
			`{"message":"2 validation errors detected: Value 'later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]; ` +
				`Value 'a;b' at 'tenantId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"}`},
		{"long tenant", "", []string{"X-Amz-Tenant-Id: " + strings.Repeat("x", 257)}, 400, "ValidationException",
			`{"message":"1 validation error detected: Value '` + strings.Repeat("x", 257) + `' at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256"}`},
		{"tenant where there are none", "{}", []string{"X-Amz-Invocation-Type: DryRun", "X-Amz-Tenant-Id: a.b:c/d=e+f-g@h i_J9"}, 400, "InvalidParameterValueException",
			`{"Type":"User","message":"The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again."}`},
		{"name of an execution", "", []string{"X-Amz-Durable-Execution-Name: a b"}, 400, "ValidationException",
			`{"message":"1 validation error detected: Value 'a b' at 'durableExecutionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+"}`},
		{"not JSON", "{a:1}", nil, 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: invalid character 'a' looking for beginning of object key string"}`},
		{"two values", "1 2", nil, 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Could not parse request body into json: Could not parse payload into json: invalid character '2' after top-level value"}`},
		{"image", "{}", []string{"Content-Type: Image/png"}, 415, "UnsupportedMediaTypeException",
			`{"Type":"User","message":"The content type of the Invoke request body is not JSON: Image/png"}`},
		{"client context", "{}", []string{"X-Amz-Client-Context: e30"}, 200, "", ""},
		{"client context is a list", "{}", []string{"X-Amz-Client-Context: W10="}, 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Client context must be a valid Base64-encoded JSON object."}`},
		{"client context is not base64", "{}", []string{"X-Amz-Client-Context: {}"}, 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Client context must be a valid Base64-encoded JSON object."}`},
		{"client context is long", "{}", []string{"X-Amz-Client-Context: " + strings.Repeat("e", 3584)}, 400, "InvalidRequestContentException",
			`{"Type":"User","message":"Client context must be no more than 3583 bytes when base64-encoded"}`},
		{"body of 6 MiB and a byte", `"` + strings.Repeat("x", 6<<20-1) + `"`, nil, 413, "RequestTooLargeException",
			`{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.status == 200 {
				if a := s.do("POST", invocations, test.body, test.headers...); a.status != 500 { // it reached the invoker
					t.Errorf("%d %s", a.status, a.body)
				}
				return
			}
			s.do("POST", invocations, test.body, test.headers...).wantError(t, test.status, test.typ, test.want)
		})
	}
}

func TestInvokeBodies(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	largest := `"` + strings.Repeat("x", 6<<20-2) + `"`
	for _, body := range []string{largest, `"` + strings.Repeat("x", 2<<20) + `"`, "null", " [1] "} {
		if a := s.do("POST", invocations, body, "Content-Type: application/x-www-form-urlencoded"); a.status != 200 || a.body != body {
			t.Errorf("a body of %d bytes came back as %d and %d bytes", len(body), a.status, len(a.body))
		}
	}
	// Without an announced length.
	for _, body := range []string{`{"a":1}`, largest, largest + " "} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+invocations, struct{ *strings.Reader }{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Test "+mine+" lambda")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want := 200
		if len(body) > lambda.MaxSyncPayloadBytes {
			want = 413
		}
		if resp.StatusCode != want {
			t.Errorf("a chunked body of %d bytes: %d, want %d", len(body), resp.StatusCode, want)
		}
	}
}

func TestErrorsOfTheInvoker(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for _, test := range []struct {
		err    error
		status int
		typ    string
		want   string
	}{
		{lambda.Errorf(lambda.KindNotFound, "Function not found: x"), 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: x"}`},
		{lambda.Errorf(lambda.KindConflict, "c"), 409, "ResourceConflictException", `{"Type":"User","message":"c"}`},
		{lambda.Errorf(lambda.KindNotReady, "n"), 502, "ResourceNotReadyException", `{"Type":"Service","message":"n"}`},
		{&lambda.Error{Kind: lambda.KindThrottled, Reason: "ConcurrentInvocationLimitExceeded", Msg: "Rate Exceeded."}, 429, "TooManyRequestsException",
			`{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{&lambda.Error{Kind: lambda.KindInternal, Msg: "secret"}, 500, "ServiceException", `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`},
		{errors.New("secret"), 500, "ServiceException", `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`},
	} {
		s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) { return nil, test.err })
		a := s.do("POST", invocations, "{}")
		a.wantError(t, test.status, test.typ, test.want)
		if got := a.header.Get("Retry-After"); (got == "1") != (test.status == 429) {
			t.Errorf("Retry-After %q with status %d", got, test.status)
		}
	}
	s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) { panic("on the floor") })
	s.do("POST", invocations, "{}").wantError(t, 500, "ServiceException", `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`)
	if log := s.log.String(); !strings.Contains(log, "on the floor") || !strings.Contains(log, "invoke_test.go") {
		t.Errorf("the panic or its stack is not in the log: %s", log)
	}
}
