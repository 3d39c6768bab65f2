package egress

import (
	"bytes"
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// closeGrace is how long a sandbox may take to acknowledge the end of a connection before it is reset.
const closeGrace = 5 * time.Second

const (
	hangUp   = waiter.EventHUp | waiter.EventErr
	readable = waiter.ReadableEvents | hangUp
	writable = waiter.WritableEvents | hangUp
)

// errInner is the end of a connection by the sandbox other than by closing it, or by the port being closed.
var errInner = errors.New("sandbox reset the connection")

// connection joins a connection that the sandbox made to our stack with the one to its destination.
type connection struct {
	inner  tcpip.Endpoint
	events waiter.Queue // of inner
	outer  outerConn
}

// outerConn is the end that is not the sandbox's: a *net.TCPConn, or the *net.UnixConn of a service.
type outerConn interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// carry copies both ways until both ends closed or one failed, or ctx ends. The end of one direction is passed on as
// such, so that half-closed connections work; a failure of one side resets the other.
func (c *connection) carry(ctx context.Context) {
	closed, hungUp := waiter.NewChannelEntry(waiter.EventHUp)
	c.events.EventRegister(&closed)
	defer c.events.EventUnregister(&closed)
	stop := context.AfterFunc(ctx, c.reset)
	defer stop()

	inward := make(chan struct{})
	go func() { // ends before carry returns
		defer close(inward)
		if err := c.copyInward(); err != nil {
			c.reset()
		}
	}()
	if err := c.copyOutward(); err != nil {
		c.reset()
	}
	<-inward

	_ = c.outer.Close()
	c.inner.Close()
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-hungUp:
	case <-grace.C:
		c.inner.Abort()
	case <-ctx.Done():
		c.inner.Abort()
	}
}

// reset ends both sides at once and wakes both directions. It may be called at any time, more than once.
func (c *connection) reset() {
	if t, ok := c.outer.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.outer.Close()
	c.inner.Abort()
}

// copyOutward copies from the sandbox until it closes its direction, and closes that of the destination.
func (c *connection) copyOutward() error {
	entry, wake := waiter.NewChannelEntry(readable)
	c.events.EventRegister(&entry)
	defer c.events.EventUnregister(&entry)
	for {
		err := c.pieceOutward()
		switch err.(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			<-wake
		case *tcpip.ErrClosedForReceive:
			return c.outer.CloseWrite()
		default:
			return errInner
		}
	}
}

// pieceOutward copies what has arrived, a chunk at most.
func (c *connection) pieceOutward() tcpip.Error {
	buf := getChunk()
	defer putChunk(buf)
	w := tcpip.SliceWriter(buf[:])
	result, err := c.inner.Read(&w, tcpip.ReadOptions{})
	if err != nil {
		return err
	}
	if _, err := c.outer.Write(buf[:result.Count]); err != nil {
		return &tcpip.ErrAborted{}
	}
	return nil
}

// copyInward copies from the destination until it closes its direction, and closes that of the sandbox.
func (c *connection) copyInward() error {
	raw, err := c.outer.SyscallConn()
	if err != nil {
		return err
	}
	entry, wake := waiter.NewChannelEntry(writable)
	c.events.EventRegister(&entry)
	defer c.events.EventUnregister(&entry)
	for {
		buf, n, err := readChunk(raw)
		if err != nil {
			return err
		}
		if n > 0 {
			err = c.pieceInward(buf[:n], wake)
		}
		putChunk(buf)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := c.inner.Shutdown(tcpip.ShutdownWrite); err != nil {
				return errInner
			}
			return nil
		}
	}
}

func (c *connection) pieceInward(piece []byte, wake <-chan struct{}) error {
	r := bytes.NewReader(piece)
	for r.Len() > 0 {
		_, err := c.inner.Write(r, tcpip.WriteOptions{})
		switch err.(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			<-wake
		default:
			return errInner
		}
	}
	return nil
}
