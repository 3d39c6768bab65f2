package gateway_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"thaw.dev/thaw/gateway"
)

func TestAuthentication(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for _, request := range []string{"GET " + fns, "POST " + invocations, "GET /2015-03-31/functions/f/policy", "GET /_thaw/code/" + mine + "/f/x"} {
		method, path, _ := strings.Cut(request, " ")
		s.do(method, path, "", "-Authorization").wantError(t, 403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`)
	}
	s.do("GET", fns, "", "Authorization: Test "+mine+" sts").wantError(t, 403, "InvalidSignatureException",
		`{"message":"Credential should be scoped to correct service: 'lambda'. "}`)
	if s.invoker.request() != nil {
		t.Error("a function ran")
	}
}

// TestUnsignedBodiesAreNotRead: the refusal comes before the body is sent.
func TestUnsignedBodiesAreNotRead(t *testing.T) {
	s := newServer(t)
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+fns, endless{})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 60 << 20
	r.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 1 << 40}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// endless must not be read.
type endless struct{}

func (endless) Read([]byte) (int, error) { return 0, errors.New("the body was asked for") }

func TestBodyLimits(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	a := s.do("POST", fns, strings.Repeat(" ", 70167212))
	a.wantError(t, 413, "RequestEntityTooLargeException", `{"Type":"User","message":"Request must be smaller than 70167211 bytes for the CreateFunction operation"}`)
	a = s.do("PUT", fns+"/f/configuration", strings.Repeat(" ", 1<<20+1))
	a.wantError(t, 413, "RequestEntityTooLargeException", `{"Type":"User","message":"Request must be smaller than 1048576 bytes for the UpdateFunctionConfiguration operation"}`)
	big := createBody("big", `,"Code":{"ZipFile":"UEsD`+strings.Repeat("AAAA", 5<<20/3)+`"}`)
	if a := s.do("POST", fns, big); a.status != 201 {
		t.Errorf("a package of 5 MiB: %d %s", a.status, a.body)
	}
	s.settle("big")
	for range 4 { // more than may be under way at once: each gives its place back, also when it is refused
		if a := s.do("POST", fns, big); a.status != 409 {
			t.Errorf("the same again: %d %s", a.status, a.body)
		}
	}
}

func TestHealth(t *testing.T) {
	var reason error
	s := newServer(t, func(_ *server, o *gateway.Options) { o.Ready = func() error { return reason } })
	for _, path := range []string{"/healthz", "/readyz"} {
		s.do("GET", path, "", "-Authorization").want(t, 200, "ok\n")
	}
	reason = errors.New("no engine")
	s.do("GET", "/healthz", "", "-Authorization").want(t, 200, "ok\n")
	s.do("GET", "/readyz", "", "-Authorization").want(t, 503, "no engine\n")
}

func TestGetCallerIdentity(t *testing.T) {
	s := newServer(t)
	sts := "Authorization: Test " + mine + " sts"
	form := "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn>` +
		`<UserId>000000000000</UserId><Account>000000000000</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>UUID</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
	a := s.do("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", sts, form)
	a.want(t, 200, want)
	if got := a.header.Get("Content-Type"); got != "text/xml" {
		t.Errorf("Content-Type %q", got)
	}
	s.do("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", sts).want(t, 200, want)

	fault := func(code, message string) string {
		return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + message +
			`</Message></Error><RequestId>UUID</RequestId></ErrorResponse>`
	}
	s.do("POST", "/", "Action=AssumeRole&Version=2011-06-15", sts, form).want(t, 400, fault("InvalidAction", "Could not find operation AssumeRole for version 2011-06-15"))
	s.do("POST", "/", "", "-Authorization").want(t, 403, fault("MissingAuthenticationToken", "Missing Authentication Token"))
	s.do("POST", "/", "a=b", "Authorization: Test "+mine+" lambda").want(t, 403, fault("SignatureDoesNotMatch", "Credential should be scoped to correct service: &#39;sts&#39;. "))
}

func TestAccessLogHasNoSecrets(t *testing.T) {
	s := newServer(t)
	s.create("f", `,"Environment":{"Variables":{"PASSWORD":"hunter2"}}`)
	s.do("POST", invocations, `{"card":"4111"}`)
	log := s.log.String()
	if !strings.Contains(log, "operation=Invoke") || !strings.Contains(log, "status=200") || !strings.Contains(log, "account="+mine) {
		t.Errorf("access log: %s", log)
	}
	for _, secret := range []string{"hunter2", "4111", "PASSWORD"} {
		if bytes.Contains([]byte(log), []byte(secret)) {
			t.Errorf("%s is in the log", secret)
		}
	}
}
