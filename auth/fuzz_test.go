package auth_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/auth"
)

// FuzzVerify sends whole requests off the network. The key's secret is random, so nobody can have signed them: all
// must be refused, in the promised form.
func FuzzVerify(f *testing.F) {
	path := filepath.Join(f.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("[thaw]\naws_access_key_id=AKID\naws_secret_access_key="+rand.Text()+"\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	keys, err := auth.OpenKeys(path, account)
	if err != nil {
		f.Fatal(err)
	}
	v := auth.NewVerifier(auth.Options{Keys: keys, Region: "us-east-1"})
	f.Fuzz(func(t *testing.T, wire []byte) {
		// The corpus cannot follow the clock: NOW and DATE stand for the time and its day.
		now := time.Now().UTC().Format(dateLayout)
		wire = bytes.ReplaceAll(bytes.ReplaceAll(wire, []byte("NOW"), []byte(now)), []byte("DATE"), []byte(now[:8]))
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		id, err := v.Verify(r, wire)
		if refused, ok := errors.AsType[*auth.Error](err); !ok || refused.Code == "" || refused.Message == "" || id != (auth.Identity{}) {
			t.Fatalf("Verify = %+v, %v", id, err)
		}
	})
}

// FuzzSigned signs requests with the tests' own signer: true signatures pass, and none passes with another body,
// another path or another header.
func FuzzSigned(f *testing.F) {
	v := newVerifier(f)
	f.Fuzz(func(t *testing.T, method, path, query, value string, body []byte) {
		wire := method + " " + path + "?" + query + " HTTP/1.1\r\nHost: h\r\nX-Amz-Meta: " + value + "\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil || !strings.HasPrefix(r.RequestURI, "/") || len(r.Header) != 1 || r.Header.Get("X-Amz-Date") != "" {
			return
		}
		if strings.Contains(path, "//") || strings.Contains(path, "/.") || r.URL.Query().Has("X-Amz-Algorithm") {
			return // the tests' signer does not normalise
		}
		for part := range strings.SplitSeq(query, "&") { // nor does it know lone percent signs the way servers do
			if name, value, _ := strings.Cut(part, "="); badEscape(name) || badEscape(value) {
				return
			}
		}
		for _, c := range r.Header.Get("X-Amz-Meta") {
			if c == '\t' || c > '~' {
				return
			}
		}
		exampleSigner(time.Now()).header(r, body)
		if _, err := v.Verify(r, body); err != nil {
			t.Fatalf("true signature refused: %v", err)
		}
		if _, err := v.Verify(r, append(bytes.Clone(body), 'x')); err == nil {
			t.Fatal("accepted with another body")
		}
		r.RequestURI = "/x" + r.RequestURI
		if _, err := v.Verify(r, body); err == nil {
			t.Fatal("accepted with another path")
		}
		r.RequestURI = r.RequestURI[2:]
		r.Header["X-Amz-Meta"] = append(r.Header["X-Amz-Meta"], "more")
		if _, err := v.Verify(r, body); err == nil {
			t.Fatal("accepted with another header value")
		}
	})
}

func badEscape(s string) bool { return decode(s) == s && strings.ContainsAny(s, "%") }
