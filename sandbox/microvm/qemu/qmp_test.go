package qemu

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// double is the other end of a QMP connection. It answers what script says for each command, and nothing else; "ID" in
// it becomes the command's.
func double(t *testing.T, script map[string]string) *qmp {
	t.Helper()
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(int(theirs.Fd()), true); err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(theirs)
	if err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, script["greeting"]); err != nil {
			return
		}
		for in := json.NewDecoder(conn); ; {
			var c struct{ Execute, ID string }
			if in.Decode(&c) != nil {
				return
			}
			answer, ok := script[c.Execute]
			if !ok {
				answer = `{"return": {}, "id": "ID"}` + "\n"
			}
			if answer == "hang up" {
				return
			}
			if _, err := io.WriteString(conn, strings.ReplaceAll(answer, "ID", c.ID)); err != nil {
				return
			}
		}
	}()
	q := newQMP(ours)
	t.Cleanup(func() { _ = q.close(); <-done })
	return q
}

const greeting = `{"QMP": {"version": {}, "capabilities": []}}` + "\n"

func deadline(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestQMP(t *testing.T) {
	t.Parallel()
	event := `{"event": "STOP", "data": {}}` + "\n"
	q := double(t, map[string]string{
		"greeting": greeting,
		"stop":     event + event + `{"return": {}, "id": "ID"}` + "\n",
		"refused":  `{"error": {"class": "GenericError", "desc": "no"}, "id": "ID"}` + "\n",
		"load":     `{"return": {}, "id": "ID"}` + "\n" + event + `{"event": "RESUME"}` + "\n",
		"early":    `{"event": "RESUME"}` + "\n" + `{"return": {}, "id": "ID"}` + "\n",
		"fail":     `{"return": {}, "id": "ID"}` + "\n" + `{"event": "MIGRATION", "data": {"status": "failed"}}` + "\n",
	})
	ctx := deadline(t, 20*time.Second)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	if err := q.greet(ctx); err != nil {
		t.Fatal(err)
	}
	if err := q.do(ctx, command{name: "stop"}, command{name: "with", args: object{"a": 1}, file: null}, command{name: "stop"}); err != nil {
		t.Error(err)
	}
	var refused *refusal
	if err := q.do(ctx, command{name: "stop"}, command{name: "refused"}, command{name: "stop"}); !errors.As(err, &refused) || err.Error() != "refused: no" {
		t.Errorf("refused: %v", err)
	}
	for _, name := range []string{"load", "early"} {
		if err := q.doUntil(ctx, resumed, command{name: "x"}, command{name: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := q.doUntil(ctx, resumed, command{name: "refused"}); !errors.As(err, &refused) {
		t.Errorf("refused, and waits for an event: %v", err)
	}
	if err := q.do(ctx, command{name: "stop"}); err != nil {
		t.Errorf("after a refusal: %v", err)
	}
	if err := q.doUntil(ctx, resumed, command{name: "fail"}); err == nil {
		t.Error("a load failed and nobody noticed")
	}
}

// TestQMPIsHostile: whatever comes, it ends with an error, soon, and the connection is not used again.
func TestQMPIsHostile(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"end":            "hang up",
		"silence":        "",
		"half a message": `{"return"`,
		"no JSON":        "hello\n",
		"nothing":        "{}\n",
		"a list":         "[1, 2]\n",
		"foreign answer": `{"return": {}, "id": "4711"}` + "\n",
		"number as ID":   `{"return": {}, "id": 2}` + "\n",
		"twice":          `{"return": {}, "id": "ID"}` + "\n" + `{"return": {}, "id": "ID"}` + "\n",
		"long message":   `{"return": "` + strings.Repeat("x", maxMessage) + `", "id": "ID"}` + "\n",
		"many events":    strings.Repeat(`{"event": "E"}`+"\n", maxMessages+1),
		"deep":           strings.Repeat("[", maxMessage/2) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := double(t, map[string]string{"greeting": greeting, "x": answer})
			if err := q.greet(deadline(t, 20*time.Second)); err != nil {
				t.Fatal(err)
			}
			patience := 20 * time.Second
			if !strings.Contains(answer, "\n") && answer != "hang up" {
				patience = 50 * time.Millisecond
			}
			err := q.doUntil(deadline(t, patience), resumed, command{name: "x"})
			if err == nil || len(err.Error()) > 2*maxText {
				t.Errorf("error %.200v", err)
			}
			if again := q.do(t.Context(), command{name: "y"}); again == nil || q.broken == nil {
				t.Errorf("the connection still works: %v", again)
			}
		})
	}
	q := double(t, map[string]string{"greeting": `{"return": {}}` + "\n"})
	if err := q.greet(deadline(t, 20*time.Second)); err == nil {
		t.Error("greeted by an answer")
	}
}

func FuzzMessages(f *testing.F) {
	for _, s := range []string{greeting, `{"return": {}, "id": "1"}`, `{"error": {"desc": "x"}}`, `{"event": "MIGRATION", "data": {"status": "failed"}}`, `{"event":"E","data":7}`, "{}", "\x00", strings.Repeat("[", 1000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(b), 16)
		for total := 0; ; {
			line, err := readLine(in)
			if err != nil {
				return
			}
			if total += len(line); total > len(b) {
				t.Fatalf("read %d of %d bytes", total, len(b))
			}
			m, err := parse(line)
			if err == nil && m.Event == "" && m.Return == nil && m.Error == nil && m.QMP == nil {
				t.Errorf("%q says nothing", line)
			}
			if end, err := resumed(m); end && err != nil {
				t.Errorf("%q ended, and failed", line)
			}
		}
	})
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for line, ok := range map[string]bool{
		"QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)": true, "QEMU emulator version 8.0.0": true, "QEMU emulator version 10.1.2": true,
		"QEMU emulator version 7.1.0": false, "QEMU emulator version 5.2.0": false, "": false, "version x.y": false,
	} {
		if err := newEnough(line); (err == nil) != ok {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestCounter: the frequency is the one the kernel found, within what frequencies of processors differ by.
func TestCounter(t *testing.T) {
	t.Parallel()
	khz, err := counterKHz()
	if err != nil {
		t.Fatal(err)
	}
	if khz < 500_000 || khz > 10_000_000 {
		t.Errorf("%d kHz", khz)
	}
}
