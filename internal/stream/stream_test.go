package stream_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"thaw.dev/thaw/internal/stream"
)

// pair returns a stream and the descriptor of its other end, which blocks.
func pair(t *testing.T) (*stream.Stream, *os.File) {
	t.Helper()
	p, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stream.New(p[0])
	if err != nil {
		t.Fatal(err)
	}
	far := os.NewFile(uintptr(p[1]), "far")
	t.Cleanup(func() { _, _ = s.Close(), far.Close() })
	return s, far
}

func TestReadNowDoesNotWait(t *testing.T) {
	t.Parallel()
	s, far := pair(t)
	b := make([]byte, 4)
	if n, err := s.ReadNow(b); n != 0 || err != nil {
		t.Errorf("of nothing: %d, %v", n, err)
	}
	var got []byte
	ended := make(chan error)
	go func() {
		ended <- s.OnInput(func() bool {
			for {
				n, err := s.ReadNow(b)
				got = append(got, b[:n]...)
				if n == 0 || err != nil {
					return errors.Is(err, io.EOF)
				}
			}
		})
	}()
	for _, text := range []string{"some", "thing that is longer", ""} {
		if _, err := far.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil || string(got) != "something that is longer" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestReadWaitsForBytesAndKnowsTheEnd(t *testing.T) {
	t.Parallel()
	s, far := pair(t)
	got := make(chan string)
	go func() {
		b := make([]byte, 100)
		n, err := s.Read(b)
		if err != nil {
			t.Error(err)
		}
		got <- string(b[:n])
	}()
	if _, err := far.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "hello" {
		t.Errorf("read %q", text)
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if n, err := s.Write([]byte("x")); n != 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("written to nobody: %d, %v", n, err)
	}
}

// TestWriteWaitsForRoom: more than the kernel keeps for a reader that begins late.
func TestWriteWaitsForRoom(t *testing.T) {
	t.Parallel()
	s, far := pair(t)
	all := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	wrote := make(chan error, 1)
	go func() {
		n, err := s.Write(all)
		if n != len(all) && err == nil {
			err = io.ErrShortWrite
		}
		wrote <- err
	}()
	got := make([]byte, len(all))
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("other bytes came, %v", err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestStopEndsReads(t *testing.T) {
	t.Parallel()
	s, far := pair(t)
	ended := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		ended <- err
	}()
	s.Stop()
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("stopped with %v", err)
	}
	if _, err := far.WriteString("late"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(make([]byte, 4)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after Stop: %d, %v", n, err)
	}
	if _, err := s.Write([]byte("still")); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesWhatIsNoDescriptor(t *testing.T) {
	t.Parallel()
	if _, err := stream.New(1 << 20); !errors.Is(err, syscall.EBADF) {
		t.Errorf("%v", err)
	}
}

// TestNothingIsAllocated: what a program inside a sandbox allocates, it touches new pages for.
func TestNothingIsAllocated(t *testing.T) {
	s, far := pair(t)
	b := make([]byte, 4)
	n := testing.AllocsPerRun(100, func() {
		if _, err := far.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(b); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(b); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations for a question and its answer", n)
	}
}
