package traps_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    return 'in'\n")
	var config struct{ FunctionUrl string }
	s.Do(t, "POST", "/2021-10-31/functions/"+name+"/url", `{"AuthType":"NONE"}`).Decode(t, 201, &config)
	visit := func(status int, body string) {
		t.Helper()
		a := s.Visit(t, config.FunctionUrl, "GET", "/", "")
		if a.Status != status || !strings.HasPrefix(a.Body, body) {
			t.Errorf("%d %s, want %d %s", a.Status, a.Body, status, body)
		}
	}
	const forbidden = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://`
	visit(403, forbidden)
	allow(t, name, `{"StatementId":"url","Action":"lambda:InvokeFunctionUrl","Principal":"*","FunctionUrlAuthType":"NONE"}`)
	visit(403, forbidden) // since October 2025 one is not enough
	allow(t, name, `{"StatementId":"fn","Action":"lambda:InvokeFunction","Principal":"*","InvokedViaFunctionUrl":true}`)
	visit(200, "in")
	if a := s.Do(t, "PUT", "/2021-10-31/functions/"+name+"/url", `{"AuthType":"AWS_IAM"}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	visit(403, forbidden)
	if a := s.Do(t, "PUT", "/2021-10-31/functions/"+name+"/url", `{"AuthType":"NONE"}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	visit(200, "in")
	if a := s.Do(t, "DELETE", functions+"/"+name+"/policy/url", ""); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	visit(403, forbidden)
	// What a statement says in the function's policy is how AWS writes it.
	allow(t, name, `{"StatementId":"s3","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","SourceArn":"arn:aws:s3:::b","SourceAccount":"111111111111"}`)
	var policy struct{ Policy string }
	s.Do(t, "GET", functions+"/"+name+"/policy", "").Decode(t, 200, &policy)
	for _, want := range []string{
		`"Version":"2012-10-17","Id":"default"`, `"Principal":{"Service":"s3.amazonaws.com"}`, `"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}`,
		`"StringEquals":{"AWS:SourceAccount":"111111111111"}`, `"Resource":"` + fnARN + name + `"`,
	} {
		if !strings.Contains(policy.Policy, want) {
			t.Errorf("no %s in %s", want, policy.Policy)
		}
	}
	// A key that encrypts nothing would be accepted for nothing.
	fails(t, s.Do(t, "PUT", functions+"/"+name+"/configuration", `{"KMSKeyArn":"arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"}`),
		400, "InvalidParameterValueException", `{"Type":"User","message":"KMSKeyArn`)
}

