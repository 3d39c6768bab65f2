package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"thaw.dev/thaw/gateway"
)

// BenchmarkRoute is the cost of finding Invoke.
func BenchmarkRoute(b *testing.B) {
	r := &http.Request{Method: "POST", URL: &url.URL{Path: invocations}}
	b.ReportAllocs()
	for b.Loop() {
		if name, _ := gateway.Find(r); name != "Invoke" {
			b.Fatal(name)
		}
	}
}

// BenchmarkInvoke is the gateway's own part of a warm invocation: no network, no signature, no function.
func BenchmarkInvoke(b *testing.B) {
	g := gateway.New(gateway.Options{Region: "us-east-1", Invoker: &invoker{}, Verifier: verifier{}, Logger: discard})
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", invocations, strings.NewReader(`{"name":"thaw"}`))
		r.Header["Authorization"] = []string{"Test " + mine + " lambda"}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
