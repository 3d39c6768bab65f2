package functionurl_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/functionurl"
	"thaw.dev/thaw/lambda"
)

const id = "abcdefghijklmnopqrstuvwxyz012345"

func request(method, target, body string, headers ...string) *functionurl.Request {
	r := httptest.NewRequest(method, "http://"+id+".lambda-url.us-east-1.localhost:9000"+target, nil)
	r.RemoteAddr = "10.1.2.3:5555"
	r.Host = id + ".lambda-url.us-east-1.localhost:9000"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return &functionurl.Request{
		HTTP: r, Body: []byte(body), URLID: id, ID: "7c1dd2e9-0000-0000-0000-000000000001", TraceID: "Root=1-2-3",
		Time: time.Date(2026, 3, 12, 19, 3, 58, 123e6, time.UTC),
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	r := request("POST", "/a%2Fb/c?x=1&y=2&x=%20z&flag", `{"a":1}`, "Content-Type: application/json; charset=utf-8", "Cookie: a=1; b=2", "Cookie: c=3",
		"X-Many: 1", "X-Many: 2", "User-Agent: curl/8", "Authorization: Bearer x", "X-Forwarded-For: 1.1.1.1",
		"Connection: keep-alive, X-Hop", "Connection: Upgrade", "Keep-Alive: timeout=5", "Proxy-Connection: close", "Te: trailers", "Upgrade: h2c", "X-Hop: 1")
	got, err := r.Event()
	const want = `{"version":"2.0","routeKey":"$default","rawPath":"/a%2Fb/c","rawQueryString":"x=1&y=2&x=%20z&flag","cookies":["a=1","b=2","c=3"],` +
		`"headers":{"authorization":"Bearer x","content-type":"application/json; charset=utf-8","host":"` + id + `.lambda-url.us-east-1.localhost:9000","user-agent":"curl/8",` +
		`"x-amzn-trace-id":"Root=1-2-3","x-forwarded-for":"1.1.1.1, 10.1.2.3","x-forwarded-port":"9000","x-forwarded-proto":"http","x-many":"1,2"},` +
		`"queryStringParameters":{"flag":"","x":"1, z","y":"2"},"requestContext":{"accountId":"anonymous","apiId":"` + id + `",` +
		`"domainName":"` + id + `.lambda-url.us-east-1.localhost","domainPrefix":"` + id + `","http":{"method":"POST","path":"/a%2Fb/c","protocol":"HTTP/1.1","sourceIp":"10.1.2.3","userAgent":"curl/8"},` +
		`"requestId":"7c1dd2e9-0000-0000-0000-000000000001","routeKey":"$default","stage":"$default","time":"12/Mar/2026:19:03:58 +0000","timeEpoch":1773342238123},` +
		`"body":"{\"a\":1}","isBase64Encoded":false}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestEventOfASignedRequest(t *testing.T) {
	t.Parallel()
	r := request("GET", "/", "", "Authorization: AWS4-HMAC-SHA256 x")
	r.HTTP.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
	r.IAM = &functionurl.IAM{AccessKey: "AKIA", AccountID: "111111111111", CallerID: "AROA:s", UserARN: "arn:aws:sts::111111111111:assumed-role/r/s", UserID: "AROA:s"}
	var got struct {
		Headers               map[string]string
		Cookies, Body         any
		QueryStringParameters any
		RequestContext        struct {
			AccountID  string
			Authorizer struct{ IAM map[string]any }
		}
	}
	event, err := r.Event()
	if err != nil || json.Unmarshal(event, &got) != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"accessKey": "AKIA", "accountId": "111111111111", "callerId": "AROA:s", "cognitoIdentity": nil, "principalOrgId": nil,
		"userArn": "arn:aws:sts::111111111111:assumed-role/r/s", "userId": "AROA:s",
	}
	if got.RequestContext.AccountID != "111111111111" || !reflect.DeepEqual(got.RequestContext.Authorizer.IAM, want) {
		t.Errorf("context %+v", got.RequestContext)
	}
	if got.Headers["authorization"] != "" || got.Headers["x-forwarded-proto"] != "https" || got.Headers["x-amzn-tls-version"] != "TLSv1.3" || got.Headers["x-amzn-tls-cipher-suite"] != "TLS_AES_128_GCM_SHA256" {
		t.Errorf("headers %v", got.Headers)
	}
	for _, absent := range []string{`"body"`, `"cookies"`, `"queryStringParameters"`, "pathParameters", "stageVariables"} {
		if strings.Contains(string(event), absent) {
			t.Errorf("%s is there: %s", absent, event)
		}
	}
}

func TestEventBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		contentType, body, want string
		base64                  bool
	}{
		{"text/plain", "hé", "hé", false},
		{"application/vnd.api+json", "{}", "{}", false},
		{"application/x-www-form-urlencoded", "a=1", "a=1", false},
		{"image/svg+xml", "<a/>", "<a/>", false},
		{"", "plain", "plain", false},
		{"application/octet-stream", "abc", "YWJj", true},
		{"image/png", "\x89P", "iVA=", true},
		{"text/plain", "\xff", "/w==", true},
		{"multipart/form-data; boundary=x", "--x", "LS14", true},
		{";;", "abc", "YWJj", true},
	} {
		r := request("POST", "/", c.body)
		if c.contentType != "" {
			r.HTTP.Header.Set("Content-Type", c.contentType)
		}
		event, err := r.Event()
		var got struct {
			Body            string
			IsBase64Encoded bool
		}
		if err != nil || json.Unmarshal(event, &got) != nil || got.Body != c.want || got.IsBase64Encoded != c.base64 {
			t.Errorf("%q of %q: %+v, %v", c.body, c.contentType, got, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const plain = "application/json"
	for payload, want := range map[string]functionurl.Answer{
		`{"statusCode":201,"headers":{"X-A":"1","x-n":2,"x-b":true,"x-null":null},"cookies":["a=1; Secure","b=2"],"body":"hi"}`: {
			Status: 201, Header: http.Header{"X-A": {"1"}, "X-N": {"2"}, "X-B": {"true"}, "X-Null": {""}, "Content-Type": {plain}}, Cookies: []string{"a=1; Secure", "b=2"}, Body: []byte("hi"),
		},
		`{"statusCode":200,"headers":{"content-type":"image/png"},"body":"iVA=","isBase64Encoded":true}`: {Status: 200, Header: http.Header{"Content-Type": {"image/png"}}, Body: []byte("\x89P")},
		`{"statusCode":204}`: {Status: 204, Header: http.Header{"Content-Type": {plain}}},
		`{"statusCode":200,"headers":{"Content-Length":"99","Transfer-Encoding":"chunked","Connection":"close","X-Amzn-Trace-Id":"own","x-amzn-requestid":"own"},"body":null}`: {Status: 200, Header: http.Header{"Content-Type": {plain}}},
		`{"message":"hi"}`:   {Status: 200, Header: http.Header{"Content-Type": {plain}}, Body: []byte(`{"message":"hi"}`)},
		`{"StatusCode":"x"}`: {Status: 200, Header: http.Header{"Content-Type": {plain}}, Body: []byte(`{"StatusCode":"x"}`)},
		`"hello \"you\""`:    {Status: 200, Header: http.Header{"Content-Type": {plain}}, Body: []byte(`hello "you"`)},
		`null`:               {Status: 200, Header: http.Header{"Content-Type": {plain}}, Body: []byte(`null`)},
		` [1, 2] `:           {Status: 200, Header: http.Header{"Content-Type": {plain}}, Body: []byte(`[1, 2]`)},
		"{\"statusCode\":202}\x00\x00\x00\x00\x00\x00\x00\x00body": {Status: 202, Header: http.Header{"Content-Type": {"application/octet-stream"}}, Body: []byte("body")},
	} {
		got, err := functionurl.ParseAnswer([]byte(payload))
		if err != nil || got.Status != want.Status || !reflect.DeepEqual(got.Header, want.Header) || string(got.Body) != string(want.Body) || strings.Join(got.Cookies, "|") != strings.Join(want.Cookies, "|") {
			t.Errorf("%s:\n%+v, %v\nwant %+v", payload, got, err, want)
		}
	}
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		``, `{`, `not json`, `{"statusCode":"abc"}`, `{"statusCode":99}`, `{"statusCode":600}`, `{"statusCode":101}`, `{"statusCode":200.5}`, `{"statusCode":null,"statusCode":[]}`,
		`{"statusCode":200,"body":{"a":1}}`, `{"statusCode":200,"headers":[]}`, `{"statusCode":200,"headers":{"a b":"1"}}`,
		`{"statusCode":200,"headers":{"a":"1\r\nSet-Cookie: x"}}`, `{"statusCode":200,"headers":{"a":{}}}`, `{"statusCode":200,"cookies":"a=1"}`,
		`{"statusCode":200,"cookies":["a\nb"]}`, `{"statusCode":200,"body":"%","isBase64Encoded":true}`, `{"statusCode":200,"isBase64Encoded":"yes"}`,
	} {
		if got, err := functionurl.ParseAnswer([]byte(payload)); err == nil {
			t.Errorf("%s passes for %+v", payload, got)
		}
	}
}

func TestPrelude(t *testing.T) {
	t.Parallel()
	const end = "\x00\x00\x00\x00\x00\x00\x00\x00"
	if head, _, err := functionurl.SplitPrelude([]byte(`{"statusCode":201`)); head != nil || err != nil {
		t.Errorf("half a head: %+v, %v", head, err)
	}
	head, rest, err := functionurl.SplitPrelude([]byte(`{"statusCode":201,"headers":{"Content-Type":"text/html"},"cookies":["a=1"]}` + end + "\x00<p>"))
	if err != nil || head.Status != 201 || head.Header.Get("Content-Type") != "text/html" || len(head.Cookies) != 1 || string(rest) != "\x00<p>" {
		t.Errorf("%+v, %q, %v", head, rest, err)
	}
	if head, _, err = functionurl.SplitPrelude([]byte("{}" + end)); err != nil || head.Status != 200 || head.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("empty head: %+v, %v", head, err)
	}
	var p functionurl.Prelude
	whole := `{"statusCode":201}` + end + "body"
	for i := range len(whole) - 4 { // byte by byte
		if head, rest, err = p.Add([]byte{whole[i]}); err != nil || (head != nil) != (i == len(whole)-5) {
			t.Fatalf("byte %d: %+v, %v", i, head, err)
		}
	}
	if head.Status != 201 || len(rest) != 0 {
		t.Errorf("%+v, %q", head, rest)
	}
	for _, bad := range []string{"x" + end, `{"statusCode":1}` + end, strings.Repeat(" ", functionurl.MaxPrelude+1)} {
		if head, _, err := functionurl.SplitPrelude([]byte(bad)); err == nil {
			t.Errorf("%.20q passes for %+v", bad, head)
		}
	}
}

func TestCross(t *testing.T) {
	t.Parallel()
	some := &lambda.Cors{AllowOrigins: []string{"https://a.example", "https://b.example"}, AllowCredentials: true, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"x-a", "x-b"}, ExposeHeaders: []string{"date"}, MaxAge: 60}
	all := &lambda.Cors{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}}
	preflight := func(c *lambda.Cors, origin string) http.Header {
		r := httptest.NewRequest("OPTIONS", "/", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		if functionurl.IsPreflight(c, r) != (c != nil) {
			t.Errorf("%+v: wrong kind of request", c)
		}
		h := http.Header{}
		if c != nil {
			functionurl.Preflight(c, r, h)
		}
		return h
	}
	if got, want := preflight(some, "https://b.example"), (http.Header{
		"Access-Control-Allow-Origin": {"https://b.example"}, "Vary": {"Origin"}, "Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Allow-Methods": {"GET,POST"}, "Access-Control-Allow-Headers": {"x-a,x-b"}, "Access-Control-Max-Age": {"60"},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := preflight(some, "https://evil.example"); len(got) != 0 {
		t.Errorf("to another origin: %v", got)
	}
	if got := preflight(all, "https://x"); got.Get("Access-Control-Allow-Origin") != "*" || got.Get("Access-Control-Allow-Methods") != "*" {
		t.Errorf("to any origin: %v", got)
	}
	preflight(nil, "https://x")
	if functionurl.IsPreflight(some, httptest.NewRequest("OPTIONS", "/", nil)) {
		t.Error("a plain OPTIONS is taken for a preflight")
	}

	cross := func(c *lambda.Cors, origin string) http.Header {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Origin", origin)
		h := http.Header{"Access-Control-Allow-Origin": {"https://own"}, "Access-Control-Max-Age": {"9"}, "X-A": {"1"}}
		functionurl.Cross(c, r, h)
		return h
	}
	if got := cross(nil, "https://a.example"); got.Get("Access-Control-Allow-Origin") != "https://own" {
		t.Errorf("without rules: %v", got)
	}
	if got, want := cross(some, "https://a.example"), (http.Header{
		"Access-Control-Allow-Origin": {"https://a.example"}, "Vary": {"Origin"}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {"date"}, "X-A": {"1"},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := cross(some, "https://evil.example"); !reflect.DeepEqual(got, http.Header{"X-A": {"1"}}) {
		t.Errorf("to another origin: %v", got)
	}
}

// FuzzAnswer: whatever a function returns, the answer is none or one that HTTP can carry.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"statusCode":200,"headers":{"a":"b"},"cookies":["x"],"body":"eA==","isBase64Encoded":true}`, `"x"`, `[1]`, "{}\x00\x00\x00\x00\x00\x00\x00\x00x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := functionurl.ParseAnswer(payload)
		if err != nil {
			return
		}
		if a.Status < 200 || a.Status > 599 || len(a.Body) > 3*len(payload) { // a broken byte becomes U+FFFD
			t.Fatalf("status %d, %d bytes", a.Status, len(a.Body))
		}
		w := httptest.NewRecorder()
		for name, values := range a.Header {
			w.Header()[name] = values
		}
		for _, c := range a.Cookies {
			w.Header().Add("Set-Cookie", c)
		}
		var b strings.Builder
		if err := w.Header().Write(&b); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for _, values := range w.Header() {
			lines += len(values)
		}
		if got := strings.Count(b.String(), "\n"); got != lines {
			t.Fatalf("%d headers are %d lines: %q", lines, got, b.String())
		}
	})
}

// FuzzEvent: whatever a request looks like, its event is JSON that says what was sent.
func FuzzEvent(f *testing.F) {
	f.Add("/a?b=c", "x=1", "text/plain", "body")
	f.Fuzz(func(t *testing.T, path, query, contentType, body string) {
		r := request("POST", "/", body)
		r.HTTP.URL.Path, r.HTTP.URL.RawQuery = path, query
		r.HTTP.Header.Set("Content-Type", contentType)
		r.HTTP.Header.Set("Cookie", query)
		event, err := r.Event()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Body            string
			IsBase64Encoded bool
		}
		if err := json.Unmarshal(event, &got); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		if !got.IsBase64Encoded && got.Body != body {
			t.Fatalf("the body %q became %q", body, got.Body)
		}
	})
}
