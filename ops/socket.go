package ops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// SocketName is the name of the operator's socket in the data directory.
const SocketName = "ops.sock"

// socket is a listener on the operator's socket; Close removes it.
type socket struct {
	*net.UnixListener
	path string
}

// listenSocket makes the socket in dir. It is bound in a directory that nobody else can enter and then moved into place:
// at no moment may another user connect, and one that an earlier server left is replaced.
func listenSocket(dir string) (_ *socket, err error) {
	path := filepath.Join(dir, SocketName)
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is in the way: it is not a socket", path)
	}
	private := filepath.Join(dir, ".ops")
	if err := errors.Join(os.RemoveAll(private), os.Mkdir(private, 0o700)); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	handle, err := os.Open(private)
	if err != nil {
		return nil, err
	}
	defer func() { _ = handle.Close() }()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: below(handle), Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it is elsewhere by then
	bound := filepath.Join(private, SocketName)
	err = errors.Join(os.Chmod(bound, 0o600), os.Rename(bound, path))
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &socket{l, path}, nil
}

// Close stops listening and removes the socket.
func (s *socket) Close() error {
	err := s.UnixListener.Close()
	if gone := os.Remove(s.path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// dialSocket connects to the socket in dir.
func dialSocket(ctx context.Context, dir string) (net.Conn, error) {
	handle, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = handle.Close() }()
	var d net.Dialer
	return d.DialContext(ctx, "unix", below(handle))
}

// below is a path of the socket in an open directory. Unlike the directory's own path it is always short enough: the
// kernel takes no more than 107 bytes. Source: unix(7).
func below(dir *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), SocketName)
}
