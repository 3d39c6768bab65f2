package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"thaw.dev/thaw/agent/extensions"
	"thaw.dev/thaw/agent/runtimeapi"
	"thaw.dev/thaw/agent/telemetryapi"
	"thaw.dev/thaw/internal/stream"
	"thaw.dev/thaw/link"
)

// File descriptors the sandbox gives to the agent.
const (
	fdControl = 0
	fdData    = 1
	fdLogs    = 2
)

// agent is the state of Run. Only Run's goroutine uses the fields without a comment.
type agent struct {
	control sender // any goroutine
	data    sender // any goroutine
	procs   table  // any goroutine

	failed chan error     // any goroutine; holds the error that ends Run
	orders *stream.Stream // the control channel; stopped once failed holds one

	run *run // what the last Start or Extend made; nil before it and after a Reset
}

// run is one start of the runtime, and of the extensions that go with it.
type run struct {
	proc       *process // nil if it was not or could not be started
	began      bool     // Start was called
	api        *runtimeapi.Server
	events     *events // kind "http" only
	questions  *questions
	extensions *extensions.Registry
	telemetry  *telemetryapi.Server
	external   map[*extensions.Extension]*process
	watchers   sync.WaitGroup // of external extensions
}

// sender writes messages on a channel, from several goroutines.
type sender struct {
	mu sync.Mutex // held while writing: messages must not mix
	w  *link.Writer
}

func (s *sender) frame(t link.Type, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Frame(t, 0, body)
}

func (s *sender) json(t link.Type, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.JSON(t, v)
}

// message is a runtimeapi.Send.
func (s *sender) message(t link.Type, meta *link.ReplyMeta, payload []byte) error {
	if meta == nil {
		return s.frame(t, payload)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Message(t, 0, meta, payload)
}

// Run serves the host on the process's first three descriptors. It returns nil when the host has closed the control
// channel, and an error when the agent cannot go on; the sandbox has to end in both cases. The process must be PID 1,
// because Reset kills every other process it can see.
func Run() error {
	if os.Getpid() != 1 {
		return errors.New("not PID 1 of a sandbox")
	}
	orders, err := stream.New(fdControl)
	if err != nil {
		return err
	}
	a := &agent{
		control: sender{w: link.NewWriter(orders)},
		data:    sender{w: link.NewWriter(channel(fdData))},
		failed:  make(chan error, 1),
		orders:  orders,
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() { // ends with the process
		for range children {
			a.procs.reap()
		}
	}()
	if err := a.control.json(link.TypeHello, link.HelloMeta{Version: link.Version}); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	r := link.NewReader(orders)
	for {
		switch err := a.obey(r); {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return <-a.failed
		case err != nil:
			return err
		}
	}
}

// fail ends Run with err, if it has not failed already.
func (a *agent) fail(err error) {
	select {
	case a.failed <- err:
		a.orders.Stop()
	default:
	}
}

// obey reads one order of the host and carries it out.
func (a *agent) obey(r *link.Reader) error {
	f, err := r.Next()
	if err != nil {
		return fmt.Errorf("read control channel: %w", err)
	}
	switch f.Type {
	case link.TypePing:
		return a.control.frame(link.TypePong, f.Body)
	case link.TypeReset:
		if len(f.Body) != link.NonceBytes {
			return fmt.Errorf("%w: nonce of %d bytes", link.ErrProtocol, len(f.Body))
		}
		return a.reset([link.NonceBytes]byte(f.Body))
	case link.TypeStart:
		return obeyJSON(r, f, a.start)
	case link.TypeExtend:
		return obeyJSON(r, f, a.extend)
	case link.TypeAnswer:
		return obeyJSON(r, f, a.answer)
	case link.TypeHappening:
		return obeyJSON(r, f, a.happen)
	case link.TypeShutdown:
		return obeyJSON(r, f, a.shutdown)
	case link.TypeTelemetry:
		return a.forward(r, f)
	case link.TypeFlush:
		return obeyJSON(r, f, a.flush)
	}
	return fmt.Errorf("%w: type %#x on the control channel", link.ErrProtocol, uint8(f.Type))
}

// obeyJSON reads the rest of an order that begins with f and carries it out.
func obeyJSON[T any](r *link.Reader, f link.Frame, do func(*T) error) error {
	body, _, tooLarge, err := r.Payload(f, f.Body, maxOrderBytes)
	if err != nil {
		return fmt.Errorf("read order %#x: %w", uint8(f.Type), err)
	}
	if tooLarge {
		return fmt.Errorf("%w: order %#x of over %d bytes", link.ErrProtocol, uint8(f.Type), maxOrderBytes)
	}
	order := new(T)
	if err := json.Unmarshal(body, order); err != nil {
		return fmt.Errorf("%w: order %#x: %w", link.ErrProtocol, uint8(f.Type), err)
	}
	return do(order)
}

// maxOrderBytes bounds an order. Its largest part, an environment, is bounded far below by the host.
const maxOrderBytes = 1 << 20
