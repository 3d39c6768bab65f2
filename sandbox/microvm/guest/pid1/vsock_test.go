package pid1

import (
	"io"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// listening is a socket whose listener is a local one, because a host has no vsock of its own, and how to connect to it.
func listening(t *testing.T) (s *socket, connect func() int) {
	t.Helper()
	address := &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, address)
	}
	if err == nil {
		err = unix.Listen(fd, 4)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return newSocket(fd), func() int {
		c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(c, address)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// TestSocketSurvivesItsConnections: a machine is restored, its connections break, and the next host goes on.
func TestSocketSurvivesItsConnections(t *testing.T) {
	t.Parallel()
	s, connect := listening(t)
	greetings := make(chan struct{}, 8)
	s.accepted = func() { greetings <- struct{}{} }
	got := make(chan string)
	go func() { // ends with the test's process: nothing ends a channel of the machine
		b := make([]byte, 100)
		for {
			n, err := s.Read(b)
			if err != nil {
				return
			}
			got <- string(b[:n])
		}
	}()
	var written sync.WaitGroup
	written.Go(func() { // waits for the first connection
		if n, err := s.Write([]byte("early")); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	for _, text := range []string{"first", "second", "third"} {
		c := connect()
		if _, err := unix.Write(c, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if heard := <-got; heard != text {
			t.Errorf("heard %q, want %q", heard, text)
		}
		<-greetings
		written.Wait()
		if _, err := s.Write([]byte("to " + text)); err != nil {
			t.Fatal(err)
		}
		want := "to " + text
		if text == "first" {
			want = "early" + want
		}
		b := make([]byte, len(want))
		if _, err := io.ReadFull(descriptor(c), b); err != nil || string(b) != want {
			t.Errorf("the host heard %q, %v", b, err)
		}
		if err := unix.Close(c); err != nil {
			t.Fatal(err)
		}
	}
}

// descriptor reads from a file descriptor.
type descriptor int

func (d descriptor) Read(b []byte) (int, error) { return unix.Read(int(d), b) }
