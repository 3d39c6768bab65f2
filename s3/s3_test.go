package s3_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/s3"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// double is a store that answers with its handler, and counts requests.
type double struct {
	*httptest.Server
	requests atomic.Int32
}

func newDouble(t *testing.T, answer http.HandlerFunc) *double {
	t.Helper()
	d := &double{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		answer(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func newClient(t *testing.T, o s3.Options) *s3.Client {
	t.Helper()
	o.Region = "us-east-1"
	c, err := s3.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// refusal is an error as S3 writes it.
func refusal(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>1</RequestId></Error>`, code, message)
	}
}

func wantError(t *testing.T, err error, kind lambda.Kind, text string) {
	t.Helper()
	if err == nil || lambda.KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want kind %d with %q", err, kind, text)
	}
}

// Requests are signed with the file's credentials, and so that a verifier of the AWS signature agrees.
func TestGetSigned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := auth.OpenKeys(filepath.Join(dir, "keys"), "000000000000")
	if err != nil {
		t.Fatal(err)
	}
	verifier := auth.NewVerifier(auth.Options{Keys: keys, Region: "us-east-1", Services: []string{"s3"}})
	content := "PK what the object has"
	store := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := verifier.Verify(r, nil); err != nil {
			refusal(403, "SignatureDoesNotMatch", err.Error())(w, r)
			return
		}
		if r.Method != "GET" || r.URL.Path != "/my-bucket/dir/code.zip" {
			refusal(404, "NoSuchKey", "The specified key does not exist.")(w, r)
			return
		}
		sum := md5.Sum([]byte(content))
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		if v := r.URL.Query().Get("versionId"); v != "" {
			fmt.Fprint(w, "PK version ", v)
			return
		}
		fmt.Fprint(w, content)
	})
	credentials := filepath.Join(dir, "credentials")
	write := func(id, secret string) {
		t.Helper()
		text := "# shared\n[other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=x\n\n[default]\naws_access_key_id = " + id + "\naws_secret_access_key = " + secret + "\nregion = eu-west-1\n"
		if err := os.WriteFile(credentials, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := keys.Default()
	write(key.AccessKeyID, key.SecretAccessKey)
	c := newClient(t, s3.Options{Endpoint: store.URL, Credentials: credentials})
	got, err := c.Get(t.Context(), "my-bucket", "dir/code.zip", "")
	if err != nil || string(got) != content {
		t.Fatalf("got %q (%v)", got, err)
	}
	_, err = c.Get(t.Context(), "my-bucket", "none.zip", "")
	wantError(t, err, lambda.KindInvalid, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")

	write("AKIAANOTHER", "another secret") // replaced while the client lives
	_, err = c.Get(t.Context(), "my-bucket", "dir/code.zip", "")
	wantError(t, err, lambda.KindInvalid, "S3 Error Code: SignatureDoesNotMatch.")
}

// Without credentials nothing is signed, whatever the environment has.
func TestGetAnonymous(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
	store := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || strings.Contains(r.URL.RawQuery, "X-Amz-") {
			t.Errorf("signed: %v %s", r.Header, r.URL)
		}
		fmt.Fprintf(w, "%s version %s", r.URL.Path, r.URL.Query().Get("versionId"))
	})
	c := newClient(t, s3.Options{Endpoint: store.URL + "/"})
	got, err := c.Get(t.Context(), "bucket.with.dots", "a b/ü.zip", "v 1")
	if err != nil || string(got) != "/bucket.with.dots/a b/ü.zip version v 1" {
		t.Errorf("got %q (%v)", got, err)
	}
}

func TestGetRefused(t *testing.T) {
	t.Parallel()
	elsewhere := newDouble(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "PK other host") })
	long := strings.Repeat("x", 1001)
	for name, test := range map[string]struct {
		answer   http.HandlerFunc
		kind     lambda.Kind
		text     string
		requests int32
	}{
		"no bucket": {refusal(404, "NoSuchBucket", "The specified bucket does not exist"), lambda.KindInvalid,
			"Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist", 1},
		"no access": {refusal(403, "AccessDenied", "Access Denied"), lambda.KindDenied,
			"Your access has been denied by S3, please make sure your request credentials have permission to GetObject for bucket/key. S3 Error Code: AccessDenied. S3 Error Message: Access Denied", 1},
		"busy":     {refusal(503, "SlowDown", "Please reduce your request rate."), lambda.KindInvalid, "S3 Error Code: SlowDown.", 3},
		"too long": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long) }, lambda.KindInvalid, "Zipped size must be smaller than 1000 bytes", 1},
		"too long and unannounced": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			fmt.Fprint(w, long)
		}, lambda.KindInvalid, "Zipped size must be smaller than 1000 bytes", 1},
		"breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "900")
			fmt.Fprint(w, "PK")
		}, lambda.KindInternal, "unexpected EOF", 1},
		"other content": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"00000000000000000000000000000000"`)
			fmt.Fprint(w, "PK")
		}, lambda.KindInvalid, "S3 Error Code: BadDigest.", 1},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}, lambda.KindInvalid, "Error occurred while GetObject.", 1},
		"never answers": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, lambda.KindInvalid, "The object could not be read in time.", 1},
		"never ends": {func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, lambda.KindInvalid, "The object could not be read in time.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newDouble(t, test.answer)
			o := s3.Options{Endpoint: store.URL, MaxBytes: 1000}
			if strings.HasPrefix(name, "never") {
				o.Timeout = 300 * time.Millisecond
			}
			got, err := newClient(t, o).Get(t.Context(), "bucket", "key", "")
			wantError(t, err, test.kind, test.text)
			if got != nil || store.requests.Load() != test.requests {
				t.Errorf("%d requests, got %q", store.requests.Load(), got)
			}
		})
	}
	t.Cleanup(func() {
		if n := elsewhere.requests.Load(); n != 0 {
			t.Errorf("%d requests followed a redirect", n)
		}
	})
}

