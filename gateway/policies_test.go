package gateway_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
)

// text is s as a JSON string.
func text(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestPermissionBodies(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	const missing = `{"Type":"User","Message":"The resource you requested does not exist."}`
	s.do("GET", fns+"/f/policy", "").wantError(t, 404, "ResourceNotFoundException", missing)
	for _, q := range []string{"", ":1", ":live"} {
		path := fns + "/f/policy"
		if q != "" {
			path += "?Qualifier=" + q[1:]
		}
		statement := `{"Sid":"s-1","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + fnARN + `f` + q +
			`","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}`
		in := `{"StatementId":"s-1","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","SourceArn":"arn:aws:s3:::b"}`
		s.do("POST", path, in).want(t, 201, `{"Statement":`+text(statement)+`}`)
		document := `{"Version":"2012-10-17","Id":"default","Statement":[` + statement + `]}`
		s.do("GET", path, "").want(t, 200, `{"Policy":`+text(document)+`,"RevisionId":"UUID"}`)
		s.do("GET", "/2026-07-09/resource-policy/"+url.PathEscape(fnARN+"f"+q), "").want(t, 200, `{"Policy":`+text(document)+`,"RevisionId":"UUID"}`)
		s.do("POST", path, in).wantError(t, 409, "ResourceConflictException",
			`{"Type":"User","message":"The statement id (s-1) provided already exists. Please provide a new statement id, or remove the existing statement."}`)
		gone := strings.Replace(path, "/policy", "/policy/s-1", 1)
		glue := "?"
		if q != "" {
			glue = "&"
		}
		s.do("DELETE", gone+glue+"RevisionId=other", "").wantError(t, 412, "PreconditionFailedException",
			`{"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"}`)
		s.do("DELETE", gone, "").want(t, 204, "")
		s.do("DELETE", gone, "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"No policy is associated with the given resource."}`)
		s.do("GET", path, "").wantError(t, 404, "ResourceNotFoundException", missing)
	}
	s.do("POST", fns+"/f/policy", `{"StatementId":"s 1","Action":"s3:Get","Principal":"a b","SourceAccount":"1"}`).wantError(t, 400, "ValidationException",
		`{"message":"4 validation errors detected: Value 's 1' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+); `+
			`Value 's3:Get' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*]); `+
			`Value 'a b' at 'principal' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\\s]+; `+
			`Value '1' at 'sourceAccount' failed to satisfy constraint: Member must satisfy regular expression pattern: \\d{12}"}`)
}

func TestResourcePolicyBodies(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"lambda:GetFunction","Resource":"` + fnARN + `f"}]}`
	for _, label := range []string{fnARN + "f", url.QueryEscape(fnARN + "f")} { // as it is, and with %3A
		path := "/2026-07-09/resource-policy/" + label
		s.do("PUT", path, `{"Policy":`+text(document)+`}`).want(t, 200, `{"Policy":`+text(document)+`,"RevisionId":"UUID"}`)
		s.do("GET", fns+"/f/policy", "").want(t, 200, `{"Policy":`+text(document)+`,"RevisionId":"UUID"}`)
		s.do("PUT", path, `{"Policy":"{}"}`).wantError(t, 400, "InvalidParameterValueException",
			`{"Type":"User","message":"The provided policy is not valid: the policy has no Statement"}`)
		s.do("PUT", path, `{"Policy":`+text(document+strings.Repeat(" ", 70000))+`}`).wantError(t, 400, "PolicyLengthExceededException",
			`{"Type":"User","message":"The final policy size (`+itoa(len(document)+70000)+`) is bigger than the limit (20480)."}`)
		s.do("DELETE", path, "").want(t, 204, "")
		s.do("GET", path, "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"The resource you requested does not exist."}`)
	}
}

// session authorises as a session of role app of account.
func session(account string) string { return "Authorization: Test " + account + " lambda app" }

func denied(arn, action, resource, why string) string {
	return `{"Message":"User: ` + arn + ` is not authorized to perform: ` + action + ` on resource: ` + resource + ` ` + why + `"}`
}

const (
	theirRoot = "arn:aws:iam::" + theirs + ":root"
	mySession = "arn:aws:sts::" + mine + ":assumed-role/app/s"
	noneOfRes = "because no resource-based policy allows the lambda:GetFunctionConfiguration action"
	noneOfID  = "because no identity-based policy allows the lambda:GetFunctionConfiguration action"
)

