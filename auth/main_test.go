package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/auth"
)

const (
	dateLayout = "20060102T150405Z"

	// The keys of AWS's own examples.
	exampleID     = "AKIDEXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// newVerifier returns a verifier for the example key and one key of another account.
func newVerifier(t testing.TB, services ...string) *auth.Verifier {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	text := "[thaw]\naws_access_key_id = " + exampleID + "\naws_secret_access_key = " + exampleSecret + "\n" +
		"[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = secret\naws_account_id = 111111111111\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := auth.OpenKeys(path, account)
	if err != nil {
		t.Fatal(err)
	}
	return auth.NewVerifier(auth.Options{Keys: keys, Region: "us-east-1", Services: services})
}

// signer is a plain second implementation of the signing rules, from their description.
type signer struct {
	id, secret, region, service, terminator string
	at                                      time.Time
	unsigned                                []string // headers left out, lower case
	payload                                 string   // in place of the body's hash
}

func exampleSigner(at time.Time) signer {
	return signer{id: exampleID, secret: exampleSecret, region: "us-east-1", service: "lambda", terminator: "aws4_request", at: at}
}

func (s signer) scope() string {
	return strings.Join([]string{s.at.UTC().Format("20060102"), s.region, s.service, s.terminator}, "/")
}

// header signs r in the Authorization header, covering all of its headers.
func (s signer) header(r *http.Request, body []byte) {
	r.Header.Set("X-Amz-Date", s.at.UTC().Format(dateLayout))
	names, signature := s.signature(r, body)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.id+"/"+s.scope()+", SignedHeaders="+names+", Signature="+signature)
}

// query signs r in its query.
func (s signer) query(r *http.Request, expires string, body []byte) {
	q := r.URL.Query()
	q.Set("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
	q.Set("X-Amz-Credential", s.id+"/"+s.scope())
	q.Set("X-Amz-Date", s.at.UTC().Format(dateLayout))
	q.Set("X-Amz-Expires", expires)
	q.Set("X-Amz-SignedHeaders", strings.Join(s.names(r), ";"))
	r.URL.RawQuery = q.Encode()
	_, signature := s.signature(r, body)
	q.Set("X-Amz-Signature", signature)
	r.URL.RawQuery = q.Encode()
	r.RequestURI = r.URL.RequestURI()
}

func (s signer) names(r *http.Request) []string {
	names := []string{"host"}
	for name := range r.Header {
		if name = strings.ToLower(name); name != "authorization" {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(s.unsigned, name) })
	slices.Sort(names)
	return names
}

func (s signer) signature(r *http.Request, body []byte) (names, signature string) {
	rawPath, rawQuery, _ := strings.Cut(r.RequestURI, "?")
	if r.URL.RawQuery != "" {
		rawQuery = r.URL.RawQuery
	}
	var parameters []string
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		parameters = append(parameters, encode(decode(name))+"\x00"+encode(decode(value)))
	}
	slices.Sort(parameters) // the separator sorts before all else, so that names count first
	lines := []string{r.Method, strings.ReplaceAll(encode(rawPath), "%2F", "/"), strings.ReplaceAll(strings.Join(parameters, "&"), "\x00", "=")}
	signed := s.names(r)
	for _, name := range signed {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		values = slices.Clone(values)
		for i, v := range values {
			for v = strings.TrimSpace(v); strings.Contains(v, "  "); {
				v = strings.ReplaceAll(v, "  ", " ")
			}
			values[i] = v
		}
		lines = append(lines, name+":"+strings.Join(values, ","))
	}
	names = strings.Join(signed, ";")
	payload := s.payload
	if payload == "" {
		payload = hash(body)
	}
	lines = append(lines, "", names, payload)
	text := strings.Join([]string{"AWS4-HMAC-SHA256", s.at.UTC().Format(dateLayout), s.scope(), hash([]byte(strings.Join(lines, "\n")))}, "\n")
	key := []byte("AWS4" + s.secret)
	for part := range strings.SplitSeq(s.scope(), "/") {
		key = mac(key, part)
	}
	return names, hex.EncodeToString(mac(key, text))
}

func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func decode(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

func hash(b []byte) string {
	digest := sha256.Sum256(b)
	return hex.EncodeToString(digest[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// newRequest is a request as a server receives it.
func newRequest(method, target string, body []byte) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(string(body)))
	r.Host = "127.0.0.1:4580"
	return r
}
