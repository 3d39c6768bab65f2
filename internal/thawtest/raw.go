package thawtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
)

// Answer is what the server sent.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Decode decodes the body, which must be JSON and come with the status want.
func (a Answer) Decode(t testing.TB, want int, into any) {
	t.Helper()
	if a.Status != want {
		t.Fatalf("status %d, want %d: %.300s", a.Status, want, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		t.Fatalf("%v: %.300s", err, a.Body)
	}
}

// Do sends a signed request as it is, for tests of paths, headers and bodies. target is the path, escaped, and the query,
// escaped and sorted; header has lines of the form "Name: value".
func (s *Server) Do(t testing.TB, method, target, body string, header ...string) Answer {
	t.Helper()
	o := s.options
	o.Endpoint = s.Endpoint()
	return Caller{o}.Do(t, "lambda", method, target, body, header...)
}

// Caller sends requests as they are, signed with one access key.
type Caller struct{ client.Options }

// Do is Server.Do for any service's API. A header Host names another host than the endpoint's.
func (c Caller) Do(t testing.TB, service, method, target, body string, header ...string) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	set(r, header)
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	sign(r, c.Options, service, target, body)
	return exchange(t, r)
}

// Visit sends an unsigned request to the URL of a function. rest is the path and the query.
func (s *Server) Visit(t testing.TB, functionURL, method, rest, body string, header ...string) Answer {
	t.Helper()
	r := s.visitor(t, functionURL, method, rest, body)
	set(r, header)
	return exchange(t, r)
}

// visitor is a request to the URL of a function, whose host name need not resolve.
func (s *Server) visitor(t testing.TB, functionURL, method, rest, body string) *http.Request {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(functionURL, "http://"), "/")
	r, err := http.NewRequestWithContext(t.Context(), method, s.Endpoint()+rest, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	return r
}

// VisitStream is Visit for answers that come in parts. The caller closes the body.
func (s *Server) VisitStream(t testing.TB, functionURL string) *http.Response {
	t.Helper()
	resp, err := raw().Do(s.visitor(t, functionURL, http.MethodGet, "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func raw() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
}

// set sets the headers of a request.
func set(r *http.Request, header []string) {
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
}

func exchange(t testing.TB, r *http.Request) Answer {
	t.Helper()
	resp, err := raw().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{resp.StatusCode, resp.Header, string(bytes.TrimSuffix(b, []byte("\n")))}
}

// escapeAgain escapes what a path in targets may have beside letters, digits, slashes, hyphens, underscores and dots.
var escapeAgain = strings.NewReplacer("%", "%25", ":", "%3A", "$", "%24")

// sign signs a request for the API of a service. Source: AWS IAM user guide, "Create a signed AWS API request".
func sign(r *http.Request, o client.Options, service, target, body string) {
	path, query, _ := strings.Cut(target, "?")
	date := time.Now().UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", date)
	region := o.Region
	if region == "" {
		region = client.DefaultRegion
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	signed := []string{"host"}
	lines := []string{"host:" + r.Host}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			signed = append(signed, name)
			lines = append(lines, name+":"+r.Header.Get(name))
		}
	}
	names := strings.Join(signed, ";")
	canonical := strings.Join([]string{r.Method, escapeAgain.Replace(path), query, strings.Join(lines, "\n"), "", names, hash(body)}, "\n")
	scope := []string{date[:8], region, service, "aws4_request"}
	key := []byte("AWS4" + o.SecretKey)
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	for _, part := range scope {
		key = mac(part)
	}
	signature := mac(strings.Join([]string{"AWS4-HMAC-SHA256", date, strings.Join(scope, "/"), hash(canonical)}, "\n"))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		o.AccessKey, strings.Join(scope, "/"), names, signature))
}
