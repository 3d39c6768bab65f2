package gateway_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
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
	functions := control.New(control.Options{Region: "us-east-1", Store: &controltest.Store{}, Logger: discard})
	g := gateway.New(gateway.Options{Region: "us-east-1", Functions: functions, Invoker: &invoker{}, Verifier: verifier{}, Logger: discard})
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

// BenchmarkOf100k reads from an account with 100,000 functions, on the real store: a page in the middle of the list, and one
// function.
func BenchmarkOf100k(b *testing.B) {
	st, err := store.Open(b.Context(), store.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	var work errgroup.Group
	work.SetLimit(32)
	for i := range 100_000 {
		work.Go(func() error {
			_, err := st.Functions().Create(b.Context(), store.Function{Config: lambda.Config{
				Account: mine, Name: fmt.Sprintf("function-%06d", i), Version: lambda.Latest, Role: "arn:aws:iam::" + mine + ":role/r",
				Runtime: "python3.11", Handler: "app.handler", Timeout: 3, MemoryMB: 128, EphemeralMB: 512, State: lambda.StateActive,
				LogGroup: "/aws/lambda/f", RevisionID: "0d6b3c5e-4a63-4f5e-9f0a-7c1c8e1f2a3b", Code: lambda.Code{SHA256: strings.Repeat("ab", 32), Size: 1},
			}})
			return err
		})
	}
	if err := work.Wait(); err != nil {
		b.Fatal(err)
	}
	functions := control.New(control.Options{
		Region: "us-east-1", Store: st.Functions(), Packages: &controltest.Packages{}, Layers: controltest.Layers{}, Slots: &controltest.Slots{},
		EnsureRuntime: func(context.Context, *lambda.Config) error { return nil }, Logger: discard,
	})
	g := gateway.New(gateway.Options{Region: "us-east-1", Functions: functions, Verifier: verifier{}, Logger: discard})
	marker := base64.RawURLEncoding.EncodeToString([]byte("function-050000"))
	for name, target := range map[string]string{
		"ListFunctions": fns + "?Marker=" + marker, "GetFunction": fns + "/function-070000",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", target, nil)
				r.Header["Authorization"] = []string{"Test " + mine + " lambda"}
				w := httptest.NewRecorder()
				g.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
