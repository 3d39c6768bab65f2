package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

var (
	instants = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`)
	urlHost  = regexp.MustCompile(`^[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost$`)
)

const urls = "/2021-10-31/functions/f/url"

// urlOf makes a URL of f, or of an alias of it, and returns its host without port.
func (s *server) urlOf(qualifier, body string) string {
	s.t.Helper()
	path := urls
	if qualifier != "" {
		path += "?Qualifier=" + qualifier
	}
	a := s.do("POST", path, body)
	var got struct{ FunctionUrl string }
	if a.status != 201 || json.Unmarshal([]byte(a.body), &got) != nil {
		s.t.Fatalf("%d %s", a.status, a.body)
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(got.FunctionUrl, "http://"), ":")
	return host
}

// public gives everybody both permissions that a URL needs.
func (s *server) public(qualifier string) {
	s.t.Helper()
	path := fns + "/f/policy?Qualifier=" + qualifier
	if qualifier == "" {
		path = fns + "/f/policy"
	}
	s.do("POST", path, `{"StatementId":"url","Action":"lambda:InvokeFunctionUrl","Principal":"*","FunctionUrlAuthType":"NONE"}`).status2(s.t, 201)
	s.do("POST", path, `{"StatementId":"fn","Action":"lambda:InvokeFunction","Principal":"*","InvokedViaFunctionUrl":true}`).status2(s.t, 201)
}

// visit requests a function URL.
func (s *server) visit(host, method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = host
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// returns makes the function answer payload.
func (i *invoker) returns(payload string) {
	i.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return &invoke.Result{Payload: []byte(payload), ExecutedVersion: "$LATEST", TraceID: functionsTrace}, nil
	})
}

// functionsTrace is the trace that functions of these tests have, whatever their callers' was.
const functionsTrace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"

const forbidden = `{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}`

func TestURLConfigBodies(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	port := s.url[strings.LastIndex(s.url, ":"):]
	config := func(host, qualifier, auth, cors, times string) string {
		arn := fnARN + "f"
		if qualifier != "" {
			arn += ":" + qualifier
		}
		return `{"FunctionUrl":"http://` + host + port + `/","FunctionArn":"` + arn + `","AuthType":"` + auth + `"` + cors + times + `}`
	}
	clean := func(a answer) answer {
		a.body = instants.ReplaceAllString(a.body, "INSTANT")
		return a
	}
	const both, created = `,"CreationTime":"INSTANT","LastModifiedTime":"INSTANT","InvokeMode":"BUFFERED"`, `,"CreationTime":"INSTANT"`
	a := s.do("POST", urls, `{"AuthType":"NONE"}`)
	host := hostOf(t, a)
	clean(a).want(t, 201, config(host, "", "NONE", "", created))
	if !urlHost.MatchString(host) {
		t.Errorf("host %s", host)
	}
	clean(s.do("GET", urls, "")).want(t, 200, config(host, "", "NONE", "", both))
	s.do("POST", urls, `{"AuthType":"NONE"}`).wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"Failed to create function url config for [functionArn = `+fnARN+`f]. Error message:  FunctionUrlConfig exists for this Lambda function"}`)
	cors := `{"AllowCredentials":true,"AllowHeaders":["x-a"],"AllowMethods":["GET","*"],"AllowOrigins":["https://a.example"],"ExposeHeaders":["date"],"MaxAge":60}`
	clean(s.do("PUT", urls, `{"AuthType":"AWS_IAM","Cors":`+cors+`}`)).want(t, 200, config(host, "", "AWS_IAM", `,"Cors":`+cors, both))
	clean(s.do("PUT", urls, `{"Cors":{}}`)).want(t, 200, config(host, "", "AWS_IAM", "", both))
	a = s.do("POST", urls+"?Qualifier=live", `{"AuthType":"AWS_IAM","InvokeMode":"BUFFERED"}`)
	second := hostOf(t, a)
	clean(a).want(t, 201, config(second, "live", "AWS_IAM", "", created+`,"InvokeMode":"BUFFERED"`))
	first, next := config(host, "", "AWS_IAM", "", both), config(second, "live", "AWS_IAM", "", both)
	clean(s.do("GET", urls+"s", "")).want(t, 200, `{"FunctionUrlConfigs":[`+first+`,`+next+`]}`)
	a = clean(s.do("GET", urls+"s?MaxItems=1", ""))
	a.want(t, 200, `{"FunctionUrlConfigs":[`+first+`],"NextMarker":"Og"}`)
	clean(s.do("GET", urls+"s?MaxItems=1&Marker=Og", "")).want(t, 200, `{"FunctionUrlConfigs":[`+next+`]}`)
	s.do("DELETE", urls, "").want(t, 204, "")
	s.do("GET", urls, "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"The resource you requested does not exist."}`)
	for body, want := range map[string]string{
		`{}`:                  `Value null at 'authType' failed to satisfy constraint: Member must not be null`,
		`{"AuthType":"OPEN"}`: `Value 'OPEN' at 'authType' failed to satisfy constraint: Member must satisfy enum value set: [NONE, AWS_IAM]`,
		`{"AuthType":"NONE","Cors":{"MaxAge":86401}}`:           `Value '86401' at 'cors.maxAge' failed to satisfy constraint: Member must have value less than or equal to 86400`,
		`{"AuthType":"NONE","Cors":{"AllowMethods":["TRACE"]}}`: `Value '[TRACE]' at 'cors.allowMethods' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [GET, PUT, HEAD, POST, PATCH, DELETE, *], Member must not be null]`,
	} {
		s.do("POST", urls, body).wantError(t, 400, "ValidationException", `{"message":"1 validation error detected: `+want+`"}`)
	}
	s.do("POST", urls+"?Qualifier=1", `{"AuthType":"NONE"}`).status2(t, 400) // not of versions
}

func hostOf(t *testing.T, a answer) string {
	t.Helper()
	var got struct{ FunctionUrl string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(got.FunctionUrl, "http://"), ":")
	return host
}

func TestURLNeedsItsPolicy(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	host := s.urlOf("", `{"AuthType":"NONE"}`)
	s.visit(strings.Repeat("a", 32)+host[32:], "GET", "/", "").wantError(t, 403, "AccessDeniedException", `{"Message":null}`)
	visit := func() answer { return s.visit(host, "GET", "/", "") }
	visit().wantError(t, 403, "AccessDeniedException", forbidden)
	s.do("POST", fns+"/f/policy", `{"StatementId":"url","Action":"lambda:InvokeFunctionUrl","Principal":"*","FunctionUrlAuthType":"NONE"}`).status2(t, 201)
	visit().wantError(t, 403, "AccessDeniedException", forbidden) // one of two
	s.do("POST", fns+"/f/policy", `{"StatementId":"fn","Action":"lambda:InvokeFunction","Principal":"*","InvokedViaFunctionUrl":true}`).status2(t, 201)
	visit().status2(t, 200)
	s.do("POST", fns+"/"+fnARN+"f/invocations", "{}", "Authorization: Test "+theirs+" lambda").status2(t, 403) // only by URL
	s.do("PUT", urls, `{"AuthType":"AWS_IAM"}`).status2(t, 200)
	visit().wantError(t, 403, "AccessDeniedException", forbidden)
	s.do("DELETE", urls, "").status2(t, 204)
	visit().wantError(t, 403, "AccessDeniedException", `{"Message":null}`)
}

func TestURLWithIAM(t *testing.T) {
	s := newServer(t, identities(t, statements(`{"Effect":"Allow","Action":["lambda:InvokeFunctionUrl","lambda:InvokeFunction"],"Resource":"`+fnARN+`f",`+
		`"Condition":{"StringEqualsIfExists":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}}`)))
	s.create("f", "")
	host := s.urlOf("", `{"AuthType":"AWS_IAM"}`)
	as := func(who string) answer { return s.visit(host, "GET", "/", "", "Authorization: Test "+who) }
	as(mine+" lambda").status2(t, 200)
	as(mine+" lambda app").status2(t, 200)
	var event struct {
		RequestContext struct {
			AccountID  string
			Authorizer struct {
				IAM struct{ UserARN, AccessKey string }
			}
		}
	}
	if err := json.Unmarshal(s.invoker.request().Payload, &event); err != nil || event.RequestContext.AccountID != mine ||
		event.RequestContext.Authorizer.IAM.UserARN != mySession || event.RequestContext.Authorizer.IAM.AccessKey != "AKIA"+mine {
		t.Errorf("event %+v, %v", event, err)
	}
	as(mine+" lambda other").wantError(t, 403, "AccessDeniedException", forbidden)
	as(theirs+" lambda").wantError(t, 403, "AccessDeniedException", forbidden)
	as(theirs+" lambda app").wantError(t, 403, "AccessDeniedException", forbidden)
	for i, action := range []string{"InvokeFunctionUrl", "InvokeFunction"} {
		as(theirs+" lambda").status2(t, 403)
		s.do("POST", fns+"/f/policy", `{"StatementId":"`+itoa(i)+`","Action":"lambda:`+action+`","Principal":"`+theirs+`"}`).status2(t, 201)
	}
	as(theirs+" lambda").status2(t, 200)
	if a := as(mine + " sts"); a.status != 403 || a.header.Get("x-amzn-ErrorType") != "InvalidSignatureException" {
		t.Errorf("signed for another service: %d %s", a.status, a.body)
	}
}

func TestURLAnswers(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	host := s.urlOf("live", `{"AuthType":"NONE"}`)
	s.public("live")
	s.invoker.returns(`{"statusCode":201,"headers":{"X-A":"1","Content-Type":"text/plain","x-amzn-requestid":"own","x-amzn-trace-id":"own"},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}`)
	a := s.visit(host+":80", "POST", "/p?x=1", "in", "X-Amzn-Trace-Id: Root=1-00000000-000000000000000000000000", "Connection: X-Hop", "X-Hop: 1")
	a.want(t, 201, "hi")
	if a.header.Get("X-A") != "1" || a.header.Get("Content-Type") != "text/plain" || strings.Join(a.header["Set-Cookie"], "|") != "a=1|b=2" || a.header.Get("Content-Length") != "2" || strings.Join(a.header["X-Amzn-Trace-Id"], "|") != functionsTrace {
		t.Errorf("headers %v", a.header)
	}
	req := s.invoker.request()
	if req.ARN != fnARN+"f:live" || req.Qualifier != "live" || req.Account != mine || req.ID != a.header.Get("x-amzn-RequestId") {
		t.Errorf("invoked %+v", req)
	}
	for _, part := range []string{`"rawPath":"/p"`, `"body":"in"`, `"accountId":"anonymous"`, `"requestId":"` + req.ID + `"`, `"apiId":"` + host[:32] + `"`, `"x-amzn-trace-id":"Root=1-00000000-000000000000000000000000"`} {
		if !strings.Contains(string(req.Payload), part) {
			t.Errorf("the event has no %s: %s", part, req.Payload)
		}
	}
	if strings.Contains(string(req.Payload), "hop") || strings.Contains(string(req.Payload), `"connection"`) {
		t.Errorf("the event has what is about the connection: %s", req.Payload)
	}
	if a := s.visit(host, "HEAD", "/", ""); a.status != 201 || a.body != "" || a.header.Get("Content-Length") != "2" {
		t.Errorf("HEAD: %d %q %v", a.status, a.body, a.header)
	}
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		s.visit(host, method, "/", "").status2(t, 201)
		if !strings.Contains(string(s.invoker.request().Payload), `"method":"`+method+`"`) {
			t.Errorf("%s became %s", method, s.invoker.request().Payload)
		}
	}
	s.invoker.returns(`{"statusCode":204,"body":"ignored"}`)
	s.visit(host, "GET", "/", "").want(t, 204, "")
	s.invoker.returns(`"plain"`)
	a = s.visit(host, "GET", "/", "")
	a.want(t, 200, "plain")
	if a.header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %q", a.header.Get("Content-Type"))
	}
	s.invoker.returns(`{"statusCode":"no"}`)
	s.visit(host, "GET", "/", "").want(t, 502, "Internal Server Error")
	s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return &invoke.Result{Payload: []byte(`{"statusCode":200}`), FunctionError: "Unhandled", ErrorType: "Sandbox.Timedout"}, nil
	})
	s.visit(host, "GET", "/", "").want(t, 502, "Internal Server Error")
	s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
		return nil, &lambda.Error{Kind: lambda.KindThrottled, Msg: "Rate Exceeded.", Reason: "ReservedFunctionConcurrentInvocationLimitExceeded"}
	})
	s.visit(host, "GET", "/", "").wantError(t, 429, "TooManyRequestsException", `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	for _, size := range []int{lambda.MaxSyncPayloadBytes + 1, lambda.MaxSyncPayloadBytes - 100} { // the body, and the event that it would make
		s.visit(host, "POST", "/", strings.Repeat("x", size), "Content-Type: image/png").status2(t, 413)
	}
}

func TestURLCrossOrigin(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	host := s.urlOf("", `{"AuthType":"NONE","Cors":{"AllowOrigins":["https://a.example"],"AllowMethods":["PUT"],"MaxAge":60}}`)
	s.invoker.returns(`{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"},"body":"x"}`)
	before := s.invoker.request()
	a := s.visit(host, "OPTIONS", "/", "", "Origin: https://a.example", "Access-Control-Request-Method: PUT") // though nobody may invoke it
	if h := a.header; a.status != 200 || h.Get("Access-Control-Allow-Origin") != "https://a.example" || h.Get("Access-Control-Allow-Methods") != "PUT" || h.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("preflight: %d %v", a.status, h)
	}
	if s.invoker.request() != before {
		t.Error("a preflight invoked the function")
	}
	s.public("")
	a = s.visit(host, "GET", "/", "", "Origin: https://a.example")
	if got := a.header["Access-Control-Allow-Origin"]; a.status != 200 || len(got) != 1 || got[0] != "https://a.example" {
		t.Errorf("answer: %d %v", a.status, a.header)
	}
	if a = s.visit(host, "GET", "/", "", "Origin: https://evil.example"); a.header["Access-Control-Allow-Origin"] != nil {
		t.Errorf("to another origin: %v", a.header)
	}
}

