package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// PrepareSnapshot has the runtime run its hooks before a checkpoint, and waits until it has done so. After nil the
// runtime waits for Restored and accepts nothing else. It returns *InitError if a hook failed or the runtime cannot be
// part of a snapshot, or else the errors of AwaitReady.
func (s *Session) PrepareSnapshot(deadline time.Time) error {
	s.expect(deadline)
	if err := s.dw.Frame(TypeSnapshot, 0, nil); err != nil {
		return s.failure(err)
	}
	return s.AwaitReady(deadline)
}

// Restored tells a runtime that PrepareSnapshot prepared what is different now, in a restored copy as well as in a
// process that merely went on, and waits until it has run its hooks; it is then idle. It returns *InitError if one
// failed, or else the errors of AwaitReady.
func (s *Session) Restored(r Restoration, deadline time.Time) error {
	s.expect(deadline)
	if err := s.dw.JSON(TypeRestored, r); err != nil {
		return s.failure(err)
	}
	return s.AwaitReady(deadline)
}

// Reopen returns the session with a sandbox that was restored from a checkpoint, which must have been taken after
// PrepareSnapshot and with a single Start before it. No hello comes: the agent proves that it lives by answering a
// ping. Errors and files are as with Open.
func Reopen(ctx context.Context, control, data *os.File) (*Session, error) {
	stop := context.AfterFunc(ctx, func() { _ = control.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := newSession(control, data)
	s.run, s.warm = 1, true
	r := NewReader(control)
	if err := s.ping(r); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("wait for the restored agent: %w", err)
	}
	if !stop() {
		return nil, fmt.Errorf("wait for the restored agent: %w", context.Cause(ctx))
	}
	go s.readControl(r)
	return s, nil
}

// ping returns when the agent has answered. The runtime's end may be reported before that.
func (s *Session) ping(r *Reader) error {
	var nonce [NonceBytes]byte
	_, _ = rand.Read(nonce[:]) // never fails
	if err := s.cw.Frame(TypePing, 0, nonce[:]); err != nil {
		return asClosed(err)
	}
	for {
		f, err := r.Next()
		var exit ExitMeta
		switch {
		case err != nil:
			return asClosed(err)
		case f.Type == TypePong && bytes.Equal(f.Body, nonce[:]):
			return nil
		case f.Type == TypeExited && json.Unmarshal(f.Body, &exit) == nil:
			s.exited(exit)
		default:
			return fmt.Errorf("%w: type %#x instead of a pong", ErrProtocol, uint8(f.Type))
		}
	}
}
