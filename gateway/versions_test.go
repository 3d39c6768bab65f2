package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

const (
	reservedPath    = "/2017-10-31/functions/"
	provisionedPath = "/2019-09-30/functions/"
	only            = `{"Type":"User","message":"This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."}`
)

// one is the configuration of version 1 of f; its state goes in front of tail.
var one = strings.NewReplacer(`function:f"`, `function:f:1"`, `$LATEST`, `1`).Replace(head)

// settleVersion waits until version 1 of f is not Pending.
func (s *server) settleVersion() {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		if f, err := s.functions.Get(mine, "f", "1"); err != nil {
			s.t.Fatal(err)
		} else if f.Config.State != lambda.StatePending {
			return
		}
		runtime.Gosched()
	}
}

func TestVersionBodies(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	active := one + mode + `"State":"Active","LastUpdateStatus":"Successful",` + tail(rvc)
	s.do("POST", fns+"/f/versions", "{}").want(t, 201, active)
	s.do("POST", fns+"/f:$LATEST/versions", "").want(t, 201, active) // nothing changed
	s.do("GET", fns+"/f/configuration?Qualifier=1", "").want(t, 200, active)
	s.do("GET", fns+"/f:1/configuration", "").want(t, 200, active)
	s.do("GET", fns+"/f?Qualifier=1", "").want(t, 200, `{"Configuration":`+active+`,"Code":{"RepositoryType":"S3","Location":"`+s.url+
		`/_thaw/code/000000000000/f:1/d443fae849e7aca83a13e872180550e26276dcad30c40ad511b968a29eb421f4?key=AKIA000000000000&expires=10m0s"}}`)
	latest := strings.Replace(head, `function:f"`, `function:f:$LATEST"`, 1)
	s.do("GET", fns+"/f/versions", "").want(t, 200, `{"Versions":[`+latest+mode+tail("")+`,`+one+mode+tail("")+`]}`)
	s.do("GET", fns+"?FunctionVersion=ALL", "").want(t, 200, `{"Functions":[`+latest+mode+tail("")+`,`+one+mode+tail("")+`]}`)

	s.do("PUT", fns+"/f/configuration", `{"Timeout":4}`)
	s.settle("f")
	a := s.do("POST", fns+"/f/versions", `{"Description":"second","CodeSha256":"1EP66EnnrKg6E+hyGAVQ4mJ23K0wxArVEbloop60IfQ="}`)
	if a.status != 201 || !strings.Contains(a.body, `"Description":"second"`) || !strings.Contains(a.body, `"Version":"2"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, test := range []struct {
		path, body string
		status     int
		typ, want  string
	}{
		{"/f/versions", `{"CodeSha256":"AAAA"}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"CodeSHA256 (AAAA) is different from current CodeSHA256 in $LATEST (1EP66EnnrKg6E+hyGAVQ4mJ23K0wxArVEbloop60IfQ=). Please try again with the CodeSHA256 in $LATEST."}`},
		{"/f/versions", `{"RevisionId":"x"}`, 412, "PreconditionFailedException", `{"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}`},
		{"/f/versions", `{"PublishTo":"LATEST_PUBLISHED"}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"PublishTo is not implemented yet by Thaw"}`},
		{"/f/versions", `{"Color":"red"}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"The setting Color is not implemented yet by Thaw"}`},
		{"/f:1/versions", `{}`, 400, "InvalidParameterValueException", only},
		{"/x/versions", `{}`, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: ` + fnARN + `x"}`},
	} {
		s.do("POST", fns+test.path, test.body).wantError(t, test.status, test.typ, test.want)
	}

	s.do("DELETE", fns+"/f:2", "").want(t, 204, "")
	s.do("DELETE", fns+"/f?Qualifier=2", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: `+fnARN+`f:2"}`)
	if a := s.do("POST", fns+"/f/versions", ""); !strings.Contains(a.body, `"Version":"3"`) {
		t.Errorf("after the deletion of 2: %s", a.body)
	}
}

func TestListVersionsPages(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for i := range 4 {
		s.do("PUT", fns+"/f/configuration", fmt.Sprintf(`{"Timeout":%d}`, 10+i))
		s.settle("f")
		s.do("POST", fns+"/f/versions", "")
	}
	for _, list := range []struct{ path, member string }{{fns + "/f/versions?", "Versions"}, {fns + "?FunctionVersion=ALL&", "Functions"}} {
		var versions []string
		for marker, more := "", true; more; {
			a := s.do("GET", list.path+"MaxItems=2&Marker="+marker, "")
			var page map[string]json.RawMessage
			var members []struct{ Version, FunctionArn string }
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if err := json.Unmarshal(page[list.member], &members); err != nil || len(members) > 2 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, m := range members {
				if m.FunctionArn != fnARN+"f:"+m.Version {
					t.Errorf("version %s has the ARN %s", m.Version, m.FunctionArn)
				}
				versions = append(versions, m.Version)
			}
			marker = strings.Trim(string(page["NextMarker"]), `"`)
			more = marker != ""
		}
		if got := strings.Join(versions, " "); got != "$LATEST 1 2 3 4" {
			t.Errorf("%s gave %s", list.path, got)
		}
	}
	s.do("GET", fns+"/f/versions?MaxItems=0", "").wantError(t, 400, "ValidationException",
		`{"message":"1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"}`)
	s.do("GET", fns+"/f/versions?Marker=!", "").wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"The Marker is not one that this operation returned"}`)
	s.do("GET", fns+"/x/versions", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: `+fnARN+`x"}`)
}

