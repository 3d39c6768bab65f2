package firecracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// jailRoot returns a directory as the driver has it of a jail, with a directory for sockets.
func jailRoot(t testing.TB) (root *os.File, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	root = os.NewFile(uintptr(fd), dir)
	t.Cleanup(func() { _ = root.Close() })
	return root, dir
}

// answering returns an API whose other side answers everything with the same bytes, and then says nothing more.
func answering(t *testing.T, answer string) *api {
	t.Helper()
	root, dir := jailRoot(t)
	l, err := net.Listen("unix", filepath.Join(dir, apiSocket))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var conns []net.Conn
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
			go func() { // ends when conn is closed
				if _, err := conn.Read(make([]byte, 4096)); err == nil {
					_, _ = conn.Write([]byte(answer))
				}
			}()
		}
	}()
	a := newAPI(root)
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return a
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, want string }{
		"fault":         {"HTTP/1.1 400 Bad Request\r\nContent-Length: 24\r\n\r\n{\"fault_message\": \"no\" }", `refused: "no"`},
		"no fault":      {"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nhi", "status 500"},
		"redirect":      {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "status 302"},
		"not HTTP":      {"garbage\r\n\r\n", "PUT /vm"},
		"endless body":  {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
		"long body":     {"HTTP/1.1 400 No\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), "longer than"},
		"long header":   {"HTTP/1.1 400 No\r\nX: " + strings.Repeat("x", 100000), "exceeded"},
		"hanging":       {"HTTP/1.1 400 No\r\nContent-Length: 10\r\n\r\n", "too slow"},
		"silent":        {"", "too slow"},
		"long fault":    {"HTTP/1.1 400 No\r\nContent-Length: 20020\r\n\r\n{\"fault_message\":\"" + strings.Repeat("y", 20000) + "\"}", "refused"},
		"other success": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "status 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := answering(t, c.answer)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("too slow"))
			defer cancel()
			err := a.put(ctx, "/vm", vmState{State: "Paused"})
			switch {
			case c.want == "" && err != nil: // 204 has no body, whatever its header says
				t.Errorf("got %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			case err != nil && len(err.Error()) > 1000:
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestNothingIsOpenedThroughLinks(t *testing.T) {
	t.Parallel()
	root, dir := jailRoot(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.Symlink(outside, filepath.Join(dir, "link")),
		os.Symlink("/", filepath.Join(dir, "up")),
		os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"link", "up" + outside, "../" + filepath.Base(dir) + "/file", outside, "fifo", "run", "missing"} {
		if f, err := openRegular(root, path, 100); err == nil {
			t.Errorf("%s was opened", path)
			_ = f.Close()
		}
	}
	if _, err := openRegular(root, "file", 3); err == nil {
		t.Error("a file above the limit was opened")
	}
	f, err := openRegular(root, "file", 100)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}

func FuzzAcknowledge(f *testing.F) {
	for _, s := range []string{"OK 1073741824\n", "OK 1\nrest", "OK \n", "OK x\n", "NO 1\n", "OK 1", "", strings.Repeat("O", 100) + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		err := acknowledged(r)
		taken := b[:len(b)-r.Len()]
		if len(taken) > maxAcknowledge+1 {
			t.Fatalf("it read %d bytes", len(taken))
		}
		if err != nil {
			return
		}
		var port uint64
		if n, err := fmt.Sscanf(string(taken), "OK %d\n", &port); n != 1 || err != nil || bytes.Count(taken, []byte("\n")) != 1 {
			t.Fatalf("%q was taken for an acknowledgement", taken)
		}
	})
}

func FuzzVersion(f *testing.F) {
	for _, s := range []string{"Firecracker v1.8.0\n\nmore", "Jailer v1.13.1-dev\n", "Firecracker", "x v1.8", "x v1.8.0.1", "x v-1.0.0"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parseVersion(b)
		if err == nil && (v.before(v) || !strings.HasPrefix(v.String(), "v")) {
			t.Fatalf("%q is %v", b, v)
		}
	})
}
