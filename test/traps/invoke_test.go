package traps_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
)

func reserve(t *testing.T, name string, n int) {
	t.Helper()
	if err := server(t).PutFunctionConcurrency(t.Context(), name, n); err != nil {
		t.Fatal(err)
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, `
import os, time
def handler(e, c):
    if e.get("touch"):
        print("running", flush=True)
    time.sleep(e.get("hold", 0))
    return os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
`)
	throttled := func(a string) {
		t.Helper()
		fails(t, s.Do(t, "POST", functions+"/"+name+"/invocations", a), 429, "TooManyRequestsException",
			`{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	}
	// Two at once have two environments.
	answers := make(chan string)
	for range 2 {
		go func() { // ends with its answer
			out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Payload: []byte(`{"hold":1}`)})
			answers <- fmt.Sprint(string(out.Payload), err)
		}()
	}
	if a, b := <-answers, <-answers; a == b {
		t.Errorf("two invocations at once ran in one environment, %s", a)
	}
	// The second beyond a reservation of one is refused, and told why.
	reserve(t, name, 1)
	go func() { // ends with its answer
		out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Payload: []byte(`{"hold":3,"touch":true}`)})
		answers <- fmt.Sprint(string(out.Payload), err)
	}()
	await(t, "the invocation runs", func() bool {
		for _, e := range logLines(t, name, 1) {
			if strings.HasPrefix(e.Message, "running") {
				return true
			}
		}
		return false
	})
	throttled(`{}`)
	if got := <-answers; !strings.HasSuffix(got, "<nil>") {
		t.Error(got)
	}
	s.Call(t, name, `{}`)
	// One after the other, more than ten requests in a second are too many for it.
	last := s.Do(t, "POST", functions+"/"+name+"/invocations", "{}")
	for i := 0; i < 500 && last.Status == 200; i++ {
		last = s.Do(t, "POST", functions+"/"+name+"/invocations", "{}")
	}
	fails(t, last, 429, "TooManyRequestsException",
		`{"Reason":"ReservedFunctionInvocationRateLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	reserve(t, name, 0)
	throttled(`{}`)
	if a := s.Do(t, "POST", functions+"/"+name+"/invocations", "{}"); a.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", a.Header)
	}
	if err := s.DeleteFunctionConcurrency(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	s.Call(t, name, `{}`)
	fails(t, s.Do(t, "PUT", "/2017-10-31/functions/"+name+"/concurrency", `{"ReservedConcurrentExecutions":901}`), 400, "InvalidParameterValueException",
		`{"Type":"User","message":"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}`)
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    return 'x' * (e['n'] - 2) if isinstance(e, dict) and 'n' in e else len(str(e))\n", timeout(30))
	invocations := functions + "/" + name + "/invocations"
	const limit = 6 << 20
	quoted := func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }
	for body, want := range map[string]string{`{"a":`: "Could not parse request body into json: ", "\xff": "Could not parse request body into json: ", `{"a":1} x`: "Could not parse request body into json: "} {
		fails(t, s.Do(t, "POST", invocations, body), 400, "InvalidRequestContentException", `{"Type":"User","message":"`+want)
	}
	fails(t, s.Do(t, "POST", invocations, quoted(limit+1)), 413, "RequestTooLargeException",
		`{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`)
	if a := s.Do(t, "POST", invocations, quoted(limit)); a.Status != 200 || a.Body != fmt.Sprint(limit-2) {
		t.Errorf("a body of 6 MiB: %d %.200s", a.Status, a.Body)
	}
	fails(t, s.Do(t, "POST", invocations, quoted(1<<20+1), "X-Amz-Invocation-Type: Event"), 413, "RequestTooLargeException",
		`{"Type":"User","message":"Request must be smaller than 1048576 bytes for the InvokeFunction operation"}`)
	fails(t, s.Do(t, "POST", invocations, `{"a":`, "X-Amz-Invocation-Type: Event"), 400, "InvalidRequestContentException", `{"Type":"User","message":"`)
	if a := s.Do(t, "POST", invocations, quoted(1<<20), "X-Amz-Invocation-Type: Event"); a.Status != 202 || a.Body != "" {
		t.Errorf("an event of 1 MiB: %d %.200s", a.Status, a.Body)
	}
	// An answer may have 6 MiB and 100 bytes.
	if out := s.Call(t, name, fmt.Sprintf(`{"n":%d}`, limit+100)); out.FunctionError != "" || len(out.Payload) != limit+100 {
		t.Errorf("%s, %d bytes", out.FunctionError, len(out.Payload))
	}
	f := s.Fails(t, name, fmt.Sprintf(`{"n":%d}`, limit+101))
	if f.Raw != `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}` {
		t.Errorf("got %s", f.Raw)
	}
	if out := s.Call(t, name, `{"n":3}`); string(out.Payload) != `"x"` {
		t.Errorf("afterwards: %s", out.Payload)
	}
}

func TestFailuresAndLogTail(t *testing.T) {
	t.Parallel()
	s := server(t)
	const requestID = `[0-9a-f-]{36}`
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		name := python(t, `
import os, time
def handler(e, c):
    if e == "raise":
        raise ValueError("on purpose")
    if e == "exit":
        os._exit(3)
    if e == "leave":
        os._exit(0)
    if e == "hang":
        time.sleep(60)
    if e == "log":
        print("y" * 5000)
        print("the end")
    return {"errorType": "no failure", "errorMessage": "just a result"}
`, timeout(2))
		for event, want := range map[string]string{
			"raise": `^{"errorMessage": "on purpose", "errorType": "ValueError", "requestId": "` + requestID + `", "stackTrace": \["  File .*\]}$`,
			"exit":  `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + requestID + ` Error: Runtime exited with error: exit status 3"}$`,
			"leave": `^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + requestID + ` Error: Runtime exited without providing a reason"}$`,
			"hang":  `^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + requestID + ` Error: Task timed out after 2.00 seconds"}$`,
		} {
			like(t, s.Fails(t, name, `"`+event+`"`).Raw, want)
		}
		a := s.Do(t, "POST", functions+"/"+name+"/invocations", `"log"`, "X-Amz-Log-Type: Tail")
		if _, failed := a.Header["X-Amz-Function-Error"]; failed || a.Status != 200 {
			t.Errorf("a result that looks like an error is none: %d %v", a.Status, a.Header)
		}
		tail, err := base64.StdEncoding.DecodeString(a.Header.Get("X-Amz-Log-Result"))
		if err != nil || len(tail) != 4096 {
			t.Errorf("%d bytes of log, want the last 4096: %v", len(tail), err)
		}
		like(t, string(tail), `(?s)^y+\nthe end\nEND RequestId: `+requestID+`\nREPORT RequestId: `+requestID+`\tDuration: [0-9.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\t`)
		like(t, string(s.Call(t, name, `"plain"`).LogTail), `^START RequestId: `+requestID+` Version: \$LATEST\nEND RequestId: `+requestID+`\nREPORT RequestId: `+requestID+`\t`)
		if a := s.Do(t, "POST", functions+"/"+name+"/invocations", `"plain"`); a.Header.Get("X-Amz-Log-Result") != "" {
			t.Error("a log nobody asked for")
		}
	})
	t.Run("node", func(t *testing.T) {
		t.Parallel()
		name := javascript(t, "exports.handler = async () => { throw new RangeError('on purpose'); };\n")
		like(t, s.Fails(t, name, `{}`).Raw, `^{"errorType":"RangeError","errorMessage":"on purpose","trace":\["RangeError: on purpose","    at .*\]}$`)
	})
	t.Run("module", func(t *testing.T) {
		t.Parallel()
		name := python(t, "import nothing_of_that_name\n")
		like(t, s.Fails(t, name, `{}`).Raw, `^{"errorMessage": "Unable to import module 'app': No module named 'nothing_of_that_name'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": \[\]}$`)
	})
}
