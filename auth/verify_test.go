package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/auth"
)

// inBubble runs test at a time of its choice; the bubble's clock stands still but for sleeps.
func inBubble(t *testing.T, at time.Time, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(at))
		test(t)
	})
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const target = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ademo/invocations?Qualifier=%24LATEST&z=&a=1%2B+2"

func TestVerifyAccepts(t *testing.T) {
	body := []byte(`{"key":"value"}`)
	for _, test := range []struct {
		name    string
		service string
		request func() (*http.Request, []byte)
	}{
		{"header", "lambda", func() (*http.Request, []byte) {
			r := newRequest("POST", target, body)
			r.Header.Set("Content-Type", "application/json")
			r.Header["X-Amz-Two"] = []string{" a   b ", "c"}
			exampleSigner(noon).header(r, body)
			return r, body
		}},
		{"body announced", "lambda", func() (*http.Request, []byte) {
			r := newRequest("POST", target, body)
			r.Header.Set("X-Amz-Content-Sha256", hash(body))
			exampleSigner(noon).header(r, body)
			return r, body
		}},
		{"body unsigned", "lambda", func() (*http.Request, []byte) {
			r := newRequest("POST", target, body)
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			s := exampleSigner(noon)
			s.payload = "UNSIGNED-PAYLOAD"
			s.header(r, body)
			return r, []byte("something else")
		}},
		{"no spaces between the parameters", "lambda", func() (*http.Request, []byte) {
			r := newRequest("GET", "/", nil)
			exampleSigner(noon).header(r, nil)
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
			return r, nil
		}},
		{"query", "lambda", func() (*http.Request, []byte) {
			r := newRequest("GET", target, nil)
			exampleSigner(noon.Add(-time.Hour)).query(r, "3600", nil)
			return r, nil
		}},
		{"query, body unsigned", "lambda", func() (*http.Request, []byte) {
			r := newRequest("POST", "/?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", body)
			s := exampleSigner(noon)
			s.payload = "UNSIGNED-PAYLOAD"
			s.query(r, "604800", body)
			return r, body
		}},
		{"oldest", "lambda", func() (*http.Request, []byte) {
			r := newRequest("GET", "/", nil)
			exampleSigner(noon.Add(-5*time.Minute)).header(r, nil)
			return r, nil
		}},
		{"newest", "lambda", func() (*http.Request, []byte) {
			r := newRequest("GET", "/", nil)
			exampleSigner(noon.Add(5*time.Minute)).header(r, nil)
			return r, nil
		}},
		{"sts in the global region", "sts", func() (*http.Request, []byte) {
			r := newRequest("POST", "/", body)
			s := exampleSigner(noon)
			s.service = "sts"
			s.header(r, body)
			return r, body
		}},
		{"Date header", "lambda", func() (*http.Request, []byte) {
			r := newRequest("GET", "/", nil)
			r.Header.Set("Date", noon.Format(http.TimeFormat))
			s := exampleSigner(noon)
			names, signature := s.signature(r, nil)
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.id+"/"+s.scope()+", SignedHeaders="+names+", Signature="+signature)
			return r, nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, noon, func(t *testing.T) {
				r, body := test.request()
				got, err := newVerifier(t).Verify(r, body)
				want := auth.Identity{
					AccountID: account, ARN: "arn:aws:iam::000000000000:root", UserID: account,
					AccessKeyID: exampleID, Service: test.service,
				}
				if err != nil || got != want {
					t.Errorf("Verify = %+v, %v; want %+v", got, err, want)
				}
			})
		})
	}
}

