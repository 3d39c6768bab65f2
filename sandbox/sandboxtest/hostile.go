package sandboxtest

import (
	"io"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// testGarbage: bytes that mean nothing arrive as they are, and everything else goes on.
func testGarbage(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	const n = 64 << 10
	g.Must(wire.Request{Op: wire.Garbage, N: n})
	data := s.Link().Data
	if err := data.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.CopyN(io.Discard, data, n); got != n {
		t.Errorf("%d bytes arrived: %v", got, err)
	}
	g.Echo()
	if _, err := s.Stats(); err != nil {
		t.Error(err)
	}
	if _, err := s.Link().Control.WriteString("no command\n"); err != nil {
		t.Fatal(err)
	}
	wantDone(t, s)
}

// testFlood: a sandbox that writes what nobody reads blocks itself, not Destroy.
func testFlood(t *testing.T, h Harness) {
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	answered := make(chan error, 1)
	go func() { // ends with Destroy, which closes the channel
		_, err := g.Try(wire.Request{Op: wire.Garbage, N: 1 << 30})
		answered <- err
	}()
	if err := s.Attach(withTimeout(t), CodeImage(t, map[string]string{"/a": "b"}), "/var/task"); err != nil {
		t.Error(err)
	}
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err == nil {
		t.Error("a gigabyte fitted into the channel")
	}
}
