package gateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
	"thaw.dev/thaw/store"
)

// directory has the policies of role app in every account.
type directory []*policy.Document

func (d directory) Decide(id auth.Identity, r *policy.Request) policy.Decision {
	decision := policy.Neither
	if strings.HasSuffix(id.Role, ":role/app") {
		for _, document := range d {
			decision = max(decision, document.Evaluate(r))
		}
	}
	return decision
}

// identities gives role app policies.
func identities(t *testing.T, documents ...string) func(*server, *gateway.Options) {
	t.Helper()
	var parsed directory
	for _, text := range documents {
		d, err := policy.Parse([]byte(text), policy.Identity)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, d)
	}
	return func(_ *server, o *gateway.Options) { o.Identities = parsed }
}

// statements is an identity policy.
func statements(list ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

const (
	mayRead   = `{"Effect":"Allow","Action":"lambda:GetFunctionConfiguration","Resource":"*"}`
	mayNot    = `{"Effect":"Deny","Action":"lambda:Get*","Resource":"*"}`
	mayInvoke = `{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}`
)

// The table of who is allowed what by which policies.
func TestDecisions(t *testing.T) {
	read := func(s *server, who string) answer { return s.do("GET", fns+"/"+fnARN+"f/configuration", "", who) }
	grant := func(effect, principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"lambda:GetFunctionConfiguration","Resource":"` + fnARN + `f"}]}`
	}
	account := func(id string) string { return `{"AWS":"` + id + `"}` }
	myRoot, theirRoot := "Authorization: Test "+mine+" lambda", "Authorization: Test "+theirs+" lambda"
	for name, c := range map[string]struct {
		identity []string
		resource string
		who      string
		allowed  bool
		why      string
	}{
		"own key":                                   {who: myRoot, allowed: true},
		"own key, denied":                           {resource: grant("Deny", `"*"`), who: myRoot, why: "explicit deny in a resource-based policy"},
		"own key, another is allowed":               {resource: grant("Allow", account(theirs)), who: myRoot, allowed: true},
		"session without policies":                  {who: session(mine), why: noneOfID},
		"session with one":                          {identity: []string{statements(mayRead)}, who: session(mine), allowed: true},
		"session with another":                      {identity: []string{statements(mayInvoke)}, who: session(mine), why: noneOfID},
		"session, one of its policies denies":       {identity: []string{statements(mayRead), statements(mayNot)}, who: session(mine), why: "explicit deny in an identity-based policy"},
		"session, its role named by the function":   {resource: grant("Allow", account("arn:aws:iam::"+mine+":role/app")), who: session(mine), allowed: true},
		"session, itself named by the function":     {resource: grant("Allow", account(mySession)), who: session(mine), allowed: true},
		"session, everybody named":                  {resource: grant("Allow", `"*"`), who: session(mine), allowed: true},
		"session, its account named":                {resource: grant("Allow", account(mine)), who: session(mine), why: noneOfID},
		"session, denied by the function":           {identity: []string{statements(mayRead)}, resource: grant("Deny", account(mine)), who: session(mine), why: "explicit deny in a resource-based policy"},
		"their key":                                 {who: theirRoot, why: noneOfRes},
		"their key, allowed":                        {resource: grant("Allow", account(theirs)), who: theirRoot, allowed: true},
		"their session, account allowed, no policy": {resource: grant("Allow", account(theirs)), who: session(theirs), why: noneOfID},
		"their session, both":                       {identity: []string{statements(mayRead)}, resource: grant("Allow", account(theirs)), who: session(theirs), allowed: true},
		"their session, only its own policy":        {identity: []string{statements(mayRead)}, who: session(theirs), why: noneOfRes},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, identities(t, c.identity...))
			s.create("f", "")
			if c.resource != "" {
				s.do("PUT", "/2026-07-09/resource-policy/"+fnARN+"f", `{"Policy":`+text(c.resource)+`}`).status2(t, 200)
			}
			a := read(s, c.who)
			if (a.status == 200) != c.allowed || !c.allowed && (a.status != 403 || !strings.Contains(a.body, c.why)) {
				t.Errorf("answered %d %s, want allowed = %v %s", a.status, a.body, c.allowed, c.why)
			}
		})
	}
}

// An account cannot lock itself out by a policy.
func TestOwnKeyMayAlwaysChangeThePolicy(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	path := "/2026-07-09/resource-policy/" + fnARN + "f"
	s.do("PUT", path, `{"Policy":`+text(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"`+fnARN+`f"}]}`)+`}`).status2(t, 200)
	s.do("POST", fns+"/f/invocations", "{}").status2(t, 403)
	s.do("GET", path, "").status2(t, 200)
	s.do("DELETE", path, "").status2(t, 204)
	s.do("POST", fns+"/f/invocations", "{}").status2(t, 200)
}

