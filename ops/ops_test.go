package ops_test

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/ops"
	"thaw.dev/thaw/pool"
)

var held = pool.Status{
	Engine: "fake", BudgetBytes: 7,
	Environments: []pool.EnvironmentStatus{{ID: "e1", Function: "hello", State: pool.StateBusy}},
}

func options(dir string) ops.Options {
	m := metrics.New()
	m.Event(pool.Event{Kind: pool.EventHit})
	m.Event(pool.Event{Kind: pool.EventColdStart, Source: pool.SourceHot})
	return ops.Options{
		DataDir: dir, Metrics: m, Status: func() pool.Status { return held }, Logger: slog.New(slog.DiscardHandler),
	}
}

func open(t *testing.T, o ops.Options) *ops.Server {
	t.Helper()
	s, err := ops.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func client(t *testing.T, dir string) *ops.Client {
	t.Helper()
	c := ops.NewClient(dir)
	t.Cleanup(c.Close)
	return c
}

func TestReportOverTheSocket(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"short": t.TempDir(),
		"long":  filepath.Join(t.TempDir(), strings.Repeat("d", 200)), // beyond what a socket's address may have
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			s := open(t, options(dir))
			r, err := client(t, dir).Report(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Pool.BudgetBytes != 7 || len(r.Pool.Environments) != 1 || r.Totals.Hits != 1 || r.Process.Goroutines == 0 ||
				len(r.ColdStarts) != 1 || r.ColdStarts[0].Source != pool.SourceHot {
				t.Errorf("got %+v", r)
			}
			if s.Addr() != "" {
				t.Errorf("listens at %s without having been asked", s.Addr())
			}
		})
	}
}

func TestSocketIsPrivateAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, options(dir))
	info, err := os.Stat(filepath.Join(dir, ops.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestOpenReplacesWhatAKilledServerLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".ops", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, ops.SocketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, dir).Report(t.Context()); !errors.Is(err, ops.ErrNoServer) {
		t.Errorf("a socket nobody listens at: %v", err)
	}
	open(t, options(dir))
	if _, err := client(t, dir).Report(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	inTheWay := t.TempDir()
	if err := os.WriteFile(filepath.Join(inTheWay, ops.SocketName), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	badAddress := options(t.TempDir())
	badAddress.Listen = "nowhere"
	for want, o := range map[string]ops.Options{
		"is in the way":      options(inTheWay),
		"no such file":       options("/nonexistent/thaw"),
		"operator's address": badAddress,
	} {
		s, err := ops.Open(o)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(badAddress.DataDir, ops.SocketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays after a failure: %v", err)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	o := options(t.TempDir())
	o.Listen = "127.0.0.1:0"
	s := open(t, o)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, want := range []struct {
		method, path string
		status       int
		contentType  string
		body         string
	}{
		{"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "\nthaw_hits_total 1\n"},
		{"GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", `thaw_environments{state="busy",provisioned="false"} 1`},
		{"GET", "/status", 200, "application/json", `"function":"hello"`},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "ok\n"},
		{"HEAD", "/healthz", 200, "text/plain; charset=utf-8", ""},
		{"POST", "/metrics", 405, "", ""},
		{"GET", "/", 404, "", ""},
		{"GET", "/metrics/../../etc/passwd", 404, "", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), want.method, "http://"+s.Addr()+want.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != want.status || !strings.Contains(string(body), want.body) {
			t.Errorf("%s %s: %d, %v", want.method, want.path, resp.StatusCode, err)
		}
		if got := resp.Header.Get("Content-Type"); want.contentType != "" && got != want.contentType {
			t.Errorf("%s %s: content type %q", want.method, want.path, got)
		}
	}
}

func TestReportErrors(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), "/nonexistent/thaw"} {
		if _, err := client(t, dir).Report(t.Context()); !errors.Is(err, ops.ErrNoServer) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got %v", dir, err)
		}
	}
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"po":               "read status: unexpected EOF",
		"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n": "500",
		"SSH-2.0-OpenSSH\r\n": "malformed",
	} {
		dir := t.TempDir()
		l, err := net.Listen("unix", filepath.Join(dir, ops.SocketName))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}()
		if _, err := client(t, dir).Report(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", answer, err)
		}
		_ = l.Close()
		<-done
	}
}
