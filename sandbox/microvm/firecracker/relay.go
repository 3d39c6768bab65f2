package firecracker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Bounds of a relay.
const (
	relayBuffer     = 32 << 10 // bytes, for each direction of a connected port
	connectPatience = 5 * time.Second
	firstRedial     = time.Millisecond
	lastRedial      = 50 * time.Millisecond
	maxAcknowledge  = 32 // bytes of Firecracker's "OK <port>\n"
)

// relays carry the bytes of a machine's ports. Each port has a goroutine that connects to the guest's listener, when the
// machine runs, and again when a connection broke; it ends with close or when the engine closed its end of the port.
// Bytes from the engine wait until there is a connection.
type relays struct {
	files [vmm.NumPorts]*os.File // until start
	wg    sync.WaitGroup
	ctx   context.Context //nolint:containedctx // the relays' lifetime
	stop  context.CancelFunc

	mu    sync.Mutex
	gate  chan struct{}               // guarded by mu; closed while the machine runs
	ports []*net.UnixConn             // guarded by mu; the engine's side
	conns [vmm.NumPorts]*net.UnixConn // guarded by mu; the connections that are up
}

func newRelays(files [vmm.NumPorts]*os.File) *relays {
	r := &relays{files: files, gate: make(chan struct{})}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// start starts the goroutines. root is the jail's root directory.
func (r *relays) start(root *os.File) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, f := range r.files {
		if f == nil {
			return fmt.Errorf("port %s has no socket", vmm.PortNames[i])
		}
		conn, err := net.FileConn(f)
		if err != nil {
			return fmt.Errorf("port %s: %w", vmm.PortNames[i], err)
		}
		port, ok := conn.(*net.UnixConn)
		if !ok {
			_ = conn.Close()
			return fmt.Errorf("port %s is no Unix socket", vmm.PortNames[i])
		}
		r.ports = append(r.ports, port)
	}
	for i, port := range r.ports {
		r.wg.Go(func() {
			defer func() { _ = port.Close() }()
			r.serve(i, port, root)
		})
	}
	r.closeFiles()
	return nil
}

// closeFiles closes what start has duplicated, or what it was not called for.
func (r *relays) closeFiles() { _ = hostfile.Close(r.files[:]...) }

// open lets the relays connect; the machine runs.
func (r *relays) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.gate:
	default:
		close(r.gate)
	}
}

// shut keeps them from connecting: a machine that stands does not answer. Connections stay.
func (r *relays) shut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.gate:
		r.gate = make(chan struct{})
	default:
	}
}

// reset breaks all connections, of which the guest knows nothing any more.
func (r *relays) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, c := range r.conns {
		if c != nil {
			_ = c.Close()
			r.conns[i] = nil
		}
	}
}

// close ends the relays. Connections that are up end by themselves when Firecracker has, after their last byte; the
// engine has patience for reading what came.
func (r *relays) close(patience time.Duration) {
	r.stop()
	force := time.AfterFunc(patience, func() {
		r.reset()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, port := range r.ports {
			_ = port.SetDeadline(time.Now())
		}
	})
	r.wg.Wait()
	force.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeFiles()
	for _, port := range r.ports {
		_ = port.Close()
	}
}

func (r *relays) awaitOpen() bool {
	r.mu.Lock()
	gate := r.gate
	r.mu.Unlock()
	select {
	case <-gate:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// serve carries one port.
func (r *relays) serve(i int, port *net.UnixConn, root *os.File) {
	w := wire{port: port, buffer: make([]byte, relayBuffer)}
	pause := firstRedial
	for r.awaitOpen() {
		conn, err := dialGuest(r.ctx, root, vmm.VsockPort+i)
		if err != nil { // the guest does not listen yet, or has ended
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-r.ctx.Done():
				timer.Stop()
				return
			}
			pause = min(2*pause, lastRedial)
			continue
		}
		pause = firstRedial
		if !r.use(i, conn) {
			return
		}
		ended := w.carry(conn)
		r.forget(i, conn)
		if ended {
			return
		}
	}
}

// use makes conn port i's connection, unless the relays are closed.
func (r *relays) use(i int, conn *net.UnixConn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		_ = conn.Close()
		return false
	}
	r.conns[i] = conn
	return true
}

func (r *relays) forget(i int, conn *net.UnixConn) {
	_ = conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns[i] == conn {
		r.conns[i] = nil
	}
}

// wire is one port's way to the guest.
type wire struct {
	port    *net.UnixConn
	buffer  []byte
	pending []byte // of buffer; read from port and not yet written to a connection
}

// carry moves bytes in both directions until conn breaks or the engine closed the port, which it reports.
func (w *wire) carry(conn *net.UnixConn) (ended bool) {
	fromGuest := make(chan bool)
	go func() { // ends when conn is closed, at the latest by the end of this function
		_, err := io.CopyBuffer(onlyWriter{w.port}, onlyReader{conn}, make([]byte, relayBuffer))
		_ = conn.Close()
		_ = w.port.SetReadDeadline(time.Now()) // wakes the other direction
		fromGuest <- errors.Is(err, errPort)
	}()
	ended = w.toGuest(conn)
	_ = conn.Close()
	if <-fromGuest {
		ended = true
	}
	_ = w.port.SetReadDeadline(time.Time{})
	return ended
}

// toGuest copies from the port until conn breaks, or the port ended, which it reports.
func (w *wire) toGuest(conn *net.UnixConn) (ended bool) {
	for {
		if len(w.pending) == 0 {
			n, err := w.port.Read(w.buffer)
			w.pending = w.buffer[:n]
			if n == 0 {
				return !errors.Is(err, os.ErrDeadlineExceeded)
			}
		}
		n, err := conn.Write(w.pending)
		w.pending = w.pending[n:]
		if err != nil {
			return false
		}
	}
}

var errPort = errors.New("the port is closed")

// onlyWriter and onlyReader hide the methods by which io.Copy would splice: what a broken connection had taken would be
// unknown then.
type onlyWriter struct{ port *net.UnixConn }

func (o onlyWriter) Write(b []byte) (int, error) {
	n, err := o.port.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errPort, err)
	}
	return n, err
}

type onlyReader struct{ io.Reader }

// dialGuest connects to a port on which the guest listens, by Firecracker's protocol on its vsock's socket.
// Source: docs/vsock.md, "Host-initiated connections".
func dialGuest(ctx context.Context, root *os.File, port int) (*net.UnixConn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	conn, err := dialInJail(ctx, root, vsockSocket)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	_, err = conn.Write([]byte("CONNECT " + strconv.Itoa(port) + "\n"))
	if err == nil {
		err = acknowledged(conn)
	}
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to guest port %d: %w", port, err)
	}
	return conn, nil
}

// acknowledged reads "OK <port>\n" and not a byte more: what follows is the guest's.
func acknowledged(conn io.Reader) error {
	line := make([]byte, 0, maxAcknowledge)
	for b := make([]byte, 1); len(line) < maxAcknowledge; {
		if _, err := io.ReadFull(conn, b); err != nil {
			return err // closed: nobody listens there
		}
		if b[0] != '\n' {
			line = append(line, b[0])
			continue
		}
		number, ok := strings.CutPrefix(string(line), "OK ")
		if _, err := strconv.ParseUint(number, 10, 32); !ok || err != nil {
			break
		}
		return nil
	}
	return fmt.Errorf("firecracker answered %.40q", line)
}
