package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// MaxHeadBytes bounds request line and headers together, and trailers too. The largest header of the Runtime API, the
// X-Ray cause of an error, has up to 64 KB; an error object of a stream travels base64-encoded in a trailer.
const MaxHeadBytes = 256 << 10

// maxFields bounds the number of headers, and of trailers.
const maxFields = 128

// ErrMalformed is returned for input that is not HTTP/1.1, or exceeds a bound. The connection must be closed.
var ErrMalformed = errors.New("malformed HTTP request")

// Field is one header or trailer.
type Field struct{ Name, Value string }

// Header is a list of fields in the order they came.
type Header []Field

// Get returns the value of the first field of that name in any case, "" if there is none.
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Request is one request. Its body must be read or discarded before the next request of the connection.
type Request struct {
	Method string
	Path   string // without the query, not decoded
	Header Header
	Body   Body
	Close  bool // the client expects the connection to end after the answer
}

// Reader reads the requests of one connection. It is not safe for concurrent use.
type Reader struct {
	br   *bufio.Reader
	w    io.Writer // gets "100 Continue"
	head []byte
}

// NewReader returns a Reader of a connection.
func NewReader(c io.ReadWriter) *Reader {
	return &Reader{br: bufio.NewReaderSize(c, 8<<10), w: c}
}

// Next reads a request up to its body. It returns io.EOF if the client left between two requests, io.ErrUnexpectedEOF
// if it left within one, ErrMalformed, or the connection's error.
func (r *Reader) Next() (*Request, error) {
	head, err := r.readHead(true)
	if err != nil {
		return nil, err
	}
	line, rest, _ := strings.Cut(head, "\n")
	method, line, _ := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
	target, version, _ := strings.Cut(line, " ")
	if !isToken(method) || (version != "HTTP/1.1" && version != "HTTP/1.0") {
		return nil, fmt.Errorf("%w: request line", ErrMalformed)
	}
	req := &Request{Method: method, Path: path(target)}
	if req.Header, err = parseFields(rest); err != nil {
		return nil, err
	}
	req.Close = version == "HTTP/1.0" || strings.EqualFold(req.Header.Get("Connection"), "close")
	return req, r.setBody(req)
}

func (r *Reader) setBody(req *Request) error {
	b := &req.Body
	b.r = r
	length, announced := "", false
	for _, f := range req.Header {
		switch {
		case strings.EqualFold(f.Name, "Content-Length"):
			if announced && f.Value != length {
				return fmt.Errorf("%w: two lengths", ErrMalformed)
			}
			length, announced = f.Value, true
		case strings.EqualFold(f.Name, "Transfer-Encoding"):
			if b.chunked || !strings.EqualFold(f.Value, "chunked") {
				return fmt.Errorf("%w: transfer encoding", ErrMalformed)
			}
			b.chunked = true
		case strings.EqualFold(f.Name, "Expect"):
			b.expect = strings.EqualFold(f.Value, "100-continue")
		}
	}
	switch {
	case b.chunked && announced:
		return fmt.Errorf("%w: chunks and a length", ErrMalformed)
	case announced:
		n, err := strconv.ParseUint(length, 10, 62)
		if err != nil {
			return fmt.Errorf("%w: length", ErrMalformed)
		}
		b.left = int64(n)
	}
	b.ended = !b.chunked && b.left == 0
	return nil
}

// readHead reads lines up to an empty one and returns them without it. A request may follow empty lines.
func (r *Reader) readHead(request bool) (string, error) {
	r.head = r.head[:0]
	line := 0 // where the current line begins
	for read := 0; ; {
		part, err := r.br.ReadSlice('\n')
		if read += len(part); read > MaxHeadBytes {
			return "", fmt.Errorf("%w: more than %d bytes of headers", ErrMalformed, MaxHeadBytes)
		}
		r.head = append(r.head, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (!request || len(r.head) > 0):
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		if s := r.head[line:]; len(s) == 1 || (len(s) == 2 && s[0] == '\r') {
			if r.head = r.head[:line]; request && line == 0 {
				continue
			}
			return string(r.head), nil
		}
		line = len(r.head)
	}
}

func parseFields(lines string) (Header, error) {
	if lines == "" {
		return nil, nil
	}
	n := strings.Count(lines, "\n")
	if n > maxFields {
		return nil, fmt.Errorf("%w: %d fields", ErrMalformed, n)
	}
	h := make(Header, 0, n)
	for line := range strings.Lines(lines) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, found := strings.Cut(line, ":")
		if !found || !isToken(name) {
			return nil, fmt.Errorf("%w: header", ErrMalformed)
		}
		for i := range len(value) {
			if (value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f {
				return nil, fmt.Errorf("%w: control character in a header", ErrMalformed)
			}
		}
		h = append(h, Field{name, strings.Trim(value, " \t")})
	}
	return h, nil
}

// path takes the path out of a request target, which is a path or, from clients that mean a proxy, a whole URL.
func path(target string) string {
	if rest, ok := strings.CutPrefix(target, "http://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			target = rest[i:]
		} else {
			target = "/"
		}
	}
	target, _, _ = strings.Cut(target, "?")
	return target
}

// isToken reports whether s is a token. Source: RFC 9110, section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