// An ETag that is no MD5 of the content is not compared with one.
func TestGetWithOtherETag(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{
		{"Etag": {`"00000000000000000000000000000000-2"`}},
		{"Etag": {`"00000000000000000000000000000000"`}, "X-Amz-Server-Side-Encryption": {"aws:kms"}},
		{"Etag": {`"0000000000000000000000000000000g"`}},
	} {
		store := newDouble(t, func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			_, _ = io.WriteString(w, "PK")
		})
		if got, err := newClient(t, s3.Options{Endpoint: store.URL}).Get(t.Context(), "bucket", "key", ""); err != nil || string(got) != "PK" {
			t.Errorf("%v: got %q (%v)", header, got, err)
		}
	}
}

func TestBucketIsNeverAHost(t *testing.T) {
	t.Parallel()
	store := newDouble(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "PK") })
	c := newClient(t, s3.Options{Endpoint: store.URL})
	for _, bucket := range []string{"", "ab", "a/b", "a@b", "host:80", "arn:aws:s3:us-east-1:123456789012:accesspoint/x", "a?b", "end.", strings.Repeat("x", 64)} {
		_, err := c.Get(t.Context(), bucket, "key", "")
		wantError(t, err, lambda.KindInvalid, "S3 Error Code: InvalidBucketName.")
	}
	for _, bucket := range []string{"mrap.alias", "data--usw2-az1--x-s3", "x-s3alias"} {
		if _, err := c.Get(t.Context(), bucket, "key", ""); err != nil {
			t.Errorf("%s: %v", bucket, err)
		}
	}
	if n := store.requests.Load(); n != 3 {
		t.Errorf("%d requests reached the endpoint", n)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "host:9000", "ftp://host", "http://", "http://host/path", "http://host?x=y", "http://user@host"} {
		if _, err := s3.New(s3.Options{Endpoint: endpoint, Region: "us-east-1"}); err == nil || !strings.Contains(err.Error(), "S3 endpoint") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	for text, want := range map[string]string{
		"":                        "has no aws_access_key_id",
		"[default]\n":             "has no aws_access_key_id",
		"aws_access_key_id = x\n": "is no file of credentials",
		"[default]\nnonsense\n":   "is no file of credentials",
		"[other]\naws_access_key_id=x\naws_secret_access_key=y\n": "has no aws_access_key_id",
	} {
		name := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s3.New(s3.Options{Endpoint: "http://host", Region: "us-east-1", Credentials: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := s3.New(s3.Options{Endpoint: "http://host", Region: "us-east-1", Credentials: "/nowhere"}); err == nil {
		t.Error("a file that is not there passes")
	}
}
