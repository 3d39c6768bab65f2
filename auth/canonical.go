package auth

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The canonical request, as AWS Signature Version 4 defines it for every service but S3.
// Source: AWS IAM user guide, "Create a canonical request".

// params are the parameters of a query, decoded, in the order received.
type params []param

type param struct{ name, value string }

func parseParams(raw string) params {
	if raw == "" {
		return nil
	}
	q := make(params, 0, strings.Count(raw, "&")+1)
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		q = append(q, param{unescape(name), unescape(value)})
	}
	return q
}

// get returns the first parameter of that name.
func (q params) get(name string) (string, bool) {
	for i := range q {
		if q[i].name == name {
			return q[i].value, true
		}
	}
	return "", false
}

func (q params) count(name string) (n int) {
	for i := range q {
		if q[i].name == name {
			n++
		}
	}
	return n
}

// appendCanonical appends the canonical request of r to b. The body enters by its hash, which is hexadecimal or a
// word such as UNSIGNED-PAYLOAD. It returns false if the list of signed headers is not one that a signer makes.
func appendCanonical(b []byte, r *http.Request, q params, s *signature, payloadHash string) ([]byte, bool) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendPath(b, receivedPath(r))
	b = append(b, '\n')
	b = appendParams(b, q, s.presigned)
	b = append(b, '\n')
	b, ok := appendHeaders(b, r, s.signedHeaders)
	b = append(b, '\n')
	b = append(b, s.signedHeaders...)
	b = append(b, '\n')
	b = append(b, payloadHash...)
	return b, ok
}

// receivedPath is the path as it came over the wire; URL.EscapedPath is not where the client left out escapes.
func receivedPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		p, _, _ := strings.Cut(r.RequestURI, "?")
		return p
	}
	return r.URL.EscapedPath()
}

// appendPath appends the path as received, dot segments and empty segments removed, each byte escaped once more.
func appendPath(b []byte, p string) []byte {
	if strings.Contains(p, "//") || strings.Contains(p, "/.") {
		slash := strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")
		if p = path.Clean(p); slash && p != "/" {
			p += "/"
		}
	}
	if p == "" {
		return append(b, '/')
	}
	for i := range len(p) {
		if c := p[i]; c == '/' || unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appendParams appends all parameters escaped and sorted; of a presigned request all but the signature.
func appendParams(b []byte, q params, presigned bool) []byte {
	if len(q) == 0 {
		return b
	}
	sorted := make(params, 0, len(q))
	for _, p := range q {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		sorted = append(sorted, param{string(appendEscaped(nil, p.name)), string(appendEscaped(nil, p.value))})
	}
	slices.SortFunc(sorted, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range sorted {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

// appendHeaders appends the signed headers' lines. It returns false unless their names are sorted, lower case, unique
// and not too many.
func appendHeaders(b []byte, r *http.Request, names string) ([]byte, bool) {
	last := ""
	for i := 0; names != ""; i++ {
		var name string
		name, names, _ = strings.Cut(names, ";")
		if i == maxSignedHeaders || name <= last || !token(name) {
			return b, false
		}
		last = name
		b = append(b, name...)
		b = append(b, ':')
		switch name {
		case "host": // the server moves it out of the header
			b = append(b, r.Host...)
		case "content-length":
			if r.ContentLength >= 0 {
				b = strconv.AppendInt(b, r.ContentLength, 10)
			}
		default:
			for i, value := range r.Header[http.CanonicalHeaderKey(name)] {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendTrimmed(b, value)
			}
		}
		b = append(b, '\n')
	}
	return b, true
}

// token reports whether s is a header name in lower case.
func token(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c >= 'A' && c <= 'Z' || c == ':' {
			return false
		}
	}
	return s != ""
}

// appendTrimmed appends a header value without outer spaces and with every run of spaces made one.
func appendTrimmed(b []byte, s string) []byte {
	s = strings.Trim(s, " \t")
	for i := range len(s) {
		if s[i] == ' ' && s[i-1] == ' ' {
			continue
		}
		b = append(b, s[i])
	}
	return b
}

const upperHex = "0123456789ABCDEF"

func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// unescape decodes a name or value of a query. A percent sign that escapes nothing stands for itself.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			c = byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2]))
			i += 2
		}
		b = append(b, c)
	}
	return string(b)
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unreserved are the characters that are never escaped. Source: RFC 3986, section 2.3.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
