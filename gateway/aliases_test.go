package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"thaw.dev/thaw/invoke"
)

// aliasBody is how the API shows an alias of f; more is its routing configuration with a comma, or "".
func aliasBody(name, version, description, more string) string {
	return `{"AliasArn":"` + fnARN + `f:` + name + `","Name":"` + name + `","FunctionVersion":"` + version + `","Description":"` + description + `",` +
		more + `"RevisionId":"UUID"}`
}

// publishTwo makes f with the versions 1 and 2.
func (s *server) publishTwo() {
	s.t.Helper()
	s.create("f", "")
	s.do("POST", fns+"/f/versions", "")
	s.do("PUT", fns+"/f/configuration", `{"Timeout":4}`)
	s.settle("f")
	s.do("POST", fns+"/f/versions", "")
}

func TestAliasBodies(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	aliases := fns + "/f/aliases"
	s.do("GET", aliases, "").want(t, 200, `{"Aliases":[]}`)
	live := aliasBody("live", "1", "", "")
	s.do("POST", aliases, `{"Name":"live","FunctionVersion":"1"}`).want(t, 201, live)
	s.do("GET", aliases+"/live", "").want(t, 200, live)
	next := aliasBody("next", "$LATEST", "what comes", "")
	s.do("POST", fns+"/"+fnARN+"f/aliases/", `{"Name":"next","FunctionVersion":"$LATEST","Description":"what comes","RoutingConfig":{}}`).want(t, 201, next)

	split := `"RoutingConfig":{"AdditionalVersionWeights":{"2":0.05}},`
	both := aliasBody("live", "1", "slowly", split)
	s.do("PUT", aliases+"/live", `{"Description":"slowly","RoutingConfig":{"AdditionalVersionWeights":{"2":0.05}}}`).want(t, 200, both)
	s.do("GET", aliases+"/live", "").want(t, 200, both)
	s.do("GET", aliases, "").want(t, 200, `{"Aliases":[`+both+`,`+next+`]}`)
	s.do("GET", aliases+"?FunctionVersion=2", "").want(t, 200, `{"Aliases":[`+both+`]}`)
	s.do("GET", aliases+"?FunctionVersion=$LATEST", "").want(t, 200, `{"Aliases":[`+next+`]}`)
	s.do("GET", aliases+"?FunctionVersion=9", "").want(t, 200, `{"Aliases":[]}`)
	s.do("DELETE", fns+"/f:2", "").wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"Version 2 cannot be deleted because it is referenced by the alias: live"}`)
	s.do("PUT", aliases+"/live", `{"RoutingConfig":{}}`).want(t, 200, aliasBody("live", "1", "slowly", ""))
	s.do("PUT", aliases+"/live", `{"FunctionVersion":"2","RoutingConfig":{"AdditionalVersionWeights":{"1":1}}}`).want(t, 200,
		aliasBody("live", "2", "slowly", `"RoutingConfig":{"AdditionalVersionWeights":{"1":1}},`))
	s.do("PUT", aliases+"/live", `{"RoutingConfig":{"AdditionalVersionWeights":{}}}`).want(t, 200, aliasBody("live", "2", "slowly", ""))

	// What is read of a function by an alias is its version's, but for the ARN.
	a := s.do("GET", fns+"/f?Qualifier=live", "")
	if !strings.Contains(a.body, `"FunctionArn":"`+fnARN+`f:live"`) || !strings.Contains(a.body, `"Version":"2"`) || !strings.Contains(a.body, `"Timeout":4`) {
		t.Errorf("GetFunction: %s", a.body)
	}
	a = s.do("GET", fns+"/f:live/configuration", "")
	if !strings.Contains(a.body, `"FunctionArn":"`+fnARN+`f:live"`) || !strings.Contains(a.body, `"Version":"2"`) {
		t.Errorf("GetFunctionConfiguration: %s", a.body)
	}

	var shown struct{ RevisionId string }
	if err := json.Unmarshal([]byte(s.do("GET", aliases+"/live", "").body), &shown); err != nil {
		t.Fatal(err)
	}
	s.do("PUT", aliases+"/live", `{"FunctionVersion":"1","RevisionId":"`+shown.RevisionId+`"}`).want(t, 200, aliasBody("live", "1", "slowly", ""))
	s.do("PUT", aliases+"/live", `{"FunctionVersion":"2","RevisionId":"`+shown.RevisionId+`"}`).wantError(t, 412, "PreconditionFailedException",
		`{"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}`)
	s.do("DELETE", aliases+"/live", "").want(t, 204, "")
	s.do("DELETE", aliases+"/live", "").want(t, 204, "")
	s.do("GET", aliases+"/live", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Cannot find alias arn: `+fnARN+`f:live"}`)
	s.do("DELETE", fns+"/f:2", "").want(t, 204, "")
}

func TestAliasErrors(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	const invalid, validation, missing = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
	weights := func(w string) string {
		return `{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":` + w + `}}`
	}
	one := func(text string) string { return `{"message":"1 validation error detected: ` + text + `"}` }
	const member = "' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
	const value = member + "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
	const key = member + "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, " +
		"Member must satisfy regular expression pattern: [0-9]+, Member must not be null]"
	const pattern = "failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
	for _, test := range []struct {
		method, path, body string
		status             int
		typ, want          string
	}{
		{"POST", "/f/aliases", `{"Name":"live","FunctionVersion":"2"}`, 409, "ResourceConflictException", `{"Type":"User","message":"Alias already exists: ` + fnARN + `f:live"}`},
		{"POST", "/f/aliases", `{"Name":"a","FunctionVersion":"9"}`, 404, missing, `{"Type":"User","Message":"Function not found: ` + fnARN + `f:9"}`},
		{"POST", "/x/aliases", `{"Name":"a","FunctionVersion":"1"}`, 404, missing, `{"Type":"User","Message":"Function not found: ` + fnARN + `x"}`},
		{"POST", "/f:1/aliases", `{"Name":"a","FunctionVersion":"1"}`, 400, invalid, only},
		{"POST", "/f/aliases", `{"Name":"12","FunctionVersion":"1"}`, 400, validation, one(`Value '12' at 'name' ` + pattern)},
		{"POST", "/f/aliases", `{"Name":"$LATEST","FunctionVersion":"1"}`, 400, validation, one(`Value '$LATEST' at 'name' ` + pattern)},
		{"POST", "/f/aliases", `{"Name":"a","FunctionVersion":"live"}`, 400, validation,
			one(`Value 'live' at 'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\$LATEST(\\.PUBLISHED)?|[0-9]+)`)},
		{"POST", "/f/aliases", `{}`, 400, validation, `{"message":"2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; ` +
			`Value null at 'functionVersion' failed to satisfy constraint: Member must not be null"}`},
		{"POST", "/f/aliases", `{"Name":"a","FunctionVersion":"1","Color":1}`, 400, invalid, `{"Type":"User","message":"The setting Color is not implemented yet by Thaw"}`},
		{"POST", "/f/aliases", weights(`{"2":2}`), 400, validation, one(`Value '{2=2.0}` + value)},
		{"POST", "/f/aliases", weights(`{"2":-0.5}`), 400, validation, one(`Value '{2=-0.5}` + value)},
		{"POST", "/f/aliases", weights(`{"2":null}`), 400, validation, one(`Value '{2=null}` + value)},
		{"POST", "/f/aliases", weights(`{"$LATEST":0.5}`), 400, validation, one(`Value '{$LATEST=0.5}` + key)},
		{"POST", "/f/aliases", weights(`{"1":0.5}`), 400, invalid,
			`{"Type":"User","message":"Invalid function version 1. Function version 1 is already included in routing configuration."}`},
		{"POST", "/f/aliases", weights(`{"1":0.5,"2":0.1}`), 400, invalid, `{"Type":"User","message":"Number of items in AdditionalVersionWeights cannot be greater than 1"}`},
		{"POST", "/f/aliases", strings.Replace(weights(`{"2":0.5}`), `"1"`, `"$LATEST"`, 1), 400, invalid,
			`{"Type":"User","message":"$LATEST is not supported for an alias pointing to more than 1 version"}`},
		{"PUT", "/f/aliases/nope", `{}`, 404, missing, `{"Type":"User","Message":"Cannot find alias arn: ` + fnARN + `f:nope"}`},
		{"PUT", "/f/aliases/7", `{}`, 400, validation, one(`Value '7' at 'name' ` + pattern)},
		{"PUT", "/f/aliases/live", `{"RoutingConfig":{"AdditionalVersionWeights":{"2":2}}}`, 400, validation, one(`Value '{2=2.0}` + value)},
		{"GET", "/x/aliases/live", "", 404, missing, `{"Type":"User","Message":"Cannot find alias arn: ` + fnARN + `x:live"}`},
		{"GET", "/f:1/aliases/live", "", 400, invalid, only},
		{"DELETE", "/f/aliases/7", "", 400, validation, one(`Value '7' at 'name' ` + pattern)},
		{"DELETE", "/x/aliases/live", "", 404, missing, `{"Type":"User","Message":"Function not found: ` + fnARN + `x"}`},
		{"GET", "/x/aliases", "", 404, missing, `{"Type":"User","Message":"Function not found: ` + fnARN + `x"}`},
		{"GET", "/f/aliases?MaxItems=0", "", 400, validation, one(`Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1`)},
		{"GET", "/f/aliases?Marker=!", "", 400, invalid, `{"Type":"User","message":"The Marker is not one that this operation returned"}`},
		{"GET", "/f/aliases?FunctionVersion=live", "", 400, validation,
			one(`Value 'live' at 'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\$LATEST(\\.PUBLISHED)?|[0-9]+)`)},
		{"PUT", "/f:live/configuration", `{"Timeout":5}`, 400, invalid, only},
		{"POST", "/f:live/versions", `{}`, 400, invalid, only},
	} {
		s.do(test.method, fns+test.path, test.body).wantError(t, test.status, test.typ, test.want)
	}
	// Another account sees none of it.
	s.do("GET", fns+"/f/aliases/live", "", "Authorization: Test "+theirs+" lambda").wantError(t, 404, missing,
		`{"Type":"User","Message":"Cannot find alias arn: `+strings.ReplaceAll(fnARN, mine, theirs)+`f:live"}`)
	if a := s.do("GET", reservedConcurrency("f"), ""); a.status != 200 || a.body != "{}" {
		t.Errorf("concurrency of a function with aliases: %d %s", a.status, a.body)
	}
	s.do("GET", reservedConcurrency("f:live"), "").wantError(t, 400, invalid, only)
}

func reservedConcurrency(name string) string { return provisionedPath + name + "/concurrency" }

func TestListAliasesPages(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	for i := range 5 {
		s.do("POST", fns+"/f/aliases", fmt.Sprintf(`{"Name":"a%d","FunctionVersion":"%d"}`, i, 1+i%2))
	}
	for filter, want := range map[string]string{"": "a0 a1 a2 a3 a4", "1": "a0 a2 a4"} {
		var names []string
		for marker, more := "", true; more; {
			a := s.do("GET", fns+"/f/aliases?MaxItems=2&FunctionVersion="+filter+"&Marker="+marker, "")
			var page struct {
				NextMarker string
				Aliases    []struct{ Name string }
			}
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 || len(page.Aliases) > 2 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			for _, alias := range page.Aliases {
				names = append(names, alias.Name)
			}
			marker, more = page.NextMarker, page.NextMarker != ""
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("of version %q: %s, want %s", filter, got, want)
		}
	}
}

// The function sees the alias that its caller named; the version is found when it runs.
func TestInvokeAlias(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	for _, path := range []string{"/f/invocations?Qualifier=live", "/f:live/invocations", "/" + fnARN + "f:live/invocations?Qualifier=live"} {
		s.do("POST", fns+path, "{}").want(t, 200, "{}")
		if req := s.invoker.request(); req.Qualifier != "live" || req.ARN != fnARN+"f:live" || req.Function != "f" {
			t.Errorf("%s: %+v", path, req)
		}
		s.do("POST", fns+path, "{}", "X-Amz-Invocation-Type: DryRun").want(t, 204, "")
	}
	s.do("POST", fns+"/f:nope/invocations", "{}", "X-Amz-Invocation-Type: DryRun").wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: `+fnARN+`f:nope"}`)
	s.do("POST", fns+"/f:live/invocations?Qualifier=1", "{}").wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"The derived qualifier from the function name does not match the specified qualifier."}`)

	// Resolved for real: what ran is told, not the alias.
	s.invoker.set(func(_ context.Context, req *invoke.Request) (*invoke.Result, error) {
		c, err := s.functions.Resolve(req.Account, req.Function, req.Qualifier)
		if err != nil {
			return nil, err
		}
		return &invoke.Result{ExecutedVersion: c.Version}, nil
	})
	a := s.do("POST", fns+"/f:live/invocations", "{}")
	if got := a.header.Get("X-Amz-Executed-Version"); a.status != 200 || got != "1" {
		t.Errorf("%d, executed version %q", a.status, got)
	}
	s.do("PUT", fns+"/f/aliases/live", `{"RoutingConfig":{"AdditionalVersionWeights":{"2":0.5}}}`)
	seen := map[string]bool{}
	for range 200 { // all go to one version once in 10^60 runs
		seen[s.do("POST", fns+"/f:live/invocations", "{}").header.Get("X-Amz-Executed-Version")] = true
	}
	if len(seen) != 2 || !seen["1"] || !seen["2"] {
		t.Errorf("executed versions %v", seen)
	}
}

func TestAliasProvisionedConcurrency(t *testing.T) {
	s := newServer(t)
	s.publishTwo()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`)
	path := provisionedPath + "f/provisioned-concurrency"
	config := func(status string, have int) string {
		return fmt.Sprintf(`"RequestedProvisionedConcurrentExecutions":2,"AvailableProvisionedConcurrentExecutions":%d,`+
			`"AllocatedProvisionedConcurrentExecutions":%d,"Status":"%s","LastModified":"TIME"}`, have, have, status)
	}
	const none = `{"Type":"User","message":"No Provisioned Concurrency Config found for this function"}`
	s.do("GET", path+"?Qualifier=live", "").wantError(t, 404, "ProvisionedConcurrencyConfigNotFoundException", none)
	s.do("PUT", path+"?Qualifier=live", `{"ProvisionedConcurrentExecutions":2}`).want(t, 202, "{"+config("IN_PROGRESS", 0))
	s.slots.Allocate()
	s.do("GET", path+"?Qualifier=live", "").want(t, 200, "{"+config("READY", 2))
	s.do("GET", path+"?Qualifier=1", "").wantError(t, 404, "ProvisionedConcurrencyConfigNotFoundException", none)
	s.do("PUT", path+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":2}`).wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"Version 1 can't be used for Provisioned Concurrency configuration on an already Provisioned alias: live"}`)
	s.do("PUT", fns+"/f/aliases/live", `{"FunctionVersion":"2"}`).want(t, 200, aliasBody("live", "2", "", ""))
	s.do("GET", path+"?List=ALL", "").want(t, 200, `{"ProvisionedConcurrencyConfigs":[{"FunctionArn":"`+fnARN+`f:live",`+config("IN_PROGRESS", 0)+`]}`)
	s.do("DELETE", path+"?Qualifier=live", "").want(t, 204, "")
	s.do("GET", path+"?List=ALL", "").want(t, 200, `{"ProvisionedConcurrencyConfigs":[]}`)
}
