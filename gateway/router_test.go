package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/gateway"
)

// place is a path of op with every label replaced.
func place(op *api.Operation, label string) string {
	segments := strings.Split(op.Path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = label
		}
	}
	path := strings.Join(segments, "/")
	if op.Query != "" {
		path += "?" + op.Query
	}
	return path
}

// TestEveryOperationIsRouted walks the whole table over HTTP: the right operation answers, also with a final slash and
// with an ARN, encoded or not, in the path.
func TestEveryOperationIsRouted(t *testing.T) {
	s := newServer(t)
	for i := range api.Operations {
		op := &api.Operations[i]
		path, query, _ := strings.Cut(place(op, "x"), "?")
		if query != "" {
			query = "?" + query
		}
		for _, full := range []string{path + query, path + "/" + query} {
			a := s.do(op.Method, full, "")
			why, refused := gateway.Refusals()[op.Name]
			if !refused {
				if a.header.Get("x-amzn-ErrorType") == "NotImplementedException" || a.header.Get("x-amzn-ErrorType") == "UnknownOperationException" {
					t.Errorf("%s: %s %s answered %d %s", op.Name, op.Method, full, a.status, a.body)
				}
				continue
			}
			a.wantError(t, 400, "NotImplementedException", `{"Type":"User","message":"The operation `+op.Name+` is not implemented by Thaw: `+why+`"}`)
		}
	}
}

func TestRouting(t *testing.T) {
	for _, label := range []string{
		"f", "%24LATEST", "arn:aws:lambda:us-east-1:000000000000:function:f", "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af",
		"arn%3Aaws%3Alambda%3Aus-east-1%3A0%3Afunction%3Af%3A1%2Fdurable-execution%2Fname%2Fid", "invocations", "functions",
	} {
		for i := range api.Operations {
			op := &api.Operations[i]
			u, err := url.Parse(place(op, label))
			if err != nil {
				t.Fatal(err)
			}
			name, labels := gateway.Find(&http.Request{Method: op.Method, URL: u})
			if name != op.Name {
				t.Errorf("%s %s went to %q", op.Method, u, name)
			}
			if strings.Contains(op.Path, "{") && labels[0] != label {
				t.Errorf("%s %s has the label %q", op.Method, u, labels[0])
			}
		}
	}
	for _, test := range []struct{ request, want string }{
		{"GET /2018-10-31/layers", "ListLayers"},
		{"GET /2018-10-31/layers?find=other", "ListLayers"},
		{"GET /2018-10-31/layers/?find=LayerVersion&Arn=a", "GetLayerVersionByArn"},
		{"GET /2019-09-30/functions/f/provisioned-concurrency?Qualifier=a", "GetProvisionedConcurrencyConfig"},
		{"GET /2019-09-30/functions/f/provisioned-concurrency/?List=ALL", "ListProvisionedConcurrencyConfigs"},
		{"PUT /2019-09-25/functions/f/event-invoke-config", "PutFunctionEventInvokeConfig"},
		{"POST /2019-09-25/functions/f/event-invoke-config", "UpdateFunctionEventInvokeConfig"},
		{"GET /2019-09-25/functions/f/event-invoke-config/list", "ListFunctionEventInvokeConfigs"},
		{"GET /2015-03-31/functions/", "ListFunctions"},
		{"GET /2015-03-31/functions/versions", "GetFunction"},
		{"PATCH /2015-03-31/functions", ""},
		{"POST /2015-03-31/functions/f", ""},
		{"GET /2015-03-31/functions//configuration", ""},
		{"GET /2015-03-31/functions//", ""},
		{"GET /2015-03-31/functions/f//", ""},
		{"GET /2015-03-31", ""},
		{"GET /2", ""},
		{"GET /2015-03-31/functions/f/configuration/more", ""},
		{"GET /2019-09-30/functions/f/configuration", ""},
		{"GET /2017-03-31/tags/a/b", ""},
	} {
		method, path, _ := strings.Cut(test.request, " ")
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if name, _ := gateway.Find(&http.Request{Method: method, URL: u}); name != test.want {
			t.Errorf("%s went to %q, want %q", test.request, name, test.want)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	s := newServer(t)
	for _, request := range []string{"GET /nothing", "GET /2015-03-31/nothing", "PATCH /2015-03-31/functions", "DELETE /", "PUT /healthz", "GET /_thaw/other"} {
		method, path, _ := strings.Cut(request, " ")
		s.do(method, path, "").wantError(t, 404, "UnknownOperationException",
			`{"Type":"User","message":"No operation has the method \"`+method+`\" and this path"}`)
	}
}
