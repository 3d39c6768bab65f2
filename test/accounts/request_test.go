package accounts_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/internal/thawtest"
)

// request is one call of an operation, as the owner of what it is about makes it. In its texts {name} stands for what an
// answer before had, {account} and {arn} for the owner and its function.
type request struct {
	service, op string
	labels      []string // of the path, in order; not for APIs without paths
	query, body string
	header      string
	status      int       // what the owner gets; 0: what the operation answers
	keep        [2]string // a name, and where in the answer its value is: members with slashes between, 0 in a list
	// other is what another account gets that makes the same request, and named what it gets if it names the function or
	// layer by the owner's ARN: a status and the name of an error. "" is as for most operations of the service; "none" is a
	// good answer that shows nothing; "its own" one that is about the caller's own things.
	other, named string
	last         bool // it takes away what others need: the owner makes it at the end
	reads        bool // its answer shows what the owner has
}

// Most operations.
const (
	notFound = "404 ResourceNotFoundException"
	denied   = "403 AccessDeniedException"
	none     = "none"
	itsOwn   = "its own"
)

// tenant is an account with what it got to know.
type tenant struct {
	thawtest.Caller
	account string
	known   map[string]string
}

// fill puts values for names.
func (a *tenant) fill(text string) string {
	for name, value := range a.known {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// label is a path's label: what stands for the function or layer with another name there, if first is not "".
func (a *tenant) label(r *request, i int, first string) string {
	if i == 0 && first != "" {
		return url.PathEscape(a.fill(first))
	}
	return url.PathEscape(a.fill(r.labels[i]))
}

// do makes a request with the names that owner knows; first replaces the first label.
func (a *tenant) do(t *testing.T, r *request, owner *tenant, first string) thawtest.Answer {
	t.Helper()
	body := owner.fill(r.body)
	switch r.service {
	case "logs":
		return a.Do(t, "logs", http.MethodPost, "/", body, "Content-Type: application/x-amz-json-1.1", "X-Amz-Target: "+api.LogsTarget+r.op)
	case "iam", "sts":
		version := api.IAMVersion
		if r.service == "sts" {
			version = api.STSVersion
		}
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("Action", r.op)
		form.Set("Version", version)
		return a.Do(t, r.service, http.MethodPost, "/", form.Encode(), "Content-Type: application/x-www-form-urlencoded")
	}
	op := operation(t, r.op)
	path := ""
	for i, part := range strings.Split(op.Path, "{") {
		if i == 0 {
			path = part
			continue
		}
		_, rest, _ := strings.Cut(part, "}")
		path += owner.label(r, i-1, first) + rest
	}
	query := r.query
	if query == "" {
		query = op.Query
	}
	if query != "" {
		path += "?" + strings.ReplaceAll(owner.fill(query), ":", "%3A")
	}
	if r.header != "" {
		return a.Do(t, "lambda", op.Method, path, body, r.header)
	}
	return a.Do(t, "lambda", op.Method, path, body)
}

func operation(t *testing.T, name string) *api.Operation {
	t.Helper()
	for i := range api.Operations {
		if api.Operations[i].Name == name {
			return &api.Operations[i]
		}
	}
	t.Fatalf("no operation %s", name)
	return nil
}

// makes makes a request about what is its own, which must succeed, and keeps what is to be kept of the answer.
func (a *tenant) makes(t *testing.T, r *request) thawtest.Answer {
	t.Helper()
	answer := a.do(t, r, a, "")
	want := r.status
	if want == 0 {
		want = http.StatusOK
		if r.service == "lambda" {
			want = operation(t, r.op).Status
		}
	}
	if answer.Status != want {
		t.Fatalf("%s of its owner answered %d %s, want %d", r.op, answer.Status, answer.Body, want)
	}
	if r.keep[0] != "" {
		var v any
		if err := json.Unmarshal([]byte(answer.Body), &v); err != nil {
			t.Fatal(err)
		}
		for member := range strings.SplitSeq(r.keep[1], "/") {
			if list, ok := v.([]any); ok && len(list) > 0 {
				v = list[0] // the only index that is asked for
				continue
			}
			v = v.(map[string]any)[member] //nolint:forcetypeassert // a test
		}
		a.known[r.keep[0]] = v.(string) //nolint:forcetypeassert // a test
	}
	return answer
}

// errorName is the name of an error, wherever the service's protocol has it.
func errorName(a thawtest.Answer) string {
	if name := a.Header.Get("X-Amzn-Errortype"); name != "" {
		return name
	}
	var body struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal([]byte(a.Body), &body) == nil {
		return body.Type
	}
	_, name, _ := strings.Cut(a.Body, "<Code>")
	name, _, _ = strings.Cut(name, "</Code>")
	return name
}
