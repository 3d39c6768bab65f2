package link_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/link"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// pair returns the two ends of a stream socketpair, closed when the test ends.
func pair(t testing.TB) (host, guest *os.File) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	host, guest = os.NewFile(uintptr(fds[0]), "host"), os.NewFile(uintptr(fds[1]), "guest")
	t.Cleanup(func() { _ = host.Close(); _ = guest.Close() })
	return host, guest
}

func TestMessageOfAnySizeArrivesWhole(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, link.ChunkBytes - 1, link.ChunkBytes, link.ChunkBytes + 1, 3*link.ChunkBytes + 7} {
		want := bytes.Repeat([]byte("ab"), n/2+1)[:n]
		var wire bytes.Buffer
		if err := link.NewWriter(&wire).Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "r1"}, want); err != nil {
			t.Fatal(err)
		}
		r := link.NewReader(&wire)
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		meta, first, err := link.SplitMeta(f.Body)
		if err != nil || string(meta) != `{"id":"r1"}` {
			t.Fatalf("meta %q, %v", meta, err)
		}
		got, last, tooLarge, err := r.Payload(f, first, n)
		if err != nil || tooLarge || last != link.FlagIdle || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, flags %d, too large %v, %v", n, len(got), last, tooLarge, err)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the message: %v, want EOF", err)
		}
	}
}

func TestPayloadOverLimitIsReadButNotKept(t *testing.T) {
	t.Parallel()
	var wire bytes.Buffer
	w := link.NewWriter(&wire)
	if err := w.Message(link.TypeResult, 0, link.ReplyMeta{}, make([]byte, 3*link.ChunkBytes)); err != nil {
		t.Fatal(err)
	}
	if err := w.Frame(link.TypeIdle, 0, nil); err != nil {
		t.Fatal(err)
	}
	r := link.NewReader(&wire)
	f, _ := r.Next()
	_, first, _ := link.SplitMeta(f.Body)
	got, _, tooLarge, err := r.Payload(f, first, 3*link.ChunkBytes-1)
	if err != nil || !tooLarge || len(got) != 0 {
		t.Fatalf("kept %d bytes, too large %v, %v", len(got), tooLarge, err)
	}
	if f, err := r.Next(); err != nil || f.Type != link.TypeIdle {
		t.Errorf("next frame %#x, %v: the stream is out of step", f.Type, err)
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, wire := range map[string]string{
		"length over the limit": "\x52\x00\x00\x00\x01\x00\x04\x00",
		"reserved bytes set":    "\x52\x00\x01\x00\x00\x00\x00\x00",
		"unknown flag":          "\x52\x80\x00\x00\x00\x00\x00\x00",
		"text":                  "HTTP/1.1 200 OK\r\n\r\n",
	} {
		if _, err := link.NewReader(strings.NewReader(wire)).Next(); !errors.Is(err, link.ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
	if _, err := link.NewReader(strings.NewReader("\x52\x00\x00")).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a header: %v", err)
	}
}

func TestSkipToFindsSyncBehindAnything(t *testing.T) {
	t.Parallel()
	nonce := [link.NonceBytes]byte{1, 2, 3, 4}
	for _, before := range []int{0, 1, 7, 23, 24, 25, 16 << 10, 16<<10 + 1, 100_000} {
		var wire bytes.Buffer
		wire.Write(bytes.Repeat([]byte{0x5f, 0, 1}, before)[:before])
		w := link.NewWriter(&wire)
		_ = w.Frame(link.TypeSync, 0, bytes.Repeat([]byte{9}, link.NonceBytes)) // another reset's
		_ = w.Frame(link.TypeSync, 0, nonce[:])
		_ = w.Frame(link.TypeReady, 0, nil)
		r := link.NewReader(&wire)
		if err := r.SkipTo(nonce); err != nil {
			t.Fatalf("behind %d bytes: %v", before, err)
		}
		if f, err := r.Next(); err != nil || f.Type != link.TypeReady {
			t.Errorf("behind %d bytes: next is %#x, %v", before, f.Type, err)
		}
	}
	if err := link.NewReader(strings.NewReader("nothing")).SkipTo(nonce); !errors.Is(err, io.EOF) {
		t.Errorf("without a sync: %v", err)
	}
}

func TestLogsDrainDeliversWhatWasWrittenBefore(t *testing.T) {
	t.Parallel()
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(p[0]), "r"), os.NewFile(uintptr(p[1]), "w")
	defer func() { _ = r.Close() }()
	var got bytes.Buffer
	logs, err := link.NewLogs(r, func(b []byte) { got.Write(b) })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); logs.Run() }()
	want := ""
	for range 100 {
		want += "line\n"
		if _, err := w.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
		logs.Drain()
	}
	_ = w.Close()
	<-ended
	if got.String() != want {
		t.Errorf("got %d bytes, want %d", got.Len(), len(want))
	}
}

func FuzzReader(f *testing.F) {
	var ok bytes.Buffer
	_ = link.NewWriter(&ok).Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "r"}, []byte("{}"))
	f.Add(ok.Bytes())
	f.Add([]byte("\x52\x01\x00\x00\x04\x00\x00\x00\xff\xff\xff\xff"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := link.NewReader(bytes.NewReader(wire))
		for {
			frame, err := r.Next()
			if err != nil {
				return
			}
			if len(frame.Body) > link.MaxFrameBytes {
				t.Fatalf("body of %d bytes", len(frame.Body))
			}
			_, first, err := link.SplitMeta(frame.Body)
			if err != nil {
				continue
			}
			payload, _, tooLarge, err := r.Payload(frame, first, 1000)
			if err != nil {
				return
			}
			if len(payload) > 1000 || (tooLarge && payload != nil) {
				t.Fatalf("kept %d bytes, too large %v", len(payload), tooLarge)
			}
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	host, guest := pair(b)
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, w := link.NewReader(guest), link.NewWriter(guest)
		for {
			f, err := r.Next()
			if err != nil {
				return
			}
			meta, _, _ := link.SplitMeta(f.Body)
			_ = meta
			if w.Message(link.TypeResult, link.FlagIdle, link.ReplyMeta{ID: "r"}, []byte("{}")) != nil {
				return
			}
		}
	}()
	r, w := link.NewReader(host), link.NewWriter(host)
	for b.Loop() {
		_ = host.SetDeadline(time.Now().Add(time.Second))
		if err := w.Message(link.TypeInvoke, 0, link.EventMeta{ID: "r"}, []byte("{}")); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			b.Fatal(err)
		}
	}
	_ = host.Close()
	<-done
}