// Another account gets what a resource policy gives it, and nothing else; each qualifier has its own policy.
func TestOtherAccounts(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	them := "Authorization: Test " + theirs + " lambda"
	full := fns + "/" + url.PathEscape(fnARN+"f") + "/configuration"
	refused := func(a answer, resource string) {
		t.Helper()
		a.wantError(t, 403, "AccessDeniedException", denied(theirRoot, "lambda:GetFunctionConfiguration", resource, noneOfRes))
	}
	refused(s.do("GET", full, "", them), fnARN+"f")
	refused(s.do("GET", fns+"/"+fnARN+"nothing/configuration", "", them), fnARN+"nothing") // whether it exists is not told
	s.do("POST", fns+"/f/policy", `{"StatementId":"a","Action":"lambda:GetFunctionConfiguration","Principal":"`+theirs+`"}`).status2(t, 201)
	if a := s.do("GET", full, "", them); a.status != 200 || !strings.Contains(a.body, `"FunctionArn":"`+fnARN+`f"`) {
		t.Errorf("allowed: %d %s", a.status, a.body)
	}
	refused(s.do("GET", full+"?Qualifier=1", "", them), fnARN+"f:1")
	s.do("POST", fns+"/"+fnARN+"f/invocations", `{}`, them).wantError(t, 403, "AccessDeniedException",
		denied(theirRoot, "lambda:InvokeFunction", fnARN+"f", "because no resource-based policy allows the lambda:InvokeFunction action"))
	s.do("POST", fns+"/f/policy?Qualifier=1", `{"StatementId":"a","Action":"lambda:InvokeFunction","Principal":"`+theirs+`"}`).status2(t, 201)
	s.do("POST", fns+"/"+fnARN+"f:1/invocations", `{"a":1}`, them).want(t, 200, `{"a":1}`)
	if got := s.invoker.request(); got.Account != mine || got.ARN != fnARN+"f:1" {
		t.Errorf("invoked %+v", got)
	}
	s.do("DELETE", fns+"/f/policy/a", "").status2(t, 204)
	refused(s.do("GET", full, "", them), fnARN+"f")
}

// What other accounts are let do is done to the function that they name.
func TestSharedOperations(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	s.do("POST", fns+"/f/policy", `{"StatementId":"a","Action":"lambda:*","Principal":"`+theirs+`"}`).status2(t, 201)
	name := fns + "/" + fnARN + "f"
	for request, part := range map[string]string{
		"GET " + name:                                          `"FunctionArn":"` + fnARN + `f"`,
		"GET " + name + "/configuration":                       `"FunctionArn":"` + fnARN + `f"`,
		"GET " + name + "/versions":                            `"FunctionArn":"` + fnARN + `f:2"`,
		"POST " + name + "/versions":                           `"FunctionArn":"` + fnARN + `f:2"`,
		"GET " + name + "/aliases/live":                        `"AliasArn":"` + fnARN + `f:live"`,
		"GET " + name + "/aliases":                             `"AliasArn":"` + fnARN + `f:live"`,
		"GET " + name + "/policy":                              theirs,
		"DELETE " + name + "/aliases/other":                    ``,
		"GET /2019-09-30/functions/" + fnARN + "f/concurrency": `{}`,
	} {
		method, path, _ := strings.Cut(request, " ")
		if a := s.do(method, path, "", "Authorization: Test "+theirs+" lambda"); a.status >= 300 || !strings.Contains(a.body, part) {
			t.Errorf("%s answered %d %s", request, a.status, a.body)
		}
	}
	for _, request := range []string{"DELETE " + name, "PUT " + name + "/configuration", "POST /2021-10-31/functions/" + fnARN + "f/url"} {
		method, path, _ := strings.Cut(request, " ")
		s.do(method, path, `{}`, "Authorization: Test "+theirs+" lambda").status2(t, 403) // not even with such a policy
	}
}

func (a answer) status2(t *testing.T, want int) {
	t.Helper()
	if a.status != want {
		t.Errorf("answer %d %s, want %d", a.status, a.body, want)
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// TestAccountsAreApart: no operation gives account B anything of account A's, by whatever name.
func TestAccountsAreApart(t *testing.T) {
	s := durableServer(t, approval)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	s.do("POST", fns+"/f/policy", `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`)
	s.do("POST", "/2021-10-31/functions/f/url", `{"AuthType":"NONE"}`)
	arn := s.begin("order-1")
	callback := s.callback(arn)
	before := s.do("GET", execution(arn, ""), "").body + s.do("GET", fns+"/f", "").body + s.do("GET", fns+"/f/policy", "").body + s.do("GET", fns+"/f/aliases", "").body
	body := `{"FunctionName":"f","StatementId":"x","Action":"*","Principal":"*","AuthType":"NONE","Tags":{"a":"b"},"Policy":"{}"}`
	for i := range api.Operations {
		op := &api.Operations[i]
		for _, label := range []string{"f", fnARN + "f", url.QueryEscape(fnARN + "f:live"), mine + ":function:f", "s", "live", url.QueryEscape(arn), url.QueryEscape(callback)} {
			for _, body := range []string{"", body} {
				a := s.do(op.Method, place(op, label), body, "Authorization: Test "+theirs+" lambda")
				if a.status >= 300 {
					continue
				}
				if req := s.invoker.request(); op.Name == "Invoke" && req.Account == theirs && strings.Contains(req.ARN, theirs) {
					continue // the double runs anything
				}
				if strings.Contains(a.body, mine) || op.Name != "ListFunctions" && op.Name != "GetAccountSettings" && !emptyList(a.body) {
					t.Errorf("%s of %q answered %d %s", op.Name, label, a.status, a.body)
				}
			}
		}
	}
	if after := s.do("GET", execution(arn, ""), "").body + s.do("GET", fns+"/f", "").body + s.do("GET", fns+"/f/policy", "").body + s.do("GET", fns+"/f/aliases", "").body; after != before {
		t.Errorf("changed from\n%s\nto\n%s", before, after)
	}
}

// emptyList reports whether an answer shows nothing.
func emptyList(body string) bool { return body == "" || strings.Contains(body, ":[]") }
