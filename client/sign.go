package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// signer signs requests with AWS Signature Version 4, in the Authorization header.
// Source: AWS IAM user guide, "Create a signed AWS API request".
type signer struct {
	region, accessKey, secretKey string

	// last is the signing key used last. A client works for one service on one day at nearly all times, and deriving
	// a key costs more than the rest of a signature.
	last atomic.Pointer[signingKey]
}

type signingKey struct {
	day, service string
	key          []byte
}

func newSigner(region, accessKey, secretKey string) *signer {
	return &signer{region: region, accessKey: accessKey, secretKey: secretKey}
}

// signing is the part of a request that the signature covers. The host, the date and every header whose name begins
// with X-Amz- are signed, nothing else: proxies may touch the others.
type signing struct {
	service, method, host string
	path                  string // escaped once, see functionPath
	query                 string // encoded and sorted
	header                []header
	body                  []byte
}

// sign adds X-Amz-Date and Authorization to to.
func (s *signer) sign(to http.Header, now time.Time, r signing) {
	date := now.UTC().Format("20060102T150405Z")
	day := date[:8]
	bodyHash := sha256.Sum256(r.body)

	signed := make([]header, 0, 8)
	signed = append(signed, header{"host", r.host}, header{"x-amz-date", date})
	for _, h := range r.header {
		if name := strings.ToLower(h.name); strings.HasPrefix(name, "x-amz-") {
			signed = append(signed, header{name, strings.Join(strings.Fields(h.value), " ")})
		}
	}
	slices.SortFunc(signed, func(a, b header) int { return strings.Compare(a.name, b.name) })

	var b strings.Builder
	for i, h := range signed {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(h.name)
	}
	names := b.String()

	canonical := make([]byte, 0, 512)
	canonical = append(canonical, r.method...)
	canonical = append(canonical, '\n')
	// Every service but S3 wants the path, escaped already, escaped once more. What escape lets through
	// unescaped stays as it is the second time.
	canonical = append(canonical, strings.ReplaceAll(r.path, "%", "%25")...)
	canonical = append(canonical, '\n')
	canonical = append(canonical, r.query...)
	canonical = append(canonical, '\n')
	for _, h := range signed {
		canonical = append(canonical, h.name...)
		canonical = append(canonical, ':')
		canonical = append(canonical, h.value...)
		canonical = append(canonical, '\n')
	}
	canonical = append(canonical, '\n')
	canonical = append(canonical, names...)
	canonical = append(canonical, '\n')
	canonical = hex.AppendEncode(canonical, bodyHash[:])
	requestHash := sha256.Sum256(canonical)

	scope := day + "/" + s.region + "/" + r.service + "/aws4_request"
	toSign := hex.AppendEncode([]byte("AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"), requestHash[:])
	signature := hmacSHA256(s.key(day, r.service), toSign)

	to["X-Amz-Date"] = []string{date}
	to["Authorization"] = []string{"AWS4-HMAC-SHA256 Credential=" + s.accessKey + "/" + scope +
		", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(signature)}
}

// key derives the key for one day and service.
func (s *signer) key(day, service string) []byte {
	if k := s.last.Load(); k != nil && k.day == day && k.service == service {
		return k.key
	}
	key := []byte("AWS4" + s.secretKey)
	for _, part := range []string{day, s.region, service, "aws4_request"} {
		key = hmacSHA256(key, []byte(part))
	}
	s.last.Store(&signingKey{day, service, key})
	return key
}

func hmacSHA256(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}

const upperHex = "0123456789ABCDEF"

// escape encodes everything but RFC 3986's unreserved characters.
func escape(s string) string {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return escapeFrom(s, i)
		}
	}
	return s
}

func escapeFrom(s string, i int) string {
	b := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// functionPath is the path of a function, or of what rest (with its slash) names below it.
func functionPath(function, rest string) string {
	return functionsPath + "/" + escape(function) + rest
}
