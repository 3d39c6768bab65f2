package supervisor

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Client is the driver's side of a supervisor's socket. Methods may be called concurrently.
type Client struct {
	mu     sync.Mutex
	socket *os.File // guarded by mu
}

// NewClient speaks over socket, which stays the caller's. The supervisor ends, and with it the machine, when it is closed.
func NewClient(socket *os.File) *Client { return &Client{socket: socket} }

// Start tells the supervisor what to do. It returns descriptors of the jail's root directory and, with an MTU, of a tap
// device that carries the machine's frames; both are the caller's to close. It blocks until the supervisor has answered
// or ended.
func (c *Client) Start(s Start) (root, tap *os.File, err error) {
	want := 1
	if s.MTU > 0 {
		want = 2
	}
	files, err := c.call(s, nil)
	if err != nil {
		return nil, nil, err
	}
	if len(files) != want {
		closeAll(files)
		return nil, nil, fmt.Errorf("the supervisor sent %d descriptors", len(files))
	}
	if want == 2 {
		tap = files[1]
	}
	return files[0], tap, nil
}

// Mount mounts the detached mount tree at p. The descriptor stays the caller's.
func (c *Client) Mount(p Place, tree *os.File) error {
	_, err := c.call(request{Mount: string(p)}, tree)
	return err
}

// Unmount undoes the last Mount at p.
func (c *Client) Unmount(p Place) error {
	_, err := c.call(request{Unmount: string(p)}, nil)
	return err
}

// AwaitNetwork returns when the network carries the machine's frames; before, some may be lost. Firecracker must have
// opened its device.
func (c *Client) AwaitNetwork() error {
	_, err := c.call(request{Network: true}, nil)
	return err
}

// call sends one message and waits for the answer.
func (c *Client) call(message any, with *os.File) ([]*os.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var files []*os.File
	var answer reply
	var callErr error
	if err := raw.Control(func(fd uintptr) {
		var fds []int
		if with != nil {
			fds = []int{int(with.Fd())}
		}
		if callErr = send(int(fd), message, fds...); callErr == nil {
			files, callErr = receive(int(fd), &answer)
		}
	}); err != nil {
		return nil, err
	}
	switch {
	case errors.Is(callErr, errClosed), errors.Is(callErr, unix.EPIPE), errors.Is(callErr, unix.ECONNRESET):
		return nil, errors.New("the supervisor has ended")
	case callErr != nil:
		return nil, fmt.Errorf("ask the supervisor: %w", callErr)
	case answer.Error != "":
		closeAll(files)
		return nil, errors.New(answer.Error)
	}
	return files, nil
}