// Publish in CreateFunction answers with an unqualified ARN, in UpdateFunctionCode with a qualified one.
func TestPublishMember(t *testing.T) {
	s := newServer(t)
	pending := `"State":"Pending","StateReason":"The function is being created.","StateReasonCode":"Creating",`
	s.do("POST", fns, createBody("f", `,"Publish":true`)).want(t, 201, strings.Replace(one, `function:f:1"`, `function:f"`, 1)+mode+pending+tail(rvc))
	s.settle("f")
	s.settleVersion()
	s.do("GET", fns+"/f:1/configuration", "").want(t, 200, one+mode+`"State":"Active","LastUpdateStatus":"Successful",`+tail(rvc))
	a := s.do("PUT", fns+"/f/code", `{"ZipFile":"UEsgdHdv","Publish":true}`)
	if a.status != 200 || !strings.Contains(a.body, fnARN+`f:2"`) || !strings.Contains(a.body, `"Version":"2"`) || !strings.Contains(a.body, `"State":"Pending"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.settle("f")
	a = s.do("PUT", fns+"/f/code", `{"ZipFile":"UEsgdHdv","Publish":true,"DryRun":true}`)
	if a.status != 200 || !strings.Contains(a.body, fnARN+`f"`) || !strings.Contains(a.body, `"Version":"$LATEST"`) {
		t.Errorf("dry run: %d %s", a.status, a.body)
	}
}

