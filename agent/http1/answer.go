package http1

import (
	"net"
	"strconv"
)

// Answer is a complete answer with a body of known length.
type Answer struct {
	Status int // 200, …; 0: no answer
	Fields []Field
	Body   []byte
}

// copyBelow is the size up to which a body is copied behind its head to be sent in one piece.
const copyBelow = 32 << 10

// Write sends the answer; last tells the client that the connection ends with it. Line ends and control characters
// in field values are sent as spaces.
func (a *Answer) Write(c net.Conn, last bool) error {
	b := make([]byte, 0, 512+min(len(a.Body), copyBelow))
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	b = append(b, ' ')
	b = append(b, reasons[a.Status]...)
	b = append(b, "\r\n"...)
	for _, f := range a.Fields {
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = appendValue(b, f.Value)
		b = append(b, "\r\n"...)
	}
	if last {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(a.Body)), 10)
	b = append(b, "\r\n\r\n"...)
	if len(a.Body) <= copyBelow {
		_, err := c.Write(append(b, a.Body...))
		return err
	}
	parts := net.Buffers{b, a.Body}
	_, err := parts.WriteTo(c)
	return err
}

func appendValue(b []byte, v string) []byte {
	for i := range len(v) {
		ch := v[i]
		if ch < ' ' || ch == 0x7f {
			ch = ' '
		}
		b = append(b, ch)
	}
	return b
}

var reasons = map[int]string{
	200: "OK",
	202: "Accepted",
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	413: "Request Entity Too Large",
	500: "Internal Server Error",
}
