package http1_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"thaw.dev/thaw/agent/http1"
)

// wire is a connection that has sent everything it will send.
type wire struct {
	io.Reader
	said bytes.Buffer
}

func (w *wire) Write(p []byte) (int, error) { return w.said.Write(p) }

func read(input string) (*http1.Request, *http1.Reader, *wire, error) {
	w := &wire{Reader: strings.NewReader(input)}
	r := http1.NewReader(w)
	req, err := r.Next()
	return req, r, w, err
}

func TestRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in                  string
		method, path, body, trail string // trail is the value of a trailer X
		says                      string // what the reader writes
		closes                    bool
	}{
		{"plain", "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/ping", "", "", "", false},
		{"bare line ends, empty lines before", "\r\n\nGET /ping HTTP/1.1\nHost: a\n\n", "GET", "/ping", "", "", "", false},
		{"query", "GET /ping?a=/b HTTP/1.1\r\n\r\n", "GET", "/ping", "", "", "", false},
		{"whole URL", "GET http://127.0.0.1:9001/ping HTTP/1.1\r\n\r\n", "GET", "/ping", "", "", "", false},
		{"URL without path", "GET http://h HTTP/1.1\r\n\r\n", "GET", "/", "", "", "", false},
		{"HTTP/1.0 closes", "GET /ping HTTP/1.0\r\n\r\n", "GET", "/ping", "", "", "", true},
		{"close", "GET /ping HTTP/1.1\r\nconnection: Close\r\n\r\n", "GET", "/ping", "", "", "", true},
		{"length", "POST /p HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", "POST", "/p", "abc", "", "", false},
		{"same length twice", "POST /p HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "POST", "/p", "abc", "", "", false},
		{"chunks", "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA ;x=y\r\n0123456789\r\n0\r\n\r\n", "POST", "/p", "abc0123456789", "", "", false},
		{"trailers", "POST /p HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX: y \r\n\r\n", "POST", "/p", "a", "y", "", false},
		{"expect", "POST /p HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na", "POST", "/p", "a", "", "HTTP/1.1 100 Continue\r\n\r\n", false},
		{"expect without body", "POST /p HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n", "POST", "/p", "", "", "", false},
		{"long trailer", "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("y", 100_000) + "\r\n\r\n", "POST", "/p", "", strings.Repeat("y", 100_000), "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const after = "GET /after HTTP/1.1\r\n\r\n"
			req, r, w, err := read(tt.in + after)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(&req.Body)
			if err != nil {
				t.Fatal(err)
			}
			if req.Method != tt.method || req.Path != tt.path || string(body) != tt.body || req.Close != tt.closes {
				t.Errorf("got %s %s, body %q, close %v", req.Method, req.Path, body, req.Close)
			}
			if got := req.Body.Trailer.Get("x"); got != tt.trail {
				t.Errorf("trailer %q, want %q", got, tt.trail)
			}
			if got := w.said.String(); got != tt.says {
				t.Errorf("reader wrote %q, want %q", got, tt.says)
			}
			if next, err := r.Next(); err != nil || next.Path != "/after" {
				t.Errorf("next request: %v, %v", next, err)
			}
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     error
	}{
		{"nothing", "", io.EOF},
		{"half a line", "GET /pi", io.ErrUnexpectedEOF},
		{"half of the headers", "GET /ping HTTP/1.1\r\nHost", io.ErrUnexpectedEOF},
		{"no version", "GET /ping\r\n\r\n", http1.ErrMalformed},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", http1.ErrMalformed},
		{"TLS", "\x16\x03\x01\x02\x00\x01\n\n", http1.ErrMalformed},
		{"method", "G(T / HTTP/1.1\r\n\r\n", http1.ErrMalformed},
		{"header without colon", "GET / HTTP/1.1\r\nab\r\n\r\n", http1.ErrMalformed},
		{"space before colon", "GET / HTTP/1.1\r\na : b\r\n\r\n", http1.ErrMalformed},
		{"folded header", "GET / HTTP/1.1\r\na: b\r\n c: d\r\n\r\n", http1.ErrMalformed},
		{"control character", "GET / HTTP/1.1\r\na: b\x00\r\n\r\n", http1.ErrMalformed},
		{"negative length", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", http1.ErrMalformed},
		{"signed length", "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na", http1.ErrMalformed},
		{"huge length", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", http1.ErrMalformed},
		{"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", http1.ErrMalformed},
		{"chunks and length", "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", http1.ErrMalformed},
		{"gzip", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", http1.ErrMalformed},
		{"long header", "GET / HTTP/1.1\r\na: " + strings.Repeat("b", http1.MaxHeadBytes) + "\r\n\r\n", http1.ErrMalformed},
		{"many headers", "GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 200) + "\r\n", http1.ErrMalformed},
		{"endless empty lines", strings.Repeat("\r\n", http1.MaxHeadBytes), http1.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, _, _, err := read(tt.in); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	const chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	tests := []struct {
		name, in string
		want     error
	}{
		{"short", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", io.ErrUnexpectedEOF},
		{"no chunk", chunked, io.ErrUnexpectedEOF},
		{"half a chunk", chunked + "5\r\nab", io.ErrUnexpectedEOF},
		{"chunk without end", chunked + "2\r\nab", io.ErrUnexpectedEOF},
		{"no last chunk", chunked + "2\r\nab\r\n", io.ErrUnexpectedEOF},
		{"no end of trailers", chunked + "0\r\n", io.ErrUnexpectedEOF},
		{"chunk size", chunked + "x\r\n", http1.ErrMalformed},
		{"negative chunk", chunked + "-1\r\n", http1.ErrMalformed},
		{"huge chunk", chunked + "ffffffffffffffffff\r\n", http1.ErrMalformed},
		{"chunk too long", chunked + "1\r\nab\r\n0\r\n\r\n", http1.ErrMalformed},
		{"long extension", chunked + "1;" + strings.Repeat("x", 10_000) + "\r\na\r\n0\r\n\r\n", http1.ErrMalformed},
		{"bad trailer", chunked + "0\r\nab\r\n\r\n", http1.ErrMalformed},
		{"long trailer", chunked + "0\r\na: " + strings.Repeat("b", http1.MaxHeadBytes) + "\r\n\r\n", http1.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, _, _, err := read(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(&req.Body); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if _, err := req.Body.Read(make([]byte, 1)); !errors.Is(err, tt.want) {
				t.Errorf("second read got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestDiscardIsBounded(t *testing.T) {
	t.Parallel()
	req, _, _, err := read("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789")
	if err != nil {
		t.Fatal(err)
	}
	if err := req.Body.Discard(9); !errors.Is(err, http1.ErrMalformed) {
		t.Errorf("dropping 10 bytes of 9 allowed: %v", err)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 2, 100_000} {
		body := bytes.Repeat([]byte("b"), size)
		server, client := net.Pipe()
		go func() {
			a := http1.Answer{Status: 200, Fields: []http1.Field{{Name: "A", Value: "b\r\nc: d"}}, Body: body}
			if err := a.Write(server, true); err != nil {
				t.Error(err)
			}
			_ = server.Close()
		}()
		got, err := io.ReadAll(client)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(string(got), "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\nA: b  c: d\r\nConnection: close\r\nContent-Length: ") || rest != string(body) {
			t.Errorf("size %d: got %q and %d bytes", size, head, len(rest))
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n"))
	f.Add([]byte("POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nX: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := http1.NewReader(&wire{Reader: bytes.NewReader(in)})
		for {
			req, err := r.Next()
			if err != nil {
				return
			}
			if req.Method == "" || strings.ContainsAny(req.Method+req.Path, " \n") {
				t.Fatalf("method %q, path %q", req.Method, req.Path)
			}
			announced := req.Body.Announced()
			n, err := io.Copy(io.Discard, &req.Body)
			if n > int64(len(in)) {
				t.Fatalf("%d bytes of body from %d bytes", n, len(in))
			}
			if err != nil {
				return
			}
			if announced != 0 && n != announced {
				t.Fatalf("announced %d bytes, read %d without an error", announced, n)
			}
		}
	})
}
