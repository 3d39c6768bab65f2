package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// plainServer is the baseline of warm invocations: a net/http server on loopback whose handler passes each event to a
// child process that is already there, and its result back. The child is an ordinary process of this host.
type plainServer struct {
	http   http.Server
	url    string
	served chan struct{} // closed when the server has ended

	mu     sync.Mutex
	child  *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader // guarded by mu, like the order of writes to stdin
}

func openPlainServer(ctx context.Context, argv []string) (_ *plainServer, err error) {
	p := &plainServer{served: make(chan struct{})}
	p.child = exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // an interpreter of this host
	p.child.Stderr = os.Stderr
	if p.stdin, err = p.child.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(out)
	if err := p.child.Start(); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, p.endChild())
	}
	p.url = "http://" + l.Addr().String() + "/"
	p.http.Handler = p
	p.http.ReadHeaderTimeout = 10 * time.Second
	go func() { // ends when close closes the server, and close waits
		defer close(p.served)
		_ = p.http.Serve(l)
	}()
	return p, nil
}

func (p *plainServer) close() error {
	_ = p.http.Close()
	<-p.served
	return p.endChild()
}

// endChild closes the child's input, at which it ends.
func (p *plainServer) endChild() error {
	return errors.Join(p.stdin.Close(), p.child.Wait())
}

// ServeHTTP answers with the child's result for the event in the request.
func (p *plainServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := p.handle(event)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(result)
}

func (p *plainServer) handle(event []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.stdin.Write(append(event, '\n')); err != nil {
		return nil, err
	}
	return p.stdout.ReadBytes('\n')
}

// call sends the event to the server.
func (p *plainServer) call(ctx context.Context, c *http.Client) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(event))
	if err != nil {
		return err
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Contains(body, greeting) {
		err = fmt.Errorf("the baseline answers %q", body)
	}
	return err
}

// firstOutput starts a program and returns the time to the first byte of its output.
func firstOutput(ctx context.Context, argv []string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // an interpreter of this host
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	var first [1]byte
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, readErr := io.ReadFull(out, first[:])
	took := time.Since(begin)
	_, _ = io.Copy(io.Discard, out) // so that it can end
	return took, errors.Join(readErr, cmd.Wait())
}
