package agent_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/link"
)

func read(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

// TestResetDuringInvocation: a runtime that never answers, with processes that hide from its process group.
func TestResetDuringInvocation(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	startReady(t, s, shell(link.KindHTTP, `
trap '' TERM INT HUP
setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &
(setsid sleep 1000 &)
curl -sS $api/invocation/next; echo got it; sleep 1000`))
	if _, err := s.Invoke(event("{}"), time.Now().Add(500*time.Millisecond), 1<<20); !errors.Is(err, link.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	b.awaitLog("got it")
	reset(t, s)
	if left := children(t, b.cmd.Process.Pid); len(left) > 0 {
		t.Errorf("processes after the reset: %v", left)
	}
	startReady(t, s, shell(link.KindHTTP, loop))
	if r := invoke(t, s, event(`"again"`)); !strings.Contains(string(r.Payload), `"again"`) {
		t.Errorf("got %q", r.Payload)
	}
}

// TestResetWithHalfAnEvent: the host gave up in the middle of an event, the runtime in the middle of an answer.
func TestResetWithHalfAnEvent(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	startReady(t, s, shell(link.KindHTTP, "curl -sS $api/invocation/next; sleep 1000"))
	var w bytes.Buffer
	if err := link.NewWriter(&w).Message(link.TypeInvoke, 0, event("").EventMeta, make([]byte, 200_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.data.Write(w.Bytes()[:150_000]); err != nil {
		t.Fatal(err)
	}
	reset(t, s)
	startReady(t, s, shell(link.KindHTTP, `curl -sS -o /dev/null $api/invocation/next
(printf 'POST /2018-06-01/runtime/invocation/id/response HTTP/1.1\r\nContent-Length: 99\r\n\r\nab'; echo posting >&2; sleep 1000) |
  curl -sS -T - telnet://127.0.0.1:9001`))
	ev := event("{}")
	ev.ID = "id"
	if _, err := s.Invoke(ev, time.Now().Add(500*time.Millisecond), 1<<20); !errors.Is(err, link.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	b.awaitLog("posting")
	reset(t, s)
	startReady(t, s, shell(link.KindHTTP, loop))
	invoke(t, s, event("{}"))
}

// TestResetDuringLargeAnswer: nobody has read the answer, which fills the channel.
func TestResetDuringLargeAnswer(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	startReady(t, s, shell(link.KindHTTP, `curl -sS -o /dev/null $api/invocation/next; echo posting
head -c 6000000 /dev/zero | curl -sS --data-binary @- $api/invocation/id/response`))
	if err := link.NewWriter(b.data).Message(link.TypeInvoke, 0, link.EventMeta{ID: "id"}, nil); err != nil {
		t.Fatal(err)
	}
	b.awaitLog("posting")
	reset(t, s)
	startReady(t, s, shell(link.KindHTTP, loop))
	invoke(t, s, event("{}"))
}

// TestResetWithGarbage: a bundled runtime went mad on the channel that it shares with the agent.
func TestResetWithGarbage(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "python3")
	s := newBox(t).session()
	for _, script := range []string{
		"exec cat /dev/zero >&3", // the channel is full
		"printf '\\137\\000\\000\\000\\020\\000\\000\\000' >&3; exec sleep 1000", // half a Sync
		"exec python3 -c 'import os,time\nos.set_blocking(3,False)\nos.write(3,b\"x\"*1000)\ntime.sleep(1000)'",
		"exec 3>&-; exec sleep 1000",
	} {
		start(t, s, shell(link.KindFrames, script))
		err := s.AwaitReady(time.Now().Add(500 * time.Millisecond))
		if !errors.Is(err, link.ErrTimeout) && !errors.Is(err, link.ErrProtocol) {
			t.Errorf("%s: %v", script, err)
		}
		reset(t, s)
	}
	// The next one finds a channel in order, and only what is sent to it.
	ready := `printf '\120\000\000\000\000\000\000\000' >&3; head -c 8 <&3 | od -An -tx1 >&2; exit 6`
	startReady(t, s, shell(link.KindFrames, ready))
	if err := s.Specialise(link.Specialisation{}, soon()); err != nil {
		t.Fatal(err)
	}
	if err := s.AwaitIdle(soon()); exitOf(err).Code != 6 {
		t.Errorf("got %v", err)
	}
}

// TestStartWithoutReset: a Start clears what the one before left.
func TestStartWithoutReset(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	startReady(t, s, shell(link.KindHTTP, "curl -sS $api/invocation/next & wait"))
	startReady(t, s, shell(link.KindHTTP, loop))
	invoke(t, s, event("{}"))
}

func TestOrphansAreReaped(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	startReady(t, s, shell(link.KindHTTP, `
i=0; while [ $i -lt 50 ]; do (sh -c 'exit 0' &); i=$((i+1)); done; wait
`+loop))
	invoke(t, s, event("{}"))
	idle(t, s)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := soon(); ; <-tick.C {
		left := children(t, b.cmd.Process.Pid)
		if len(left) == 1 {
			break // the runtime
		}
		if time.Now().After(limit) {
			t.Fatalf("children of PID 1: %v", left)
		}
	}
	// The runtime's own end is still seen.
	if _, err := s.Invoke(event("{}"), soon(), 1<<20); err != nil {
		t.Error(err)
	}
}

// children lists the child processes of pid, dead ones that nobody reaped included.
func children(t *testing.T, pid int) (list []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			list = append(list, string(stat[:min(len(stat), 60)]))
		}
	}
	return list
}

func TestTmp(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{"mounted by the agent": nil, "by the engine": {preparedTmp + "=2m"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, env...)
			s := b.session()
			run := func(script string) {
				t.Helper()
				req := shell(link.KindFrames, script)
				req.TmpBytes = 2 << 20 // what the engine mounts, too
				start(t, s, req)
				if got := exitOf(s.AwaitReady(soon())); got.Code != 0 {
					t.Errorf("%s: %+v", script, got)
				}
				reset(t, s)
			}
			run(`stat -c 'mode %a' /tmp; ls -A /tmp | wc -l; echo kept >/tmp/kept`)
			if logs := b.awaitLog("mode 1777\n"); !strings.Contains(logs, "mode 1777\n0\n") {
				t.Errorf("logs %q", logs)
			}
			run(`grep -q kept /tmp/kept`)
			run(`head -c 1900000 /dev/zero >/tmp/big && rm /tmp/big`)
			run(`! head -c 2200000 /dev/zero >/tmp/big`)
			run(`grep -q kept /tmp/kept`)
		})
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	r, w := link.NewReader(b.control), link.NewWriter(b.control)
	if f, err := r.Next(); err != nil || f.Type != link.TypeHello || string(f.Body) != fmt.Sprintf(`{"version":%d}`, link.Version) {
		t.Fatalf("hello: %#x %q %v", f.Type, f.Body, err)
	}
	for _, body := range []string{"", "abc"} {
		if err := w.Frame(link.TypePing, 0, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if f, err := r.Next(); err != nil || f.Type != link.TypePong || string(f.Body) != body {
			t.Errorf("pong: %#x %q %v", f.Type, f.Body, err)
		}
	}
}

// TestEnds: the agent ends with its host, and with a host that does not keep to the protocol.
func TestEnds(t *testing.T) {
	t.Parallel()
	sleeper := shell(link.KindHTTP, "sleep 1000")
	noKind := sleeper
	noKind.Kind = "other"
	for _, tt := range []struct {
		name string
		do   func(b *box, control, data *link.Writer) error
		says string // "": it ends well
	}{
		{"control closed", func(b *box, _, _ *link.Writer) error { return b.control.Close() }, ""},
		{"no frame", func(b *box, _, _ *link.Writer) error {
			_, err := io.WriteString(b.control, "GET / HTTP/1.1\r\n")
			return err
		}, "protocol violated"},
		{"unknown type", func(_ *box, c, _ *link.Writer) error { return c.Frame(link.TypeInvoke, 0, nil) }, "protocol violated"},
		{"no nonce", func(_ *box, c, _ *link.Writer) error { return c.Frame(link.TypeReset, 0, nil) }, "nonce of 0 bytes"},
		{"no JSON", func(_ *box, c, _ *link.Writer) error { return c.Frame(link.TypeStart, 0, []byte("x")) }, "order 0x1"},
		{"start too large", func(_ *box, c, _ *link.Writer) error {
			big := sleeper
			big.Env = []string{"A=" + strings.Repeat("x", 2<<20)}
			return c.JSON(link.TypeStart, big)
		}, "order 0x1 of over"},
		{"unknown kind", func(_ *box, c, _ *link.Writer) error { return c.JSON(link.TypeStart, noKind) }, `kind "other"`},
		{"two events", func(_ *box, c, d *link.Writer) error {
			return errors.Join(c.JSON(link.TypeStart, sleeper), d.Message(link.TypeInvoke, 0, event("").EventMeta, nil),
				d.Message(link.TypeInvoke, 0, event("").EventMeta, nil))
		}, "has no answer"},
		{"no event", func(_ *box, c, d *link.Writer) error {
			return errors.Join(c.JSON(link.TypeStart, sleeper), d.Frame(link.TypeSpecialise, 0, nil))
		}, "instead of an event"},
		{"event too large", func(_ *box, c, d *link.Writer) error {
			return errors.Join(c.JSON(link.TypeStart, sleeper), d.Message(link.TypeInvoke, 0, event("").EventMeta, make([]byte, 7<<20)))
		}, "event of over"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t)
			if _, err := link.NewReader(b.control).Next(); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(b, link.NewWriter(b.control), link.NewWriter(b.data)); err != nil {
				t.Error(err)
			}
			err := <-b.ended
			b.ended <- err
			if (err == nil) != (tt.says == "") {
				t.Errorf("agent ended with %v", err)
			}
			b.awaitLog(tt.says)
		})
	}
}

// BenchmarkInvoke is a warm round trip: host, agent, the official Go client, and back, without a sandbox around them.
func BenchmarkInvoke(b *testing.B) {
	s := newBox(b).session()
	startReady(b, s, function())
	ev := event(`{"Text":"hello"}`)
	for b.Loop() {
		invoke(b, s, ev)
		idle(b, s)
	}
}