// What policies can ask about a call.
func TestConditionKeys(t *testing.T) {
	for condition, c := range map[string]struct {
		method, path, body string
		allowed            bool
	}{
		`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`:                                {method: "GET", path: "/f/configuration", allowed: true},
		`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`:                                 {method: "GET", path: "/f/configuration"},
		`"Bool":{"aws:SecureTransport":"true"}`:                                     {method: "GET", path: "/f/configuration"},
		`"StringEquals":{"aws:PrincipalAccount":"` + mine + `"}`:                    {method: "GET", path: "/f/configuration", allowed: true},
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/app"}`:                  {method: "GET", path: "/f/configuration", allowed: true},
		`"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`:              {method: "GET", path: "/f/configuration", allowed: true},
		`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`:                        {method: "GET", path: "/f/configuration", allowed: true},
		`"StringEquals":{"aws:ResourceTag/team":"red"}`:                             {method: "GET", path: "/f/configuration", allowed: true},
		`"StringEquals":{"aws:ResourceTag/team":"blue"}`:                            {method: "GET", path: "/f/configuration"},
		`"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}`:                   {method: "POST", path: "/f/url", body: `{"AuthType":"NONE"}`},
		`"StringEqualsIfExists":{"lambda:FunctionUrlAuthType":"NONE"}`:              {method: "POST", path: "/f/url", body: `{"AuthType":"NONE"}`, allowed: true},
		`"Bool":{"lambda:InvokedViaFunctionUrl":"false"}`:                           {method: "POST", path: "/f/invocations", body: `{}`, allowed: true},
		`"Bool":{"lambda:InvokedViaFunctionUrl":"true"}`:                            {method: "POST", path: "/f/invocations", body: `{}`},
		`"StringEquals":{"aws:RequestTag/cost":"1"},"Null":{"aws:TagKeys":"false"}`: {method: "POST", path: "", body: createBody("g", `,"Tags":{"cost":"1"}`), allowed: true},
		`"StringEquals":{"aws:RequestTag/cost":"2"}`:                                {method: "POST", path: "", body: createBody("g", `,"Tags":{"cost":"1"}`)},
	} {
		t.Run(condition, func(t *testing.T) {
			s := newServer(t, identities(t, statements(`{"Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":{`+condition+`}}`,
				`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}`)))
			s.create("f", `,"Tags":{"team":"red"}`)
			prefix := fns
			if strings.HasSuffix(c.path, "/url") {
				prefix = "/2021-10-31/functions"
			}
			if a := s.do(c.method, prefix+c.path, c.body, session(mine)); (a.status < 300) != c.allowed || !c.allowed && a.status != 403 {
				t.Errorf("answered %d %s", a.status, a.body)
			}
		})
	}
}

// Who may create functions may do so only with roles that he may pass on.
func TestPassRole(t *testing.T) {
	s := newServer(t, identities(t, statements(`{"Effect":"Allow","Action":"lambda:*","Resource":"arn:aws:lambda:*:*:function:app-*"}`,
		`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/r","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}`)))
	s.do("POST", fns, createBody("app-f", ""), session(mine)).status2(t, 201)
	other := strings.Replace(createBody("app-g", ""), "role/r", "role/admin", 1)
	s.do("POST", fns, other, session(mine)).wantError(t, 403, "AccessDeniedException",
		denied(mySession, "iam:PassRole", "arn:aws:iam::000000000000:role/admin", "because no identity-based policy allows the iam:PassRole action"))
	s.do("POST", fns, createBody("f", ""), session(mine)).wantError(t, 403, "AccessDeniedException",
		denied(mySession, "lambda:CreateFunction", fnARN+"f", "because no identity-based policy allows the lambda:CreateFunction action"))
}

// A role without policies can do nothing at all, whatever the operation.
func TestRolesWithoutPolicies(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for _, request := range []string{"GET " + fns, "GET " + fns + "/f", "POST " + fns + "/f/invocations", "DELETE " + fns + "/f", "GET " + fns + "/a!b", "GET /2016-08-19/account-settings"} {
		method, path, _ := strings.Cut(request, " ")
		if a := s.do(method, path, "", session(mine)); a.status != 403 || a.header.Get("x-amzn-ErrorType") != "AccessDeniedException" {
			t.Errorf("%s answered %d %s", request, a.status, a.body)
		}
	}
}

// Where no policy is, deciding that costs next to nothing.
func TestAuthorisationWithoutPoliciesAllocatesNothing(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	g := gateway.New(gateway.Options{Region: "us-east-1", Functions: s.functions})
	authorize := gateway.Authorize(g, httptest.NewRequest("POST", fns+"/f/invocations", nil))
	if allocs := testing.AllocsPerRun(1000, func() {
		if err := authorize(); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// BenchmarkAuthorize is what policies add to an invocation: none where there are none, one statement of another account's.
func BenchmarkAuthorize(b *testing.B) {
	for _, document := range []string{"none", "other"} {
		b.Run("policy="+document, func(b *testing.B) {
			functions := control.New(control.Options{Region: "us-east-1", Store: stored(b, document == "other")})
			authorize := gateway.Authorize(gateway.New(gateway.Options{Region: "us-east-1", Functions: functions}), httptest.NewRequest("POST", fns+"/f/invocations", nil))
			b.ReportAllocs()
			for b.Loop() {
				if err := authorize(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// stored has the function f, with a policy or without.
func stored(b *testing.B, withPolicy bool) *controltest.Store {
	b.Helper()
	f := store.Function{Config: lambda.Config{Account: mine, Name: "f"}}
	if withPolicy {
		f = f.WithQualified("", lambda.Qualified{Policy: &lambda.Policy{Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"AWS":"arn:aws:iam::` + theirs + `:root"},"Action":"lambda:InvokeFunction","Resource":"` + fnARN + `f"}]}`}})
	}
	s := &controltest.Store{}
	if _, err := s.Create(b.Context(), f); err != nil {
		b.Fatal(err)
	}
	return s
}
