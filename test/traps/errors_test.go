package traps_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

func TestErrorKey(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    pass\n")
	if a := s.Do(t, "PUT", "/2017-10-31/functions/"+name+"/concurrency", `{"ReservedConcurrentExecutions":0}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if _, err := s.PublishVersion(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	f := functions + "/" + name
	for what, c := range map[string]struct {
		answer thawtest.Answer
		status int
		name   string
		body   string
	}{
		"not found":      {s.Do(t, "GET", functions+"/nobody", ""), 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: ` + fnARN + `nobody"}`},
		"conflict":       {s.Do(t, "POST", functions, creation(t, name)), 409, "ResourceConflictException", `{"Type":"User","message":"Function already exist: ` + name + `"}`},
		"not JSON":       {s.Do(t, "POST", f+"/invocations", "{"), 400, "InvalidRequestContentException", `{"Type":"User","message":"Could not parse request body into json: `},
		"throttled":      {s.Do(t, "POST", f+"/invocations", "{}"), 429, "TooManyRequestsException", `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		"one constraint": {s.Do(t, "PUT", f+"/configuration", `{"Timeout":0}`), 400, "ValidationException", `{"message":"1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"}`},
		"two constraints": {s.Do(t, "PUT", f+"/configuration", `{"Timeout":0,"MemorySize":1}`), 400, "ValidationException",
			`{"message":"2 validation errors detected: Value '`},
		"meaning":    {s.Do(t, "PUT", f+"/configuration", `{"Environment":{"Variables":{"AWS_REGION":"here"}}}`), 400, "InvalidParameterValueException", `{"Type":"User","message":"`},
		"no runtime": {s.Do(t, "PUT", f+"/configuration", `{"Runtime":"cobol85"}`), 400, "InvalidParameterValueException", `{"Type":"User","message":"Value cobol85 at 'runtime' failed to satisfy constraint: `},
		"revision":   {s.Do(t, "PUT", f+"/code", `{"RevisionId":"00000000-0000-0000-0000-000000000000","ZipFile":"UEsF"}`), 412, "PreconditionFailedException", `{"Type":"User","message":"`},
		"too large":  {s.Do(t, "POST", f+"/invocations", `"`+strings.Repeat("x", 6<<20)+`"`), 413, "RequestTooLargeException", `{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}`},
		"media type": {s.Do(t, "POST", f+"/invocations", "{}", "Content-Type: image/png"), 415, "UnsupportedMediaTypeException", `{"Type":"User","message":"The content type of the Invoke request body is not JSON: `},
		"provisioned": {s.Do(t, "GET", "/2019-09-30/functions/"+name+"/provisioned-concurrency?Qualifier=1", ""), 404, "ProvisionedConcurrencyConfigNotFoundException",
			`{"Type":"User","message":"`},
	} {
		fails(t, c.answer, c.status, c.name, c.body)
		if !json.Valid([]byte(c.answer.Body)) || !requestID.MatchString(c.answer.Header.Get("X-Amzn-Requestid")) {
			t.Errorf("%s: %v %s", what, c.answer.Header, c.answer.Body)
		}
		if c.status == 429 && c.answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After: %v", what, c.answer.Header)
		}
	}
}

var requestID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// creation is the body of a CreateFunction.
func creation(t *testing.T, name string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"FunctionName": name, "Runtime": thawtest.Python(t), "Handler": "app.handler", "Role": thawtest.Role,
		"Code": map[string]any{"ZipFile": thawtest.Zip(t, thawtest.Files{"app.py": "def handler(e, c):\n    pass\n"})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    pass\n")
	for target, want := range map[string]string{
		"/2020-06-30/functions/" + name + "/code-signing-config":              `{"FunctionName":"` + name + `"}`,
		"/2019-09-30/functions/" + name + "/concurrency":                      `{}`,
		"/2017-03-31/tags/" + fnARN + name:                                    `{"Tags":{}}`,
		functions + "/" + name + "/aliases":                                   `{"Aliases":[]}`,
		"/2021-10-31/functions/" + name + "/urls":                             `{"FunctionUrlConfigs":[]}`,
		"/2019-09-25/functions/" + name + "/event-invoke-config/list":         `{"FunctionEventInvokeConfigs":[]}`,
		"/2019-09-30/functions/" + name + "/provisioned-concurrency?List=ALL": `{"ProvisionedConcurrencyConfigs":[]}`,
		"/2024-08-31/functions/" + name + "/recursion-config":                 `{"RecursiveLoop":"Terminate"}`,
	} {
		if a := s.Do(t, "GET", target, ""); a.Status != 200 || a.Body != want {
			t.Errorf("GET %s: %d %s, want 200 %s", target, a.Status, a.Body, want)
		}
	}
	for target, want := range map[string]string{
		functions + "/" + name + "/policy":                       "The resource you requested does not exist.",
		"/2021-10-31/functions/" + name + "/url":                 "The resource you requested does not exist.",
		"/2019-09-25/functions/" + name + "/event-invoke-config": "The function " + fnARN + name + ":$LATEST doesn't have an EventInvokeConfig",
	} {
		fails(t, s.Do(t, "GET", target, ""), 404, "ResourceNotFoundException", `{"Type":"User","Message":"`+want+`"}`)
	}
}
