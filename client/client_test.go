package client_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
)

// ptr returns a pointer to a value, for optional members.
func ptr[T any](v T) *T { return &v }

const functionAnswer = `{"FunctionName":"hello","State":"Active","LastUpdateStatus":"Successful","MemorySize":128,"RevisionId":"r1"}`

// Every call sends what the API says it must, signed for the right service.
func TestCalls(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-central-1:000000000000:function:hello"
	const arnPath = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A000000000000%3Afunction%3Ahello"
	at := time.UnixMilli(1767225600123)
	for _, test := range []struct {
		name   string
		answer answer
		call   func(*client.Client) (any, error)
		want   received
		result any
	}{
		{
			name:   "CreateFunction",
			answer: answer{status: 201, body: functionAnswer},
			call: func(c *client.Client) (any, error) {
				return c.CreateFunction(t.Context(), client.CreateFunctionInput{
					FunctionName: "hello", Runtime: "python3.11", Role: "arn:aws:iam::000000000000:role/r", Handler: "a.b",
					Timeout: 5, MemorySize: 256, Environment: &client.Environment{Variables: map[string]string{"A": "b"}},
					EphemeralStorage: &client.EphemeralStorage{Size: 512}, Tags: map[string]string{"t": "u"},
					Code: client.CodeInput{ZipFile: []byte("zip")},
				})
			},
			want: received{
				method: "POST", uri: "/2015-03-31/functions", service: "lambda",
				body: `{"FunctionName":"hello","Runtime":"python3.11","Role":"arn:aws:iam::000000000000:role/r","Handler":"a.b","Timeout":5,` +
					`"MemorySize":256,"EphemeralStorage":{"Size":512},"Environment":{"Variables":{"A":"b"}},"Tags":{"t":"u"},"Code":{"ZipFile":"emlw"}}`,
			},
			result: client.FunctionConfiguration{FunctionName: "hello", State: "Active", LastUpdateStatus: "Successful", MemorySize: 128, RevisionId: "r1"},
		},
		{
			name:   "UpdateFunctionCode",
			answer: answer{body: functionAnswer},
			call:   func(c *client.Client) (any, error) { return c.UpdateFunctionCode(t.Context(), arn, []byte("zip")) },
			want:   received{method: "PUT", uri: arnPath + "/code", service: "lambda", body: `{"ZipFile":"emlw"}`},
			result: client.FunctionConfiguration{FunctionName: "hello", State: "Active", LastUpdateStatus: "Successful", MemorySize: 128, RevisionId: "r1"},
		},
		{
			name:   "UpdateFunctionConfiguration",
			answer: answer{body: functionAnswer},
			call: func(c *client.Client) (any, error) {
				return c.UpdateFunctionConfiguration(t.Context(), "hello", client.UpdateFunctionConfigurationInput{
					Description: ptr(""), Timeout: ptr(9), Environment: &client.Environment{Variables: map[string]string{}},
				})
			},
			want: received{
				method: "PUT", uri: "/2015-03-31/functions/hello/configuration", service: "lambda",
				body: `{"Description":"","Timeout":9,"Environment":{"Variables":{}}}`,
			},
			result: client.FunctionConfiguration{FunctionName: "hello", State: "Active", LastUpdateStatus: "Successful", MemorySize: 128, RevisionId: "r1"},
		},
		{
			name:   "GetFunction",
			answer: answer{body: `{"Configuration":` + functionAnswer + `,"Code":{"RepositoryType":"S3","Location":"http://h/code"},"Tags":{"t":"u"}}`},
			call: func(c *client.Client) (any, error) {
				f, err := c.GetFunction(t.Context(), "hello")
				return []string{f.Configuration.FunctionName, f.Code.Location, f.Tags["t"]}, err
			},
			want:   received{method: "GET", uri: "/2015-03-31/functions/hello", service: "lambda"},
			result: []string{"hello", "http://h/code", "u"},
		},
		{
			name:   "GetFunctionConfiguration",
			answer: answer{body: functionAnswer},
			call: func(c *client.Client) (any, error) {
				f, err := c.GetFunctionConfiguration(t.Context(), "hello:$LATEST")
				return f.RevisionId, err
			},
			want:   received{method: "GET", uri: "/2015-03-31/functions/hello%3A%24LATEST/configuration", service: "lambda"},
			result: "r1",
		},
		{
			name:   "DeleteFunction",
			answer: answer{status: 204},
			call:   func(c *client.Client) (any, error) { return nil, c.DeleteFunction(t.Context(), "hello") },
			want:   received{method: "DELETE", uri: "/2015-03-31/functions/hello", service: "lambda"},
		},
		{
			name:   "PublishVersion",
			answer: answer{status: 201, body: functionAnswer},
			call: func(c *client.Client) (any, error) {
				f, err := c.PublishVersion(t.Context(), "hello")
				return f.RevisionId, err
			},
			want:   received{method: "POST", uri: "/2015-03-31/functions/hello/versions", service: "lambda", body: `{}`},
			result: "r1",
		},
		{
			name:   "CreateAlias",
			answer: answer{status: 201, body: `{"AliasArn":"a","Name":"live","FunctionVersion":"1","Description":"","RevisionId":"r1"}`},
			call: func(c *client.Client) (any, error) {
				a, err := c.CreateAlias(t.Context(), "hello", client.AliasInput{Name: "live", FunctionVersion: "1"})
				return a.RevisionId, err
			},
			want:   received{method: "POST", uri: "/2015-03-31/functions/hello/aliases", service: "lambda", body: `{"Name":"live","FunctionVersion":"1"}`},
			result: "r1",
		},
		{
			name: "UpdateAlias",
			answer: answer{body: `{"AliasArn":"a","Name":"live","FunctionVersion":"1","Description":"","RoutingConfig":` +
				`{"AdditionalVersionWeights":{"2":0.5}},"RevisionId":"r2"}`},
			call: func(c *client.Client) (any, error) {
				a, err := c.UpdateAlias(t.Context(), "hello", client.AliasInput{
					Name: "live", RoutingConfig: &client.RoutingConfig{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
				})
				if err != nil {
					return nil, err
				}
				return *a.RoutingConfig.AdditionalVersionWeights["2"], nil
			},
			want: received{
				method: "PUT", uri: "/2015-03-31/functions/hello/aliases/live", service: "lambda", body: `{"RoutingConfig":{"AdditionalVersionWeights":{"2":0.5}}}`,
			},
			result: 0.5,
		},
		{
			name:   "PutFunctionConcurrency",
			answer: answer{body: `{"ReservedConcurrentExecutions":0}`},
			call:   func(c *client.Client) (any, error) { return nil, c.PutFunctionConcurrency(t.Context(), "hello", 0) },
			want: received{
				method: "PUT", uri: "/2017-10-31/functions/hello/concurrency", service: "lambda", body: `{"ReservedConcurrentExecutions":0}`,
			},
		},
		{
			name:   "DeleteFunctionConcurrency",
			answer: answer{status: 204},
			call:   func(c *client.Client) (any, error) { return nil, c.DeleteFunctionConcurrency(t.Context(), "hello") },
			want:   received{method: "DELETE", uri: "/2017-10-31/functions/hello/concurrency", service: "lambda"},
		},
		{
			name: "FilterLogEvents",
			answer: answer{body: `{"events":[{"eventId":"01","logStreamName":"s","timestamp":1767225600123,"ingestionTime":1767225600456,"message":"m\n"}],` +
				`"searchedLogStreams":[],"nextToken":"more"}`},
			call: func(c *client.Client) (any, error) {
				return c.FilterLogEvents(t.Context(), client.FilterLogEventsInput{
					LogGroupName: "/aws/lambda/hello", LogStreamNamePrefix: "p", Start: at, FilterPattern: `"a b"`, Limit: 10, NextToken: "n",
				})
			},
			want: received{
				method: "POST", uri: "/", service: "logs",
				header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328.FilterLogEvents"}},
				body:   `{"logGroupName":"/aws/lambda/hello","logStreamNamePrefix":"p","startTime":1767225600123,"filterPattern":"\"a b\"","limit":10,"nextToken":"n"}`,
			},
			result: client.FilterLogEventsOutput{
				Events:    []client.LogEvent{{ID: "01", Stream: "s", Time: at, Ingested: time.UnixMilli(1767225600456), Message: "m\n"}},
				NextToken: "more",
			},
		},
		{
			name: "GetCallerIdentity",
			answer: answer{body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
				`<Arn>arn:aws:iam::000000000000:root</Arn><UserId>u</UserId><Account>000000000000</Account></GetCallerIdentityResult>` +
				`<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetCallerIdentityResponse>`},
			call: func(c *client.Client) (any, error) { return c.GetCallerIdentity(t.Context()) },
			want: received{
				method: "POST", uri: "/", service: "sts", body: "Action=GetCallerIdentity&Version=2011-06-15",
				header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
			},
			result: client.CallerIdentity{Account: "000000000000", ARN: "arn:aws:iam::000000000000:root", UserID: "u"},
		},
		{
			name: "Health",
			call: func(c *client.Client) (any, error) { return nil, c.Health(t.Context()) },
			want: received{method: "GET", uri: "/healthz"},
		},
		{
			name: "Ready",
			call: func(c *client.Client) (any, error) { return nil, c.Ready(t.Context()) },
			want: received{method: "GET", uri: "/readyz"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got received
			c := serve(t, func(r received) answer { got = r; return test.answer })
			result, err := test.call(c)
			if err != nil {
				t.Fatal(err)
			}
			if got.method != test.want.method || got.uri != test.want.uri || got.body != test.want.body || got.service != test.want.service {
				t.Errorf("sent %s %s for %q\n%s\nwant %s %s for %q\n%s", got.method, got.uri, got.service, got.body,
					test.want.method, test.want.uri, test.want.service, test.want.body)
			}
			for name := range test.want.header {
				if got.header.Get(name) != test.want.header.Get(name) {
					t.Errorf("sent %s: %s, want %s", name, got.header.Get(name), test.want.header.Get(name))
				}
			}
			if !reflect.DeepEqual(result, test.result) {
				t.Errorf("result = %+v, want %+v", result, test.result)
			}
		})
	}
}

func TestListFunctionsReadsAllPages(t *testing.T) {
	t.Parallel()
	var uris []string
	c := serve(t, func(r received) answer {
		uris = append(uris, r.uri)
		switch len(uris) {
		case 1:
			return answer{body: `{"NextMarker":"a+b/c= ","Functions":[{"FunctionName":"a"},{"FunctionName":"b"}]}`}
		case 2:
			return answer{body: `{"NextMarker":"2","Functions":[]}`}
		}
		return answer{body: `{"Functions":[{"FunctionName":"c"}]}`}
	})
	list, err := c.ListFunctions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.FunctionName)
	}
	if strings.Join(names, "") != "abc" {
		t.Errorf("names = %q", names)
	}
	want := []string{
		"/2015-03-31/functions?MaxItems=50",
		"/2015-03-31/functions?Marker=a%2Bb%2Fc%3D%20&MaxItems=50",
		"/2015-03-31/functions?Marker=2&MaxItems=50",
	}
	if !reflect.DeepEqual(uris, want) {
		t.Errorf("asked for %q, want %q", uris, want)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	var got received
	c := serve(t, func(r received) answer {
		got = r
		return answer{
			header: http.Header{
				"X-Amzn-RequestId": {"id-1"}, "X-Amz-Executed-Version": {"$LATEST"}, "X-Amz-Function-Error": {"Unhandled"},
				"X-Amz-Log-Result": {base64.StdEncoding.EncodeToString([]byte("START\nEND\n"))},
			},
			body: `{"errorMessage":"boom"}`,
		}
	})
	out, err := c.Invoke(t.Context(), client.InvokeInput{
		Function: "hello", Qualifier: "$LATEST", Payload: []byte(`{"k":1}`), ClientContext: []byte(`{"custom":{}}`), LogTail: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.method != "POST" || got.uri != "/2015-03-31/functions/hello/invocations?Qualifier=%24LATEST" || got.body != `{"k":1}` || got.service != "lambda" {
		t.Errorf("sent %+v", got)
	}
	if got.header.Get("X-Amz-Log-Type") != "Tail" || got.header.Get("X-Amz-Client-Context") != "eyJjdXN0b20iOnt9fQ==" || got.header.Get("X-Amz-Invocation-Type") != "" {
		t.Errorf("sent header %v", got.header)
	}
	want := client.InvokeOutput{
		Status: 200, Payload: []byte(`{"errorMessage":"boom"}`), FunctionError: "Unhandled", ExecutedVersion: "$LATEST",
		LogTail: []byte("START\nEND\n"), RequestID: "id-1",
	}
	if !reflect.DeepEqual(out, want) {
		t.Errorf("out = %+v, want %+v", out, want)
	}
}

func TestInvokeDryRun(t *testing.T) {
	t.Parallel()
	c := serve(t, func(r received) answer {
		if r.header.Get("X-Amz-Invocation-Type") != "DryRun" || r.body != "" {
			t.Errorf("sent %+v", r)
		}
		return answer{status: 204}
	})
	if out, err := c.Invoke(t.Context(), client.InvokeInput{Function: "hello", DryRun: true}); err != nil || out.Status != 204 {
		t.Errorf("Invoke = %+v, %v", out, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer answer
		want   client.Error
	}{
		{
			"type in the header", answer{404, http.Header{"X-Amzn-ErrorType": {"ResourceNotFoundException"}, "X-Amzn-RequestId": {"id"}}, `{"Type":"User","Message":"Function not found: f"}`},
			client.Error{Code: "ResourceNotFoundException", Message: "Function not found: f", Status: 404, RequestID: "id"},
		},
		{
			"with a link", answer{400, http.Header{"X-Amzn-ErrorType": {"ValidationException:http://internal/"}}, `{"message":"m"}`},
			client.Error{Code: "ValidationException", Message: "m", Status: 400},
		},
		{
			"type in the body", answer{400, nil, `{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"m"}`},
			client.Error{Code: "ResourceNotFoundException", Message: "m", Status: 400},
		},
		{
			"code in the body", answer{400, nil, `{"code":"X","message":"m"}`},
			client.Error{Code: "X", Message: "m", Status: 400},
		},
		{
			"XML", answer{403, nil, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>m</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
			client.Error{Code: "InvalidClientTokenId", Message: "m", Status: 403, RequestID: "id"},
		},
		{"not an API", answer{502, nil, "<html>Bad Gateway</html>\n"}, client.Error{Message: "<html>Bad Gateway</html>", Status: 502}},
		{"redirect", answer{307, http.Header{"Location": {"/"}}, ""}, client.Error{Status: 307}},
		{"empty", answer{500, nil, ""}, client.Error{Status: 500}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(received) answer { return test.answer })
			_, err := c.GetFunction(t.Context(), "f")
			got, ok := errors.AsType[*client.Error](err)
			if !ok || *got != test.want {
				t.Fatalf("error = %#v, want %#v", err, test.want)
			}
			if test.want.Code != "" && (!client.IsCode(err, test.want.Code) || client.IsCode(err, "Other") || err.Error() != test.want.Code+": "+test.want.Message) {
				t.Errorf("error reads %q", err)
			}
			if err.Error() == "" {
				t.Error("the error says nothing")
			}
		})
	}
}

// Answers that make no sense are errors, not zero values.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	c := serve(t, func(r received) answer {
		return answer{header: http.Header{"X-Amz-Log-Result": {"%"}}, body: "{"}
	})
	if _, err := c.GetFunction(t.Context(), "f"); err == nil {
		t.Error("GetFunction took half a JSON object")
	}
	if _, err := c.FilterLogEvents(t.Context(), client.FilterLogEventsInput{}); err == nil {
		t.Error("FilterLogEvents took half a JSON object")
	}
	if _, err := c.GetCallerIdentity(t.Context()); err == nil {
		t.Error("GetCallerIdentity took JSON for XML")
	}
	if _, err := c.Invoke(t.Context(), client.InvokeInput{Function: "f"}); err == nil {
		t.Error("Invoke took a log that is not base64")
	}
}

func TestNewRefusesEndpoints(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"localhost:4580", "127.0.0.1:4580", "ftp://h", "http://", "http://h/path", "http://h?q", "http://%zz"} {
		if _, err := client.New(client.Options{Endpoint: endpoint}); err == nil {
			t.Errorf("New took the endpoint %q", endpoint)
		}
	}
	for _, endpoint := range []string{"", "http://127.0.0.1:4580", "https://h/"} {
		c, err := client.New(client.Options{Endpoint: endpoint})
		if err != nil || strings.HasSuffix(c.Endpoint(), "/") {
			t.Errorf("New(%q): %v", endpoint, err)
		}
	}
}