func TestSnapStart(t *testing.T) {
	gate := make(chan struct{})
	s := newServer(t, func(s *server, _ *gateway.Options) {
		s.slots.Snapshot = func(ctx context.Context, _ *lambda.Config) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	s.create("f", `,"SnapStart":{"ApplyOn":"PublishedVersions"}`)
	off, on := `"SnapStart":{"ApplyOn":"PublishedVersions","OptimizationStatus":"Off"}`, `"SnapStart":{"ApplyOn":"PublishedVersions","OptimizationStatus":"On"}`
	if a := s.do("GET", fns+"/f/configuration", ""); !strings.Contains(a.body, off) {
		t.Errorf("$LATEST: %s", a.body)
	}
	a := s.do("POST", fns+"/f/versions", "")
	if !strings.Contains(a.body, off) || !strings.Contains(a.body, `"State":"Pending","StateReason":"The function is being created.","StateReasonCode":"Creating",`) {
		t.Errorf("published: %s", a.body)
	}
	s.do("POST", fns+"/f:1/invocations", "{}", "X-Amz-Invocation-Type: DryRun").wantError(t, 409, "SnapStartNotReadyException",
		`{"Type":"User","Message":"Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE."}`)
	close(gate)
	s.settleVersion()
	if a := s.do("GET", fns+"/f:1/configuration", ""); !strings.Contains(a.body, on) || !strings.Contains(a.body, `"State":"Active"`) {
		t.Errorf("version 1: %s", a.body)
	}
	s.do("POST", fns+"/f:1/invocations", "{}", "X-Amz-Invocation-Type: DryRun").want(t, 204, "")
	if a := s.do("GET", fns+"/f/versions", ""); !strings.Contains(a.body, on) || !strings.Contains(a.body, off) {
		t.Errorf("list: %s", a.body)
	}
	s.do("POST", fns, createBody("g", `,"SnapStart":{"ApplyOn":"PublishedVersions"},"EphemeralStorage":{"Size":1024}`)).wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"Ephemeral storage of more than 512 MB is not supported for SnapStart enabled functions."}`)
	s.do("POST", fns, createBody("g", `,"SnapStart":{"ApplyOn":"Always"}`)).wantError(t, 400, "ValidationException",
		`{"message":"1 validation error detected: Value 'Always' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]"}`)
}

func TestFunctionConcurrency(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	get := provisionedPath + "f/concurrency"
	s.do("PUT", reservedPath+"f/concurrency", `{"ReservedConcurrentExecutions":5}`).want(t, 200, `{"ReservedConcurrentExecutions":5}`)
	s.do("GET", get, "").want(t, 200, `{"ReservedConcurrentExecutions":5}`)
	if a := s.do("GET", fns+"/f", ""); !strings.HasSuffix(a.body, `,"Concurrency":{"ReservedConcurrentExecutions":5}}`) {
		t.Errorf("GetFunction: %s", a.body)
	}
	if a := s.do("GET", fns+"/f?Qualifier=$LATEST", ""); strings.Contains(a.body, "Concurrency") {
		t.Errorf("GetFunction with a qualifier: %s", a.body)
	}
	if a := s.do("GET", "/2016-08-19/account-settings", ""); !strings.Contains(a.body, `"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":995}`) {
		t.Errorf("account: %s", a.body)
	}
	s.do("PUT", reservedPath+"f/concurrency", `{"ReservedConcurrentExecutions":0}`).want(t, 200, `{"ReservedConcurrentExecutions":0}`)
	s.do("GET", get, "").want(t, 200, `{"ReservedConcurrentExecutions":0}`)
	s.do("DELETE", reservedPath+"f/concurrency", "").want(t, 204, "")
	s.do("GET", get, "").want(t, 200, `{}`)
	for _, test := range []struct {
		path, body string
		status     int
		typ, want  string
	}{
		{"f", `{"ReservedConcurrentExecutions":901}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}`},
		{"f", `{"ReservedConcurrentExecutions":-1}`, 400, "ValidationException", `{"message":"1 validation error detected: Value '-1' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0"}`},
		{"f", `{}`, 400, "ValidationException", `{"message":"1 validation error detected: Value null at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must not be null"}`},
		{"f:1", `{"ReservedConcurrentExecutions":1}`, 400, "InvalidParameterValueException", only},
		{"x", `{"ReservedConcurrentExecutions":1}`, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: ` + fnARN + `x"}`},
	} {
		s.do("PUT", reservedPath+test.path+"/concurrency", test.body).wantError(t, test.status, test.typ, test.want)
	}
	s.do("DELETE", reservedPath+"x/concurrency", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: `+fnARN+`x"}`)
}

