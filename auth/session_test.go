package auth_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/auth"
)

func newSessions(t testing.TB, path string) *auth.Sessions {
	t.Helper()
	s, err := auth.OpenSessions(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newSessionVerifier returns a verifier of sessions, and its keys.
func newSessionVerifier(t testing.TB, s *auth.Sessions) (*auth.Verifier, *auth.Keys) {
	t.Helper()
	keys, err := auth.OpenKeys(filepath.Join(t.TempDir(), "credentials"), account)
	if err != nil {
		t.Fatal(err)
	}
	return auth.NewVerifier(auth.Options{Keys: keys, Sessions: s, Region: "us-east-1"}), keys
}

func example(life time.Duration) auth.Session {
	return auth.Session{
		AccountID: account, ARN: "arn:aws:sts::" + account + ":assumed-role/r/s", UserID: "AROAX:s",
		Role: "arn:aws:iam::" + account + ":role/r", Policy: `{"Statement":[]}`, Expires: time.Now().Add(life),
	}
}

// signedWith is a request that the session's key signed, in the header or in the query.
func signedWith(c auth.Credentials, query bool) *http.Request {
	s := exampleSigner(time.Now())
	s.id, s.secret = c.AccessKeyID, c.SecretAccessKey
	r := newRequest("GET", "/2015-03-31/functions/", nil)
	if query {
		q := r.URL.Query()
		q.Set("X-Amz-Security-Token", c.SessionToken)
		r.URL.RawQuery = q.Encode()
		s.query(r, "600", nil)
		return r
	}
	r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	s.header(r, nil)
	return r
}

func code(err error) string {
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return e.Code
	}
	return ""
}

func TestSession(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "session.key")
	c := newSessions(t, path).Issue(example(time.Hour))
	if !strings.HasPrefix(c.AccessKeyID, "ASIA") || len(c.AccessKeyID) != 20 || len(c.SecretAccessKey) != 40 {
		t.Errorf("key %s, a secret of %d characters", c.AccessKeyID, len(c.SecretAccessKey))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
	v, keys := newSessionVerifier(t, newSessions(t, path)) // another start of the server
	for _, query := range []bool{false, true} {
		id, err := v.Verify(signedWith(c, query), nil)
		want := auth.Identity{
			AccountID: account, ARN: example(0).ARN, UserID: "AROAX:s", Role: example(0).Role, Policy: example(0).Policy,
			AccessKeyID: c.AccessKeyID, Token: c.SessionToken, Service: "lambda",
		}
		if err != nil || id != want {
			t.Errorf("query %v: %+v, %v", query, id, err)
		}
		link, err := v.PresignGet(id, "http://127.0.0.1:4580", "/code/x", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := v.Verify(newRequest("GET", strings.TrimPrefix(link, "http://127.0.0.1:4580"), nil), nil); err != nil || id.Role != want.Role {
			t.Errorf("presigned by a session: %+v, %v", id, err)
		}
	}
	keys.Set(nil, []string{account})
	if _, err := v.Verify(signedWith(c, false), nil); code(err) != auth.CodeUnrecognized {
		t.Errorf("session of a disabled account: %v", err)
	}
	keys.Set(nil, nil)

	flip := func(text string, at int) string {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		b[at] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	other := newSessions(t, filepath.Join(t.TempDir(), "session.key"))
	for name, change := range map[string]func(*auth.Credentials){
		"version":           func(c *auth.Credentials) { c.SessionToken = flip(c.SessionToken, 0) },
		"salt":              func(c *auth.Credentials) { c.SessionToken = flip(c.SessionToken, 3) },
		"content":           func(c *auth.Credentials) { c.SessionToken = flip(c.SessionToken, 40) },
		"cut off":           func(c *auth.Credentials) { c.SessionToken = c.SessionToken[:40] },
		"empty":             func(c *auth.Credentials) { c.SessionToken = "" },
		"no base64":         func(c *auth.Credentials) { c.SessionToken = "???" },
		"too long":          func(c *auth.Credentials) { c.SessionToken = strings.Repeat("A", 9<<10) },
		"another key":       func(c *auth.Credentials) { c.AccessKeyID = "ASIAAAAAAAAAAAAAAAAA" },
		"another server":    func(c *auth.Credentials) { *c = other.Issue(example(time.Hour)) },
		"a key's own token": func(c *auth.Credentials) { c.AccessKeyID = keys.Default().AccessKeyID },
	} {
		bad := c
		change(&bad)
		if _, err := v.Verify(signedWith(bad, false), nil); code(err) != auth.CodeUnrecognized {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := c
	bad.SecretAccessKey = "x"
	if _, err := v.Verify(signedWith(bad, false), nil); code(err) != auth.CodeInvalidSignature {
		t.Errorf("wrong secret: %v", err)
	}
	unsigned := exampleSigner(time.Now())
	unsigned.id, unsigned.secret, unsigned.unsigned = c.AccessKeyID, c.SecretAccessKey, []string{"x-amz-security-token"}
	r := newRequest("GET", "/", nil)
	r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	unsigned.header(r, nil)
	if _, err := v.Verify(r, nil); code(err) != auth.CodeInvalidSignature {
		t.Errorf("token that is not signed: %v", err)
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	sessions := newSessions(t, filepath.Join(t.TempDir(), "session.key"))
	v, _ := newSessionVerifier(t, sessions)
	synctest.Test(t, func(t *testing.T) {
		c := sessions.Issue(example(15 * time.Minute))
		time.Sleep(15*time.Minute - time.Second)
		if _, err := v.Verify(signedWith(c, false), nil); err != nil {
			t.Errorf("before its end: %v", err)
		}
		time.Sleep(time.Second)
		for _, query := range []bool{false, true} {
			if _, err := v.Verify(signedWith(c, query), nil); code(err) != auth.CodeExpired {
				t.Errorf("after its end: %v", err)
			}
		}
	})
}

func TestOpenSessionsRefuses(t *testing.T) {
	t.Parallel()
	for want, write := range map[string]func(path string) error{
		"chmod 600": func(path string) error { return os.WriteFile(path, make([]byte, 32), 0o644) },
		"31 bytes":  func(path string) error { return os.WriteFile(path, make([]byte, 31), 0o600) },
	} {
		path := filepath.Join(t.TempDir(), "session.key")
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.OpenSessions(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestKeysChange: what Set says holds for the next request.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	v, keys := newSessionVerifier(t, nil)
	key := auth.NewKey("222222222222")
	verify := func(key auth.Key) (auth.Identity, error) {
		s := exampleSigner(time.Now())
		s.id, s.secret = key.AccessKeyID, key.SecretAccessKey
		r := newRequest("GET", "/", nil)
		s.header(r, nil)
		return v.Verify(r, nil)
	}
	if _, err := verify(key); code(err) != auth.CodeUnrecognized {
		t.Errorf("before: %v", err)
	}
	keys.Set([]auth.Key{key}, nil)
	if id, err := verify(key); err != nil || id.AccountID != "222222222222" {
		t.Errorf("set: %+v, %v", id, err)
	}
	keys.Set([]auth.Key{key}, []string{"222222222222"})
	if _, err := verify(key); code(err) != auth.CodeUnrecognized || !keys.Disabled("222222222222") {
		t.Errorf("disabled: %v", err)
	}
	if _, err := verify(keys.Default()); err != nil {
		t.Errorf("another account's key: %v", err)
	}
	forged := key
	forged.AccessKeyID = keys.Default().AccessKeyID
	keys.Set([]auth.Key{forged}, nil)
	if _, err := verify(keys.Default()); err != nil || len(keys.File()) != 1 {
		t.Errorf("a key of the file was replaced: %v", err)
	}
}

// FuzzToken: no token is good but those that were issued, and none makes anything panic.
func FuzzToken(f *testing.F) {
	sessions := newSessions(f, filepath.Join(f.TempDir(), "session.key"))
	v, _ := newSessionVerifier(f, sessions)
	c := sessions.Issue(example(time.Hour))
	f.Add(c.AccessKeyID, c.SessionToken, 0)
	f.Add("ASIAAAAAAAAAAAAAAAAA", c.SessionToken, 2)
	f.Add(c.AccessKeyID, "AQ==", 20)
	f.Fuzz(func(t *testing.T, id, token string, cut int) {
		if cut > 0 && cut < len(token) {
			token = token[:cut] + token[cut+1:]
		}
		if strings.ContainsAny(id+token, "\r\n\x00 /,") || id == "" {
			return
		}
		got, err := v.Verify(signedWith(auth.Credentials{AccessKeyID: id, SecretAccessKey: c.SecretAccessKey, SessionToken: token}, true), nil)
		if issued := id == c.AccessKeyID && token == c.SessionToken; (err == nil) != issued || err != nil && got != (auth.Identity{}) {
			t.Fatalf("id %q, token %q: %+v, %v", id, token, got, err)
		}
	})
}
