package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// received is a request as the server got it, after its signature was found to be right.
type received struct {
	method, uri string
	header      http.Header
	body        string
	service     string // the one it was signed for
}

// answer is what the server says.
type answer struct {
	status int // 0 means 200
	header http.Header
	body   string
}

// serve starts a server that verifies signatures like a real one, calls answer, and a client of it. A request that is
// not signed is answered as well, with an empty service.
func serve(t testing.TB, reply func(received) answer) *client.Client {
	t.Helper()
	keys, err := auth.OpenKeys(filepath.Join(t.TempDir(), "credentials"), "000000000000")
	if err != nil {
		t.Fatal(err)
	}
	verifier := auth.NewVerifier(auth.Options{Keys: keys, Region: "eu-central-1"})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var caller auth.Identity
		if r.Header.Get("Authorization") != "" {
			if caller, err = verifier.Verify(r, body); err != nil {
				t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
			}
		}
		a := reply(received{r.Method, r.RequestURI, r.Header, string(body), caller.Service})
		for name, values := range a.header {
			w.Header()[name] = values
		}
		if a.status != 0 {
			w.WriteHeader(a.status)
		}
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(srv.Close)
	c, err := client.New(client.Options{
		Endpoint: srv.URL, Region: "eu-central-1",
		AccessKey: keys.Default().AccessKeyID, SecretKey: keys.Default().SecretAccessKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
