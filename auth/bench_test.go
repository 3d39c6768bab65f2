package auth_test

import (
	"path/filepath"
	"testing"
	"time"
)

func BenchmarkVerify(b *testing.B) {
	body := []byte(`{"key":"value"}`)
	v := newVerifier(b)
	b.Run("form=header", func(b *testing.B) {
		r := newRequest("POST", "/2015-03-31/functions/hello/invocations", body)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Amz-Log-Type", "Tail")
		exampleSigner(time.Now()).header(r, body)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(r, body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("form=query", func(b *testing.B) {
		r := newRequest("GET", "/code/hello", nil)
		exampleSigner(time.Now()).query(r, "3600", nil)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(r, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("form=session", func(b *testing.B) {
		sessions := newSessions(b, filepath.Join(b.TempDir(), "session.key"))
		v, _ := newSessionVerifier(b, sessions)
		r := signedWith(sessions.Issue(example(time.Hour)), false)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(r, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