func TestVerifyTellsAccounts(t *testing.T) {
	t.Parallel()
	r := newRequest("GET", "/", nil)
	s := exampleSigner(time.Now())
	s.id, s.secret = "AKIDOTHER", "secret"
	s.header(r, nil)
	got, err := newVerifier(t).Verify(r, nil)
	if err != nil || got.AccountID != "111111111111" || got.ARN != "arn:aws:iam::111111111111:root" {
		t.Errorf("Verify = %+v, %v", got, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	body := []byte(`{"key":"value"}`)
	const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	signed := func(change func(*signer)) func(*http.Request) {
		return func(r *http.Request) {
			s := exampleSigner(noon)
			change(&s)
			s.header(r, body)
		}
	}
	then := func(steps ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, step := range steps {
				step(r)
			}
		}
	}
	sign := signed(func(*signer) {})
	authorization := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			text := strings.Replace(r.Header.Get("Authorization"), old, new, 1)
			if text == r.Header.Get("Authorization") {
				panic("nothing replaced")
			}
			r.Header.Set("Authorization", text)
		}
	}
	presigned := func(at time.Time, expires string) func(*http.Request) {
		return func(r *http.Request) { exampleSigner(at).query(r, expires, body) }
	}
	query := func(change func(url.Values)) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			change(q)
			r.URL.RawQuery = q.Encode()
		}
	}
	for _, test := range []struct {
		name    string
		request func(*http.Request)
		code    string
		message string // the beginning
	}{
		{"unsigned", func(*http.Request) {}, auth.CodeMissingToken, "Missing Authentication Token"},
		{"empty Authorization", func(r *http.Request) { r.Header.Set("Authorization", "") }, auth.CodeIncomplete, ""},
		{"Basic", func(r *http.Request) { r.SetBasicAuth("a", "b") }, auth.CodeIncomplete, ""},
		{"another algorithm", then(sign, authorization("SHA256", "SHA512")), auth.CodeIncomplete, ""},
		{
			"nothing but the algorithm", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }, auth.CodeIncomplete,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
		},
		{"no date", then(sign, func(r *http.Request) { r.Header.Del("X-Amz-Date") }), auth.CodeIncomplete, "Authorization header requires existence of either"},
		{"bad date", then(sign, func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }), auth.CodeIncomplete, "Date must be in ISO-8601"},
		{"signature twice", then(sign, authorization("Signature=", "Signature=0, Signature=")), auth.CodeIncomplete, "Authorization header has more than one 'Signature'"},
		{"header twice", then(sign, func(r *http.Request) { r.Header.Add("Authorization", "AWS4-HMAC-SHA256") }), auth.CodeIncomplete, "There is more than one"},
		{"short credential", then(sign, authorization("/lambda/", "/")), auth.CodeIncomplete, "Credential must have exactly 5"},
		{"long credential", then(sign, authorization("/lambda/", "/lam/bda/")), auth.CodeIncomplete, "Credential must have exactly 5"},
		{"terminator", signed(func(s *signer) { s.terminator = "aws5_request" }), auth.CodeInvalidSignature, "Credential should be scoped with a valid terminator: 'aws4_request'."},
		{"day of the scope", then(sign, authorization("/20260101/", "/20260102/")), auth.CodeInvalidSignature, "Date in Credential scope does not match YYYYMMDD"},
		{"unknown key", signed(func(s *signer) { s.id = "AKIDUNKNOWN" }), auth.CodeUnrecognized, "The security token included in the request is invalid."},
		{"session token", then(func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "t") }, sign), auth.CodeUnrecognized, "The security token included in the request is invalid."},
		{"region", signed(func(s *signer) { s.region = "eu-west-1" }), auth.CodeInvalidSignature, "Credential should be scoped to a valid region, not 'eu-west-1'. "},
		{"service", signed(func(s *signer) { s.service = "s3" }), auth.CodeInvalidSignature, "Credential should be scoped to correct service: 'lambda'. "},
		{
			"too old", signed(func(s *signer) { s.at = noon.Add(-5*time.Minute - time.Second) }), auth.CodeInvalidSignature,
			"Signature expired: 20260101T115459Z is now earlier than 20260101T115500Z (20260101T120000Z - 5 min.)",
		},
		{
			"too new", signed(func(s *signer) { s.at = noon.Add(5*time.Minute + time.Second) }), auth.CodeInvalidSignature,
			"Signature not yet current: 20260101T120501Z is still later than 20260101T120500Z (20260101T120000Z + 5 min.)",
		},
		{"secret", signed(func(s *signer) { s.secret += "x" }), auth.CodeInvalidSignature, mismatch},
		{"signature", then(sign, authorization("Signature=", "Signature=0")), auth.CodeInvalidSignature, mismatch},
		{"method", then(sign, func(r *http.Request) { r.Method = "PUT" }), auth.CodeInvalidSignature, mismatch},
		{"path", then(sign, func(r *http.Request) {
			r.RequestURI += "x"
			r.RequestURI = strings.Replace(r.RequestURI, "demo", "dema", 1)
		}), auth.CodeInvalidSignature, mismatch},
		{"query", then(sign, query(func(q url.Values) { q.Set("Qualifier", "1") })), auth.CodeInvalidSignature, mismatch},
		{"host", then(sign, func(r *http.Request) { r.Host = "localhost:4580" }), auth.CodeInvalidSignature, mismatch},
		{"signed header", then(sign, func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }), auth.CodeInvalidSignature, mismatch},
		{"added value", then(sign, func(r *http.Request) { r.Header.Add("X-Amz-Log-Type", "None") }), auth.CodeInvalidSignature, mismatch},
		{"added header", then(sign, func(r *http.Request) { r.Header.Set("X-Amz-Invocation-Type", "Event") }), auth.CodeInvalidSignature, "'X-Amz-Invocation-Type' must be a 'SignedHeader' in the AWS Authorization."},
		{"host not signed", signed(func(s *signer) { s.unsigned = []string{"host"} }), auth.CodeInvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"date not signed", signed(func(s *signer) { s.unsigned = []string{"x-amz-date"} }), auth.CodeInvalidSignature, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"announced body", then(func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hash([]byte("other"))) }, signed(func(s *signer) { s.payload = hash([]byte("other")) })), auth.CodeInvalidSignature, mismatch},
		{"streaming body", then(func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") }, signed(func(s *signer) { s.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" })), auth.CodeInvalidSignature, mismatch},
		{"unsorted headers", then(sign, authorization("content-type;host", "host;content-type")), auth.CodeInvalidSignature, mismatch},
		{"upper-case headers", then(sign, authorization("content-type", "Content-type")), auth.CodeInvalidSignature, mismatch},
		{"empty header name", then(sign, authorization("content-type;", ";content-type;")), auth.CodeInvalidSignature, mismatch},

		{"presigned, expired", presigned(noon.Add(-61*time.Second), "60"), auth.CodeInvalidSignature, "Signature expired: 20260101T115859Z is now earlier than 20260101T115900Z (20260101T120000Z - 1 min.)"},
		{"presigned, too new", presigned(noon.Add(301*time.Second), "60"), auth.CodeInvalidSignature, "Signature not yet current: "},
		{"presigned, too long", presigned(noon, "604801"), auth.CodeIncomplete, "X-Amz-Expires must be"},
		{"presigned, no time", presigned(noon, "0"), auth.CodeIncomplete, "X-Amz-Expires must be"},
		{"presigned, not a number", presigned(noon, "1e3"), auth.CodeIncomplete, "X-Amz-Expires must be"},
		{"presigned, longer", then(presigned(noon, "60"), query(func(q url.Values) { q.Set("X-Amz-Expires", "61") })), auth.CodeInvalidSignature, mismatch},
		{"presigned, no signature", then(presigned(noon, "60"), query(func(q url.Values) { q.Del("X-Amz-Signature") })), auth.CodeIncomplete, "AWS query-string parameters must include 'X-Amz-Signature'."},
		{"presigned, twice", then(presigned(noon, "60"), query(func(q url.Values) { q.Add("X-Amz-Signature", "0") })), auth.CodeIncomplete, "AWS query-string parameters must include 'X-Amz-Signature' once."},
		{"presigned, another parameter", then(presigned(noon, "60"), query(func(q url.Values) { q.Set("more", "") })), auth.CodeInvalidSignature, mismatch},
		{"presigned, added header", then(presigned(noon, "60"), func(r *http.Request) { r.Header.Set("X-Amz-Log-Result", "Tail") }), auth.CodeInvalidSignature, "'X-Amz-Log-Result' must be a 'SignedHeader'"},
		{"presigned, session token", then(query(func(q url.Values) { q.Set("X-Amz-Security-Token", "t") }), presigned(noon, "60")), auth.CodeUnrecognized, "The security token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, noon, func(t *testing.T) {
				r := newRequest("POST", target, body)
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Amz-Log-Type", "Tail")
				test.request(r)
				identity, err := newVerifier(t).Verify(r, body)
				refused, ok := errors.AsType[*auth.Error](err)
				if !ok {
					t.Fatalf("Verify = %+v, %v; want an *auth.Error", identity, err)
				}
				if identity != (auth.Identity{}) {
					t.Errorf("refused, and yet the identity is %+v", identity)
				}
				if refused.Code != test.code || !strings.HasPrefix(refused.Message, test.message) {
					t.Errorf("error = %v\n want %s: %s", refused, test.code, test.message)
				}
			})
		})
	}
}