func TestURLHosts(t *testing.T) {
	s := newServer(t, func(_ *server, o *gateway.Options) {
		o.URLs = gateway.URLs{Domain: "fn.example.com", Hosts: map[string]string{
			"shop.example.com": fnARN + "f", "none.example.com": fnARN + "f:live", "bad.example.com": strings.Repeat("x", 32),
		}}
	})
	s.create("f", "")
	host := s.urlOf("", `{"AuthType":"NONE"}`)
	s.public("")
	if host[32:] != ".lambda-url.us-east-1.fn.example.com" {
		t.Errorf("host %s", host)
	}
	for _, h := range []string{host, strings.ToUpper(host), host + ".", host[:32] + ".lambda-url.us-east-1.localhost:9000", "shop.example.com", "Shop.Example.com:8080"} {
		s.visit(h, "GET", "/2015-03-31/functions", "").status2(t, 200)
	}
	if got := s.invoker.request(); !strings.Contains(string(got.Payload), `"rawPath":"/2015-03-31/functions"`) {
		t.Errorf("event %s", got.Payload)
	}
	for _, h := range []string{"none.example.com", "bad.example.com"} {
		s.visit(h, "GET", "/", "").wantError(t, 403, "AccessDeniedException", `{"Message":null}`)
	}
	s.visit(host[:32]+".lambda-url.eu-west-1.localhost", "GET", fns, "").status2(t, 403) // the API itself, unsigned
	s.visit("other.example.com", "GET", "/healthz", "").status2(t, 200)
}
