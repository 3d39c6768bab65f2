package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// PresignGet returns base+path with the signature of accessKeyID (an Identity's, say) for a GET, service lambda, good
// for the time expires (1 s to 7 days, whole seconds). Verify accepts it like any other presigned URL.
//
// base is scheme and authority, "http://127.0.0.1:4580": the host that the caller will send. path is escaped, begins
// with a slash and may end in a query.
func (v *Verifier) PresignGet(caller Identity, base, path string, expires time.Duration) (string, error) {
	s := signature{accessKeyID: caller.AccessKeyID, token: caller.Token, region: v.region, service: "lambda", signedHeaders: "host", presigned: true}
	_, secret, refused := v.find(&s)
	if refused != nil {
		return "", fmt.Errorf("presign with access key %s: %w", caller.AccessKeyID, refused)
	}
	if expires < time.Second || expires > maxExpires {
		return "", fmt.Errorf("presign: %v is not between a second and %v", expires, maxExpires)
	}
	u, err := url.Parse(strings.TrimSuffix(base, "/") + path)
	if err != nil {
		return "", fmt.Errorf("presign: %w", err)
	}
	if u.Host == "" || !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("presign: %s is not a base URL with a path", u.Redacted())
	}
	s.date = time.Now().UTC().Format(dateLayout)
	s.day = s.date[:8]
	scope := strings.Join([]string{s.accessKeyID, s.day, s.region, s.service, terminator}, "/")
	q := append(parseParams(u.RawQuery),
		param{"X-Amz-Algorithm", algorithm},
		param{"X-Amz-Credential", scope},
		param{"X-Amz-Date", s.date},
		param{"X-Amz-Expires", strconv.FormatInt(int64(expires/time.Second), 10)},
		param{"X-Amz-SignedHeaders", s.signedHeaders},
	)
	if s.token != "" {
		q = append(q, param{"X-Amz-Security-Token", s.token})
	}
	empty := sha256.Sum256(nil)
	r := &http.Request{Method: http.MethodGet, Host: u.Host, URL: u}
	canonical, _ := appendCanonical(nil, r, q, &s, hex.EncodeToString(empty[:]))
	signature := s.sign(v.derived.get(signingScope{s.accessKeyID, s.day, s.region, s.service}, secret), canonical)
	u.RawQuery = string(appendParams(nil, q, false)) + "&X-Amz-Signature=" + string(signature)
	return u.String(), nil
}