func TestFunctionURL(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, `
import base64
def handler(e, c):
    path = e["rawPath"]
    if path == "/event":
        return e
    if path == "/full":
        return {"statusCode": 418, "headers": {"x-own": "yes", "content-type": "text/x-trap"}, "cookies": ["a=1; Secure", "b=2"],
                "body": base64.b64encode(b"\xff\x00").decode(), "isBase64Encoded": True}
    if path == "/string":
        return "bare"
    if path == "/object":
        return {"n": 1}
    if path == "/empty":
        return {"statusCode": 204}
    if path == "/bad":
        return {"statusCode": "many"}
    raise ValueError("on purpose")
`)
	url := publicURL(t, name, "BUFFERED")
	like(t, url, `^http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:\d+/$`)
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")

	var e struct {
		Version, RouteKey, RawPath, RawQueryString string
		Cookies                                    []string
		Headers, QueryStringParameters             map[string]string
		RequestContext                             struct {
			AccountID, APIID, DomainName, DomainPrefix, RouteKey, Stage, Time string
			TimeEpoch                                                         int64
			HTTP                                                              struct{ Method, Path, Protocol, SourceIP, UserAgent string }
		}
		Body            *string
		IsBase64Encoded bool
	}
	a := s.Visit(t, url, "POST", "/event?a=1&a=2&b=", "\xff\x00", "Content-Type: image/png", "Cookie: c=1; d=2", "X-Own: yes", "User-Agent: traps")
	a.Decode(t, 200, &e)
	if a.Header.Get("Content-Type") != "application/json" || e.Version != "2.0" || e.RouteKey != "$default" || e.RawPath != "/event" || e.RawQueryString != "a=1&a=2&b=" {
		t.Errorf("%v %s", a.Header, a.Body)
	}
	if strings.Join(e.Cookies, " ") != "c=1 d=2" || e.Headers["cookie"] != "" || e.Headers["x-own"] != "yes" || e.Headers["x-forwarded-proto"] != "http" {
		t.Errorf("cookies and headers: %s", a.Body)
	}
	if e.QueryStringParameters["a"] != "1,2" || e.Body == nil || *e.Body != "/wA=" || !e.IsBase64Encoded {
		t.Errorf("query and body: %s", a.Body)
	}
	if c := e.RequestContext; c.AccountID != "anonymous" || c.DomainName != host || c.DomainPrefix != host[:32] || c.APIID != host[:32] || c.RouteKey != "$default" ||
		c.Stage != "$default" || c.HTTP.Method != "POST" || c.HTTP.Path != "/event" || c.HTTP.Protocol != "HTTP/1.1" || c.HTTP.SourceIP != "127.0.0.1" ||
		c.HTTP.UserAgent != "traps" || c.TimeEpoch < 1e12 {
		t.Errorf("context: %s", a.Body)
	}
	var raw map[string]json.RawMessage
	s.Visit(t, url, "GET", "/event", "").Decode(t, 200, &raw)
	for _, absent := range []string{"body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"} {
		if v, ok := raw[absent]; ok {
			t.Errorf("%s is %s in an event without", absent, v)
		}
	}
	text := s.Visit(t, url, "POST", "/event", `{"a":1}`, "Content-Type: application/json")
	if !strings.Contains(text.Body, `"body":"{\"a\":1}"`) && !strings.Contains(text.Body, `"body": "{\"a\":1}"`) || !strings.Contains(text.Body, `"isBase64Encoded": false`) {
		t.Errorf("JSON: %s", text.Body)
	}

	full := s.Visit(t, url, "GET", "/full", "")
	if h := full.Header; full.Status != 418 || h.Get("X-Own") != "yes" || h.Get("Content-Type") != "text/x-trap" || full.Body != "\xff\x00" ||
		strings.Join(h["Set-Cookie"], "|") != "a=1; Secure|b=2" {
		t.Errorf("%d %v %q", full.Status, full.Header, full.Body)
	}
	for path, want := range map[string]string{"/string": "200 application/json bare", "/object": `200 application/json {"n": 1}`, "/empty": "204 "} {
		a := s.Visit(t, url, "GET", path, "")
		if got := strings.TrimSpace(strings.Join([]string{a.Header.Get("Content-Type"), a.Body}, " ")); got != strings.TrimSpace(want[4:]) && path != "/empty" || want[:3] != strconv.Itoa(a.Status) {
			t.Errorf("%s: %d %s, want %s", path, a.Status, got, want)
		}
	}
	for _, path := range []string{"/bad", "/raise"} {
		if a := s.Visit(t, url, "GET", path, ""); a.Status != 502 || a.Body != "Internal Server Error" {
			t.Errorf("%s: %d %s, want 502", path, a.Status, a.Body)
		}
	}
	if a := s.Visit(t, url, "POST", "/string", strings.Repeat("x", 6<<20+1), "Content-Type: text/plain"); a.Status != 413 {
		t.Errorf("a body of more than 6 MiB: %d %s", a.Status, a.Body)
	}
	unknown := s.Visit(t, strings.Replace(url, host[:4], "zzzz", 1), "GET", "/", "")
	fails(t, unknown, 403, "AccessDeniedException", `{"Message":null}`)
	reserve(t, name, 0)
	if a := s.Visit(t, url, "GET", "/string", ""); a.Status != 429 {
		t.Errorf("throttled: %d %s", a.Status, a.Body)
	}
}
