package firecracker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// apiSocket is where Firecracker listens, in its jail.
const apiSocket = "run/api.socket"

// Bounds on answers, whose sender is not trusted.
const (
	maxAnswer       = 64 << 10 // bytes
	maxAnswerHeader = 16 << 10 // bytes
	answerPatience  = 30 * time.Second
	savePatience    = 5 * time.Minute // writing 10 GiB of memory takes time
)

// api is Firecracker's HTTP API. Methods may be called concurrently.
type api struct {
	client *http.Client
}

func newAPI(root *os.File) *api {
	return &api{client: &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialInJail(ctx, root, apiSocket)
			},
			DisableCompression:     true,
			DisableKeepAlives:      true, // what is sent without being asked for, nobody hears
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (a *api) put(ctx context.Context, path string, body any) error {
	return a.call(ctx, http.MethodPut, path, body, nil)
}

func (a *api) patch(ctx context.Context, path string, body any) error {
	return a.call(ctx, http.MethodPatch, path, body, nil)
}

// fault is the body of every refusal.
type fault struct {
	Message string `json:"fault_message"`
}

// call makes one request. Firecracker answers 204 where there is nothing to say, 200 with a body, and 400 with a fault.
func (a *api) call(ctx context.Context, method, path string, body, answer any) error {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://firecracker"+path, reader)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return cause(ctx, fmt.Errorf("%s %s: %w", method, path, unwrapURL(err)))
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return cause(ctx, fmt.Errorf("%s %s: %w", method, path, err))
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("%s %s: the answer is longer than %d bytes", method, path, maxAnswer)
	}
	switch {
	case response.StatusCode == http.StatusNoContent && answer == nil:
		return nil
	case response.StatusCode == http.StatusOK && answer != nil:
		if err := json.Unmarshal(b, answer); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		return nil
	}
	var f fault
	if json.Unmarshal(b, &f) != nil || f.Message == "" {
		return fmt.Errorf("%s %s: status %d", method, path, response.StatusCode)
	}
	return fmt.Errorf("%s %s: firecracker refused: %.500q", method, path, f.Message)
}

// unwrapURL takes away the URL that net/http puts around an error; it names no host that exists.
func unwrapURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// How often await looks: the socket's file exists before anybody listens on it, so that an event would not say when.
const (
	firstLook = time.Millisecond
	lastLook  = 10 * time.Millisecond
)

// await waits until Firecracker answers. It returns early when ended is closed.
func (a *api) await(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerPatience, errors.New("firecracker did not answer in time"))
	defer cancel()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		var info instance
		err := a.call(ctx, http.MethodGet, "/", nil, &info)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ended:
			timer.Stop()
			return errEnded
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// errEnded is returned for a machine that is gone.
var errEnded = errors.New("firecracker has ended")