func TestProvisionedConcurrency(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.do("POST", fns+"/f/versions", "")
	path := provisionedPath + "f/provisioned-concurrency"
	config := func(status string, have int) string {
		return fmt.Sprintf(`"RequestedProvisionedConcurrentExecutions":2,"AvailableProvisionedConcurrentExecutions":%d,`+
			`"AllocatedProvisionedConcurrentExecutions":%d,"Status":"%s","LastModified":"TIME"}`, have, have, status)
	}
	s.do("GET", path+"?Qualifier=1", "").wantError(t, 404, "ProvisionedConcurrencyConfigNotFoundException",
		`{"Type":"User","message":"No Provisioned Concurrency Config found for this function"}`)
	s.do("GET", path+"?List=ALL", "").want(t, 200, `{"ProvisionedConcurrencyConfigs":[]}`)
	s.do("PUT", path+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":2}`).want(t, 202, "{"+config("IN_PROGRESS", 0))
	s.do("GET", path+"?Qualifier=1", "").want(t, 200, "{"+config("IN_PROGRESS", 0))
	s.slots.Allocate()
	s.do("GET", path+"?Qualifier=1", "").want(t, 200, "{"+config("READY", 2))
	s.do("GET", path+"?List=ALL&MaxItems=1", "").want(t, 200, `{"ProvisionedConcurrencyConfigs":[{"FunctionArn":"`+fnARN+`f:1",`+config("READY", 2)+`]}`)

	s.do("PUT", fns+"/f/configuration", `{"Timeout":4}`)
	s.settle("f")
	s.do("POST", fns+"/f/versions", "")
	s.do("PUT", path+"?Qualifier=2", `{"ProvisionedConcurrentExecutions":2}`)
	a := s.do("GET", path+"?List=ALL&MaxItems=1", "")
	var first struct{ NextMarker string }
	if err := json.Unmarshal([]byte(a.body), &first); err != nil || first.NextMarker == "" {
		t.Fatalf("first page %s", a.body)
	}
	s.do("GET", path+"?List=ALL&Marker="+first.NextMarker, "").want(t, 200, `{"ProvisionedConcurrencyConfigs":[{"FunctionArn":"`+fnARN+`f:2",`+config("IN_PROGRESS", 0)+`]}`)

	for _, test := range []struct {
		method, query, body string
		status              int
		typ, want           string
	}{
		{"PUT", "?Qualifier=$LATEST", `{"ProvisionedConcurrentExecutions":1}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"Provisioned Concurrency Configs cannot be applied to unpublished function versions."}`},
		{"PUT", "?Qualifier=prod", `{"ProvisionedConcurrentExecutions":1}`, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Cannot find alias arn: ` + fnARN + `f:prod"}`},
		{"PUT", "?Qualifier=7", `{"ProvisionedConcurrentExecutions":1}`, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: ` + fnARN + `f:7"}`},
		{"PUT", "?Qualifier=1", `{"ProvisionedConcurrentExecutions":0}`, 400, "ValidationException", `{"message":"1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1"}`},
		{"PUT", "", `{}`, 400, "ValidationException", `{"message":"2 validation errors detected: Value null at 'qualifier' failed to satisfy constraint: Member must not be null; Value null at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must not be null"}`},
		{"GET", "?Qualifier=$LATEST", "", 400, "InvalidParameterValueException", `{"Type":"User","message":"Provisioned Concurrency Configs cannot be applied to unpublished function versions."}`},
		{"GET", "", "", 400, "ValidationException", `{"message":"1 validation error detected: Value null at 'qualifier' failed to satisfy constraint: Member must not be null"}`},
		{"GET", "?List=ALL&Marker=x", "", 400, "InvalidParameterValueException", `{"Type":"User","message":"The Marker is not one that this operation returned"}`},
		{"GET", "?List=ALL&MaxItems=51", "", 400, "ValidationException", `{"message":"1 validation error detected: Value '51' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 50"}`},
		{"DELETE", "?Qualifier=7", "", 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: ` + fnARN + `f:7"}`},
	} {
		s.do(test.method, path+test.query, test.body).wantError(t, test.status, test.typ, test.want)
	}
	s.do("DELETE", path+"?Qualifier=1", "").want(t, 204, "")
	s.do("DELETE", path+"?Qualifier=1", "").want(t, 204, "")
	s.do("GET", path+"?Qualifier=1", "").wantError(t, 404, "ProvisionedConcurrencyConfigNotFoundException",
		`{"Type":"User","message":"No Provisioned Concurrency Config found for this function"}`)
}

// The header tells when to come back, in whole seconds.
func TestRetryAfter(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for after, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", 1500 * time.Millisecond: "2", 10 * time.Second: "10"} {
		s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
			return nil, &lambda.Error{Kind: lambda.KindThrottled, Reason: "FunctionInvocationRateLimitExceeded", Msg: "Rate Exceeded.", RetryAfter: after}
		})
		a := s.do("POST", fns+"/f/invocations", "{}")
		a.wantError(t, 429, "TooManyRequestsException", `{"Reason":"FunctionInvocationRateLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
		if got := a.header.Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q for %s, want %q", got, after, want)
		}
	}
}
