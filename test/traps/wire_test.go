package traps_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

func TestPathsAndVerbs(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    return 1\n")
	arn := fnARN + name
	encoded := url.QueryEscape(arn)
	for _, target := range []string{
		functions, functions + "/", functions + "/" + name, functions + "/" + name + "/",
		functions + "/" + arn, functions + "/" + encoded, functions + "/000000000000:function:" + name,
		functions + "/" + name + "%3A$LATEST/configuration", functions + "/" + name + "/configuration?Qualifier=%24LATEST",
		"/2017-03-31/tags/" + arn, "/2017-03-31/tags/" + encoded,
		"/2016-08-19/account-settings", "/2016-08-19/account-settings/",
		"/2020-04-22/code-signing-configs", "/2020-04-22/code-signing-configs/",
		"/2015-03-31/event-source-mappings", "/2015-03-31/event-source-mappings/",
		"/2018-10-31/layers", "/2019-09-30/functions/" + name + "/concurrency",
	} {
		if a := s.Do(t, "GET", target, ""); a.Status != 200 {
			t.Errorf("GET %s: %d %s", target, a.Status, a.Body)
		}
	}
	// Each operation has a date of its own, and each verb a meaning.
	for _, call := range []string{
		"GET /2017-10-31/functions/" + name + "/concurrency", "GET /2015-03-31/layers", "GET /functions", "GET /2015-03-31/functions//configuration",
		"PATCH /2015-03-31/functions/" + name, "PUT /2015-03-31/functions/" + name + "/invocations",
	} {
		method, target, _ := strings.Cut(call, " ")
		if a := s.Do(t, method, target, "{}"); a.Status != 404 && a.Status != 405 {
			t.Errorf("%s: %d %s", call, a.Status, a.Body)
		}
	}
	// A slash in a label does not become one of the path: this would be ListVersionsByFunction.
	if a := s.Do(t, "GET", functions+"/"+name+"%2Fversions", ""); a.Status != 400 || a.Header.Get("X-Amzn-Errortype") != "ValidationException" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := s.Do(t, "GET", functions+"/"+name+"%253A1", ""); a.Status != 400 {
		t.Errorf("decoded twice: %d %s", a.Status, a.Body)
	}
	// Put replaces, Update merges.
	config := "/2019-09-25/functions/" + name + "/event-invoke-config"
	var got struct {
		MaximumRetryAttempts, MaximumEventAgeInSeconds *int
	}
	fails(t, s.Do(t, "POST", config, `{"MaximumRetryAttempts":1}`), 404, "ResourceNotFoundException", `{"Type":"User","Message":"`)
	s.Do(t, "PUT", config, `{"MaximumRetryAttempts":1,"MaximumEventAgeInSeconds":100}`).Decode(t, 200, &got)
	s.Do(t, "POST", config, `{"MaximumEventAgeInSeconds":200}`).Decode(t, 200, &got)
	if got.MaximumRetryAttempts == nil || *got.MaximumRetryAttempts != 1 || *got.MaximumEventAgeInSeconds != 200 {
		t.Errorf("after an update: %+v", got)
	}
	got.MaximumRetryAttempts, got.MaximumEventAgeInSeconds = nil, nil
	s.Do(t, "PUT", config, `{"MaximumEventAgeInSeconds":300}`).Decode(t, 200, &got)
	if got.MaximumRetryAttempts != nil || *got.MaximumEventAgeInSeconds != 300 {
		t.Errorf("after a put: %+v", got)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    return 1\n")
	layer := s.Layer(t, "times", thawtest.Files{"a": "b"})
	publicURL(t, name, "BUFFERED")
	config := "/2019-09-25/functions/" + name + "/event-invoke-config"
	if a := s.Do(t, "PUT", config, `{"MaximumRetryAttempts":1}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	const (
		offset = `"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"`
		zulu   = `"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"`
		number = `1\d{9}(\.\d+)?`
	)
	for _, c := range []struct{ target, member, form string }{
		{functions + "/" + name + "/configuration", "LastModified", offset},
		{"/2018-10-31/layers?Arn=" + url.QueryEscape(layer) + "&find=LayerVersion", "CreatedDate", offset},
		{"/2021-10-31/functions/" + name + "/url", "CreationTime", zulu},
		{"/2021-10-31/functions/" + name + "/url", "LastModifiedTime", zulu},
		{config, "LastModified", number},
	} {
		if a := s.Do(t, "GET", c.target, ""); a.Status != 200 || !regexp.MustCompile(`"`+c.member+`":`+c.form+`[,}]`).MatchString(a.Body) {
			t.Errorf("GET %s: %d %s", c.target, a.Status, a.Body)
		}
	}
}

func TestARNs(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    return c.invoked_function_arn\n")
	arn := fnARN + name
	if _, err := s.PublishVersion(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAlias(t.Context(), name, client.AliasInput{Name: "live", FunctionVersion: "1"}); err != nil {
		t.Fatal(err)
	}
	await(t, "version 1 is active", func() bool {
		a := s.Do(t, "GET", functions+"/"+name+"/configuration?Qualifier=1", "")
		return strings.Contains(a.Body, `"State":"Active"`)
	})
	// The function sees its name as the caller gave it.
	for qualifier, want := range map[string]string{"": "", "$LATEST": ":$LATEST", "1": ":1", "live": ":live"} {
		out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Qualifier: qualifier})
		if err != nil || string(out.Payload) != `"`+arn+want+`"` {
			t.Errorf("qualifier %q: %s %v", qualifier, out.Payload, err)
		}
	}
	arns := regexp.MustCompile(`"FunctionArn":"` + regexp.QuoteMeta(arn) + `([^"]*)"`)
	for target, want := range map[string]string{
		functions: "", functions + "?FunctionVersion=ALL": ":$LATEST :1", functions + "/" + name + "/versions": ":$LATEST :1",
		functions + "/" + name: "", functions + "/" + name + "?Qualifier=%24LATEST": ":$LATEST", functions + "/" + name + "?Qualifier=1": ":1",
		functions + "/" + name + "?Qualifier=live": ":live",
	} {
		var got []string
		for _, m := range arns.FindAllStringSubmatch(s.Do(t, "GET", target, "").Body, -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want || len(got) == 0 {
			t.Errorf("GET %s: FunctionArn ends in %q, want %s", target, got, want)
		}
	}
	for query, want := range map[string]string{"": ":$LATEST", "?Qualifier=live": ":live", "?Qualifier=1": ":1"} {
		a := s.Do(t, "PUT", "/2019-09-25/functions/"+name+"/event-invoke-config"+query, `{"MaximumRetryAttempts":0}`)
		if a.Status != 200 || !strings.Contains(a.Body, `"FunctionArn":"`+arn+want+`"`) {
			t.Errorf("event invoke config %s: %d %s", query, a.Status, a.Body)
		}
	}
	fails(t, s.Do(t, "GET", functions+"/nobody/configuration?Qualifier=live", ""), 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: `+fnARN+`nobody`)
}
