package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
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
// ping. What goes on inside besides the runtime may speak before that: prepare, which may be nil, makes the session ready
// for it, and its error is returned. Errors and files are as with Open.
func Reopen(ctx context.Context, control, data *os.File, prepare func(*Session) error) (*Session, error) {
	stop := context.AfterFunc(ctx, func() { _ = control.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	s := newSession(control, data)
	s.run, s.warm = 1, true
	if prepare != nil {
		if err := prepare(s); err != nil {
			return nil, err
		}
	}
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

// ping returns when the agent has answered.
func (s *Session) ping(r *Reader) error {
	var nonce [NonceBytes]byte
	_, _ = rand.Read(nonce[:]) // never fails
	if err := s.cw.Frame(TypePing, 0, nonce[:]); err != nil {
		return asClosed(err)
	}
	for {
		f, err := r.Next()
		switch {
		case err != nil:
			return asClosed(err)
		case f.Type != TypePong:
			if err := s.hear(f); err != nil {
				return err
			}
		case bytes.Equal(f.Body, nonce[:]):
			return nil
		default:
			return fmt.Errorf("%w: another pong", ErrProtocol)
		}
	}
}

// ExtensionState is what a host must know of the extensions inside a snapshot to go on with a copy of it: all of them wait
// for their first event.
type ExtensionState struct {
	Era           uint32         `json:"era,omitempty"` // Resets before the snapshot
	Extensions    []Extension    `json:"extensions,omitempty"`
	Subscriptions []Subscription `json:"subscriptions,omitempty"` // to telemetry
}

// ExtensionState returns the state of a session after PrepareSnapshot.
func (s *Session) ExtensionState() ExtensionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := ExtensionState{Era: s.ext.era, Subscriptions: slices.Clone(s.ext.subscriptions)}
	for _, e := range s.ext.all {
		state.Extensions = append(state.Extensions, e.Extension)
	}
	return state
}

// Adopt is for Reopen's prepare: the session's sandbox is a copy of one whose state this was. Whoever takes subscriptions has
// to be told by the caller. The error is ErrProtocol, for a state that no session had.
func (s *Session) Adopt(state ExtensionState) error {
	if len(state.Extensions) > MaxExtensions {
		return fmt.Errorf("%w: %d extensions", ErrProtocol, len(state.Extensions))
	}
	adopted := extended{era: state.Era, subscriptions: state.Subscriptions}
	for _, e := range state.Extensions {
		if err := e.check(); err != nil {
			return err
		}
		adopted.all = append(adopted.all, &registered{Extension: e, listens: true})
	}
	for _, sub := range state.Subscriptions {
		if err := sub.check(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ext = adopted
	return nil
}
