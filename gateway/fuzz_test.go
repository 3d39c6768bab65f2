package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/lambda"
)

// FuzzName: whatever passes for one of the caller's functions names it in every longer form as well.
func FuzzName(f *testing.F) {
	for _, name := range []string{"f", "f:1", "f:$LATEST", "function:f", "000000000000:function:f:prod", fnARN + "f", "a.b", "", ":", "arn:", "$LATEST", "us-east-1:f"} {
		f.Add(name, "")
		f.Add(name, "$LATEST")
	}
	f.Fuzz(func(t *testing.T, raw, query string) {
		ref, err := gateway.Name(raw, query)
		if err != nil {
			if k := lambda.KindOf(err); k == lambda.KindInternal {
				t.Fatalf("%q, %q: %v is ours", raw, query, err)
			}
			return
		}
		if ref.Name == "" || strings.ContainsAny(ref.Name+ref.Qualifier, ":/ \n%") || ref.Region != "" || ref.Account != "" {
			t.Fatalf("%q, %q is %+v", raw, query, ref)
		}
		if query != "" && ref.Qualifier != query {
			t.Fatalf("%q, %q has the qualifier %q", raw, query, ref.Qualifier)
		}
		if len(ref.Name) > 64 || strings.Contains(query, "$") && query != "$LATEST" && query != "$LATEST.PUBLISHED" {
			return // the whole ARN may be too long, or cannot hold what the model lets pass as Qualifier alone
		}
		long, err := gateway.Name(lambda.FunctionARN("us-east-1", mine, ref.Name, ref.Qualifier), query)
		if err != nil && len(ref.Qualifier) <= 100 || err == nil && long != ref {
			t.Fatalf("%q, %q is %+v, its ARN %+v, %v", raw, query, ref, long, err)
		}
	})
}

// FuzzRouter: no path breaks the router, and what it finds fits the operation's pattern.
func FuzzRouter(f *testing.F) {
	for i := range api.Operations {
		f.Add(api.Operations[i].Method, place(&api.Operations[i], "a%2Fb"))
	}
	f.Add("GET", "/2015-03-31/functions/%zz")
	f.Add("GET", "/2/////")
	f.Fuzz(func(t *testing.T, method, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(u.EscapedPath(), "/") {
			return
		}
		name, labels := gateway.Find(&http.Request{Method: method, URL: u})
		if name == "" {
			return
		}
		for i := range api.Operations {
			op := &api.Operations[i]
			if op.Name != name {
				continue
			}
			want := strings.TrimSuffix(u.EscapedPath(), "/")
			var got []string
			n := 0
			for segment := range strings.SplitSeq(op.Path, "/") {
				if strings.HasPrefix(segment, "{") {
					segment = labels[n]
					n++
				}
				got = append(got, segment)
			}
			if strings.Join(got, "/") != want || op.Method != method {
				t.Fatalf("%s %s went to %s, which is %s %s", method, target, name, op.Method, got)
			}
			return
		}
		t.Fatalf("%s %s went to %s, which does not exist", method, target, name)
	})
}
