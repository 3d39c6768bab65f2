package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/client"
)

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

// newClient returns a client of the server at endpoint that keeps a connection for each request of the widest burst.
func newClient(dataDir, endpoint string) (*client.Client, error) {
	o, err := client.FromDataDir(dataDir, endpoint)
	if err != nil {
		return nil, err
	}
	t := &timingTransport{}
	t.MaxIdleConnsPerHost = maxEnvironments
	t.DisableCompression = true
	o.HTTPClient = &http.Client{Transport: t}
	return client.New(o)
}

// target is what an invocation calls.
type target struct {
	function  string
	qualifier string // "" is the latest code
}

// invoke invokes a hello function and returns how long that took and what the server told about it. An answer that is
// not the greeting is an error.
func (d *server) invoke(ctx context.Context, to target) (time.Duration, timing, error) {
	var header string
	begin := time.Now()
	out, err := d.client.Invoke(context.WithValue(ctx, timingKey{}, &header),
		client.InvokeInput{Function: to.function, Qualifier: to.qualifier, Payload: event})
	took := time.Since(begin)
	switch {
	case err != nil:
		return 0, timing{}, fmt.Errorf("invoke %s: %w", to.function, err)
	case out.FunctionError != "":
		return 0, timing{}, fmt.Errorf("function %s failed: %.500s", to.function, out.Payload)
	case !d.fake && !bytes.Contains(out.Payload, greeting):
		return 0, timing{}, fmt.Errorf("function %s answers %.100q", to.function, out.Payload)
	}
	t, err := parseTiming(header)
	return took, t, err
}

// rate lets clients invoke n times in all, each one invocation after the other, and returns how many there were per
// second.
func (d *server) rate(ctx context.Context, to target, clients, n int) (float64, error) {
	g, ctx := errgroup.WithContext(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	begin := time.Now()
	for range clients {
		g.Go(func() error {
			for left.Add(-1) >= 0 {
				if _, _, err := d.invoke(ctx, to); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
