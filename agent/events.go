package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"thaw.dev/thaw/agent/runtimeapi"
	"thaw.dev/thaw/internal/stream"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// events reads events from the data channel for one run of a runtime that speaks HTTP.
type events struct {
	from *stream.Stream
	done chan struct{} // closed when the reader has ended
}

// readEvents starts the reader, which hands every event, and what the host says about snapshots, to api until close is
// called. If it cannot go on it calls fail.
func readEvents(api *runtimeapi.Server, fail func(error)) (*events, error) {
	// A descriptor of this run's own: the next runtime may read the channel itself.
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fdData, syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return nil, fmt.Errorf("data channel: %w", errno)
	}
	from, err := stream.New(int(fd))
	if err != nil {
		return nil, fmt.Errorf("data channel: %w", err)
	}
	e := &events{from: from, done: make(chan struct{})}
	go func() { // ends in close
		defer close(e.done)
		r := link.NewReader(from)
		for {
			err := readOrder(r, api)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			if err != nil {
				fail(fmt.Errorf("data channel: %w", err))
				return
			}
		}
	}()
	return e, nil
}

// close ends the reader; what it had read of an event is lost.
func (e *events) close() {
	e.from.Stop()
	<-e.done
	_ = e.from.Close()
}

// readOrder reads one order of the host for the runtime and carries it out.
func readOrder(r *link.Reader, api *runtimeapi.Server) error {
	f, err := r.Next()
	if err != nil {
		return err
	}
	switch f.Type {
	case link.TypeSpecialise: // meant for the bundled runtime, in whose place another program asks for events
		if _, _, _, err := r.Payload(f, f.Body, 0); err != nil {
			return err
		}
		return api.Specialised()
	case link.TypeInvoke:
		ev, err := readEvent(r, f)
		if err != nil {
			return err
		}
		return api.Deliver(ev)
	case link.TypeSnapshot:
		return api.Snapshot()
	case link.TypeRestored:
		// What it carries serves bundled runtimes; a process that speaks HTTP cannot be given variables or entropy.
		if _, _, _, err := r.Payload(f, f.Body, 0); err != nil {
			return err
		}
		return api.Restored()
	}
	return fmt.Errorf("%w: type %#x instead of an event", link.ErrProtocol, uint8(f.Type))
}

// readEvent reads the rest of the event that begins with f.
func readEvent(r *link.Reader, f link.Frame) (*link.Event, error) {
	meta, first, err := link.SplitMeta(f.Body)
	if err != nil {
		return nil, err
	}
	ev := &link.Event{}
	if err := json.Unmarshal(meta, &ev.EventMeta); err != nil {
		return nil, fmt.Errorf("%w: event metadata: %w", link.ErrProtocol, err)
	}
	var tooLarge bool
	ev.Payload, _, tooLarge, err = r.Payload(f, first, lambda.MaxSyncPayloadBytes)
	if tooLarge {
		err = fmt.Errorf("%w: event of over %d bytes", link.ErrProtocol, lambda.MaxSyncPayloadBytes)
	}
	return ev, err
}
