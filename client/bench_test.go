package client_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
)

// echo answers without a network.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Body.Close()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: 2, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// BenchmarkInvoke is what the client itself adds to an invocation.
func BenchmarkInvoke(b *testing.B) {
	c, err := client.New(client.Options{AccessKey: "A", SecretKey: "s", HTTPClient: &http.Client{Transport: echo{}}})
	if err != nil {
		b.Fatal(err)
	}
	in := client.InvokeInput{Function: "hello", Payload: []byte(`{"key":"value"}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Invoke(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
