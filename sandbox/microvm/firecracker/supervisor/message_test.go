package supervisor

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func sockets(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func TestMessagesCarryDescriptors(t *testing.T) {
	t.Parallel()
	a, b := sockets(t)
	defer func() { _ = unix.Close(b) }()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := send(a, request{Mount: "drives/3"}, int(w.Fd())); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	var got request
	files, err := receive(b, &got)
	if err != nil || got.Mount != "drives/3" || len(files) != 1 {
		t.Fatalf("%+v, %v, %v", got, files, err)
	}
	if _, err := files[0].WriteString("x"); err != nil {
		t.Error(err)
	}
	_ = files[0].Close()
	if n, err := r.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	_ = unix.Close(a)
	if _, err := receive(b, &got); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestBadMessagesAreRefused(t *testing.T) {
	t.Parallel()
	a, b := sockets(t)
	defer func() { _, _ = unix.Close(a), unix.Close(b) }()
	if err := send(a, Start{Base: strings.Repeat("x", maxMessage)}); err == nil {
		t.Error("sent a message that is too long")
	}
	for _, text := range []string{"garbage", strings.Repeat("x", maxMessage+1)} {
		if _, err := unix.Write(a, []byte(text)); err != nil {
			t.Fatal(err)
		}
		var got request
		if _, err := receive(b, &got); err == nil {
			t.Errorf("took %.20q for a message", text)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	j := &jail{dirs: map[string]*os.File{"drives": os.Stdin, "load": os.Stdin, "save": os.Stdin, "fd": os.Stdin}}
	for _, p := range []Place{Drive(0), Drive(15), Scratch, Kernel, Initrd, SaveMemory} {
		if _, name, err := j.at(p); err != nil || !strings.HasSuffix(p.Path(), "/"+name) {
			t.Errorf("%s: %q, %v", p, name, err)
		}
	}
	for _, p := range []Place{"", "drives", "drives/", "drives/..", "drives/a/b", "../drives/0", "run/v.sock", "/drives/0", Memory} {
		if _, _, err := j.at(p); err == nil {
			t.Errorf("something can be mounted at %q", p)
		}
	}
}
