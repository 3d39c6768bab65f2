package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/client"
)

// sequence answers requests with one body after the other, the last one again and again.
type sequence struct {
	bodies []string
	asked  int
}

func (s *sequence) RoundTrip(*http.Request) (*http.Response, error) {
	body := s.bodies[min(s.asked, len(s.bodies)-1)]
	s.asked++
	status := http.StatusOK
	if strings.Contains(body, "__type") {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}, nil
}

func TestWaitActive(t *testing.T) {
	t.Parallel()
	const (
		pending  = `{"FunctionName":"f","State":"Pending"}`
		active   = `{"FunctionName":"f","State":"Active","LastUpdateStatus":"Successful"}`
		updating = `{"FunctionName":"f","State":"Active","LastUpdateStatus":"InProgress"}`
	)
	for _, test := range []struct {
		name   string
		bodies []string
		asked  int    // requests until the end; 0: not checked
		err    string // part of the error; "" means none
	}{
		{"at once", []string{active}, 1, ""},
		{"after a while", []string{pending, pending, pending, active}, 4, ""},
		{"update", []string{updating, active}, 2, ""},
		{"creation fails", []string{pending, `{"FunctionName":"f","State":"Failed","StateReasonCode":"InvalidZipFileException","StateReason":"no"}`}, 2, "InvalidZipFileException: no"},
		{"update fails", []string{`{"FunctionName":"f","State":"Active","LastUpdateStatus":"Failed","LastUpdateStatusReasonCode":"InternalError","LastUpdateStatusReason":"no"}`}, 1, "InternalError: no"},
		{"gone", []string{pending, `{"__type":"ResourceNotFoundException"}`}, 2, "ResourceNotFoundException"},
		{"never", []string{pending}, 0, "still Pending"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &sequence{bodies: test.bodies}
				c, err := client.New(client.Options{HTTPClient: &http.Client{Transport: server}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				f, err := c.WaitActive(ctx, "f")
				switch {
				case test.err == "" && (err != nil || f.State != "Active"):
					t.Errorf("WaitActive = %+v, %v", f, err)
				case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
					t.Errorf("error = %v, want one with %q", err, test.err)
				}
				if test.asked != 0 && server.asked != test.asked {
					t.Errorf("asked %d times, want %d", server.asked, test.asked)
				}
				if test.name == "never" && (!errors.Is(err, context.DeadlineExceeded) || server.asked > 40) {
					t.Errorf("asked %d times in 10 s, then %v", server.asked, err)
				}
			})
		})
	}
}
