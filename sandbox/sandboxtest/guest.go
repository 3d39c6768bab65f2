package sandboxtest

import (
	"bufio"
	"encoding/json"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// Guest talks to the guest program of one sandbox.
type Guest struct {
	t     testing.TB
	link  sandbox.Link
	lines *bufio.Reader
}

// Meet waits for the guest's hello.
func Meet(t testing.TB, s sandbox.Sandbox) *Guest {
	t.Helper()
	g := &Guest{t: t, link: s.Link(), lines: bufio.NewReader(s.Link().Control)}
	var hello wire.Hello
	if err := g.read(&hello); err != nil || !hello.Hello {
		t.Fatalf("no hello: %v", err)
	}
	return g
}

func (g *Guest) read(v any) error {
	if err := g.link.Control.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	line, err := g.lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

// Try sends a command and returns the answer. The error says that the channel broke, which is the sandbox's end.
func (g *Guest) Try(req wire.Request) (wire.Response, error) {
	b, err := json.Marshal(req)
	if err != nil {
		return wire.Response{}, err
	}
	if _, err := g.link.Control.Write(append(b, '\n')); err != nil {
		return wire.Response{}, err
	}
	var resp wire.Response
	err = g.read(&resp)
	return resp, err
}

// Do is Try for commands the guest must survive.
func (g *Guest) Do(req wire.Request) wire.Response {
	g.t.Helper()
	resp, err := g.Try(req)
	if err != nil {
		g.t.Fatalf("%s: %v", req.Op, err)
	}
	return resp
}

// Must is Do for commands that must succeed.
func (g *Guest) Must(req wire.Request) wire.Response {
	g.t.Helper()
	resp := g.Do(req)
	if resp.Err != "" {
		g.t.Fatalf("%s %s: %s", req.Op, req.Path, resp.Err)
	}
	return resp
}

// Echo checks that the guest is there.
func (g *Guest) Echo() {
	g.t.Helper()
	const text = "are you there?"
	if got := g.Must(wire.Request{Op: wire.Echo, Text: text}).Text; got != text {
		g.t.Fatalf("echo came back as %q", got)
	}
}

// Rejoin is Meet for a restored sandbox, whose guest said hello before it was checkpointed.
func Rejoin(t testing.TB, s sandbox.Sandbox) *Guest {
	t.Helper()
	return &Guest{t: t, link: s.Link(), lines: bufio.NewReader(s.Link().Control)}
}
