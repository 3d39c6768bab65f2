package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrNoServer is returned when no server serves the data directory.
var ErrNoServer = errors.New("no server runs with this data directory")

// maxReportBytes bounds what the client reads of one answer; the report of 10,000 environments has about 3 MB.
const maxReportBytes = 64 << 20

// requestTimeout bounds one request.
const requestTimeout = 10 * time.Second

// Client asks the server of one data directory. It may be used concurrently.
type Client struct {
	dir  string
	http *http.Client
}

// NewClient returns a client; it connects when it is used. The caller closes it.
func NewClient(dataDir string) *Client {
	return &Client{dataDir, &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dialSocket(ctx, dataDir) },
			MaxIdleConns:    1,
			IdleConnTimeout: time.Minute,
		},
	}}
}

// Close drops the connection. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Report returns what the server holds now. Errors: ErrNoServer; fs.ErrPermission if the server runs as another user.
func (c *Client) Report(ctx context.Context) (*Report, error) {
	return ask[Report](ctx, c, http.MethodGet, "/status")
}

// ask makes a request and reads the answer, which must be good, as JSON.
func ask[T any](ctx context.Context, c *Client, method, path string) (*T, error) {
	name, _, _ := strings.Cut(path[1:], "?")
	status, b, err := c.do(ctx, method, path, nil)
	switch {
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, fmt.Errorf("read %s: the server answered %d %s", name, status, http.StatusText(status))
	}
	var answer T
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return &answer, nil
}

// do makes a request and reads the whole answer.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://ops"+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := c.http.Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return 0, nil, fmt.Errorf("%w: %s", ErrNoServer, c.dir)
	case errors.Is(err, fs.ErrPermission):
		return 0, nil, fmt.Errorf("open %s: %w", filepath.Join(c.dir, SocketName), fs.ErrPermission)
	case err != nil:
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxReportBytes+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("read %s: %w", path[1:], err)
	case len(b) > maxReportBytes:
		return 0, nil, fmt.Errorf("read %s: more than %d bytes", path[1:], maxReportBytes)
	}
	return resp.StatusCode, b, nil
}
