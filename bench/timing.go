package bench

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"thaw.dev/thaw/client"
)

// Phases are the parts of an invocation in milliseconds; zero for those it did not have. The names are the server's.
type Phases struct {
	Place  float64 `json:"place"`  // memory reserved, sandbox up
	Code   float64 `json:"code"`   // the function's code attached
	Init   float64 `json:"init"`   // runtime started, handler loaded
	Invoke float64 `json:"invoke"` // the handler
}

// cold reports whether the invocation waited for a new environment.
func (p Phases) cold() bool { return p.Init > 0 }

// parseTiming reads a Server-Timing header: "place;dur=80.1, code;dur=1.2". Unknown names are left out.
// Source: W3C Server Timing, section 3.
func parseTiming(header string) (Phases, error) {
	var p Phases
	known := map[string]*float64{"place": &p.Place, "code": &p.Code, "init": &p.Init, "invoke": &p.Invoke}
	for metric := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(metric), ";")
		into := known[name]
		text, found := strings.CutPrefix(strings.TrimSpace(parameters), "dur=")
		if into == nil || !found {
			continue
		}
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return Phases{}, fmt.Errorf("timing of phase %s: %w", name, err)
		}
		*into = ms
	}
	return p, nil
}

// timingKey is the context key under which a call wants its answer's Server-Timing header, a *string.
type timingKey struct{}

// timingTransport hands the Server-Timing header to the call it belongs to; the client's results do not carry it.
type timingTransport struct{ http.Transport }

// RoundTrip sends r.
func (t *timingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if to, ok := r.Context().Value(timingKey{}).(*string); ok && err == nil {
		*to = resp.Header.Get("Server-Timing")
	}
	return resp, err
}

// newClient returns a client of the server at endpoint that keeps as many connections as there are clients.
func newClient(dataDir, endpoint string, clients int) (*client.Client, error) {
	o, err := client.FromDataDir(dataDir, endpoint)
	if err != nil {
		return nil, err
	}
	t := &timingTransport{}
	t.MaxIdleConnsPerHost = clients
	t.DisableCompression = true
	o.HTTPClient = &http.Client{Transport: t}
	return client.New(o)
}

// invokeOnce invokes the function under test and returns the phases the server told.
func (s *server) invokeOnce(ctx context.Context) (client.InvokeOutput, Phases, error) {
	var header string
	out, err := s.client.Invoke(context.WithValue(ctx, timingKey{}, &header), client.InvokeInput{Function: functionName, Payload: event})
	if err != nil {
		return out, Phases{}, err
	}
	if out.FunctionError != "" {
		return out, Phases{}, fmt.Errorf("the function failed: %s", out.Payload)
	}
	p, err := parseTiming(header)
	return out, p, err
}