// A body other than the signed one is refused even though everything else is right.
func TestVerifyBody(t *testing.T) {
	t.Parallel()
	r := newRequest("POST", target, nil)
	exampleSigner(time.Now()).header(r, []byte("signed"))
	if _, err := newVerifier(t).Verify(r, []byte("received")); err == nil {
		t.Error("a request with another body was accepted")
	}
}

// The signature must fit what a real server makes of a request, which moves Host and Content-Length around.
func TestVerifyBehindServer(t *testing.T) {
	t.Parallel()
	v := newVerifier(t)
	body := "the body"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := v.Verify(r, []byte(body)); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/a%2Fb/c;d/?x=%20y", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.RequestURI = r.URL.RequestURI()
	r.Header.Set("Content-Length", "8")
	exampleSigner(time.Now()).header(r, []byte(body))
	r.RequestURI = ""
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status = %s", resp.Status)
	}
}

func TestPresignGet(t *testing.T) {
	for _, path := range []string{"/code/abc", "/code/a%2Fb%20c", "/code/abc?version=%24LATEST&b=x+y"} {
		inBubble(t, noon, func(t *testing.T) {
			v := newVerifier(t)
			link, err := v.PresignGet(auth.Identity{AccessKeyID: "AKIDOTHER"}, "http://127.0.0.1:4580", path, 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			fetch := func(link string) (auth.Identity, error) {
				r := newRequest("GET", strings.TrimPrefix(link, "http://127.0.0.1:4580"), nil)
				return v.Verify(r, nil)
			}
			if id, err := fetch(link); err != nil || id.AccountID != "111111111111" {
				t.Errorf("Verify(%s) = %+v, %v", link, id, err)
			}
			if _, err := fetch(strings.Replace(link, "/code/a", "/code/b", 1)); err == nil {
				t.Error("the link opens another path")
			}
			time.Sleep(10 * time.Minute)
			if _, err := fetch(link); err != nil {
				t.Errorf("refused in its last second: %v", err)
			}
			time.Sleep(time.Second)
			if _, err := fetch(link); err == nil || !strings.Contains(err.Error(), "Signature expired") {
				t.Errorf("after its time: %v, want Signature expired", err)
			}
		})
	}
}

func TestPresignGetRefuses(t *testing.T) {
	t.Parallel()
	v := newVerifier(t)
	for _, test := range []struct {
		name, key, base, path string
		expires               time.Duration
	}{
		{"unknown key", "AKIDNONE", "http://h", "/p", time.Minute},
		{"no time", exampleID, "http://h", "/p", 0},
		{"too long", exampleID, "http://h", "/p", 8 * 24 * time.Hour},
		{"no host", exampleID, "", "/p", time.Minute},
		{"no path", exampleID, "http://h", "p", time.Minute},
		{"bad path", exampleID, "http://h", "/%zz", time.Minute},
	} {
		if link, err := v.PresignGet(auth.Identity{AccessKeyID: test.key}, test.base, test.path, test.expires); err == nil {
			t.Errorf("%s: %s", test.name, link)
		}
	}
}
