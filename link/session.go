package link

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Ways a conversation with a sandbox ends early. Match with errors.Is.
var (
	// ErrTimeout is returned when the deadline passed before the sandbox answered.
	ErrTimeout = errors.New("deadline passed")
	// ErrClosed is returned when the channel is gone: the sandbox ended or was destroyed.
	ErrClosed = errors.New("sandbox is gone")
)

// ExitError says that the runtime process ended instead of answering.
type ExitError struct{ ExitMeta }

func (e *ExitError) Error() string {
	switch {
	case e.StartError != "":
		return "start runtime: " + e.Message
	case e.Signal != "":
		return "runtime ended by signal: " + e.Signal
	}
	return fmt.Sprintf("runtime exited with status %d", e.Code)
}

// InitError says that the runtime reported a failed init.
type InitError struct {
	ErrorType string // as the runtime named it; not trusted to be of any form
	Payload   []byte // the error object, exactly as sent
}

func (e *InitError) Error() string { return "init failed: " + e.ErrorType }

// exitGrace is how long the data channel is still read after the runtime ended: what it sent before lies in the
// socket already.
const exitGrace = 20 * time.Millisecond

// controlWriteTimeout bounds a write to the agent, which reads at once unless something is badly wrong.
const controlWriteTimeout = 2 * time.Second

// maxErrorBytes bounds the error object of a failed init.
const maxErrorBytes = 256 << 10

// Session is the host's half of the conversation with one sandbox. One goroutine at a time may use it, apart from
// Close. Its own goroutine reads the control channel from Open to Close.
type Session struct {
	control, data *os.File
	cw, dw        *Writer
	dr            *Reader
	done          chan struct{} // closed when the control reader has ended
	warm          bool          // the runtime process said that it is warm
	subscribed    bool          // there are extensions that are told of invocations
	runtimeIdle   bool          // the runtime asked for its next event

	telling sync.Mutex // held while writing to control

	mu    sync.Mutex
	run   uint32        // number of the current runtime process
	ended error         // *ExitError of the current run, *ExtensionError, or ErrClosed, or ErrProtocol
	until time.Time     // deadline of the wait that goes on
	news  chan struct{} // closed, and replaced, when ended or ext has changed
	ext   extended
	about Description

	subscribers      Subscribers
	printed          func(line []byte)
	flushes, flushed uint64 // Flushes asked for, and answered
}

// Open waits for the agent's hello and returns the session. The files stay the caller's to close; closing control
// ends the session's goroutine.
func Open(ctx context.Context, control, data *os.File) (*Session, error) {
	stop := context.AfterFunc(ctx, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	r := NewReader(control)
	f, err := r.Next()
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for the agent: %w", context.Cause(ctx))
		}
		return nil, fmt.Errorf("wait for the agent: %w", asClosed(err))
	}
	var hello HelloMeta
	if f.Type != TypeHello || json.Unmarshal(f.Body, &hello) != nil || hello.Version != Version {
		return nil, fmt.Errorf("%w: no hello of version %d from the agent", ErrProtocol, Version)
	}
	if !stop() {
		return nil, fmt.Errorf("wait for the agent: %w", context.Cause(ctx))
	}
	s := newSession(control, data)
	go s.readControl(r)
	return s, nil
}

func newSession(control, data *os.File) *Session {
	return &Session{
		control: control, data: data,
		cw: NewWriter(control), dw: NewWriter(data), dr: NewReader(data),
		done: make(chan struct{}), news: make(chan struct{}),
	}
}

// Close ends the session's goroutine and waits for it. The sandbox is not touched.
func (s *Session) Close() {
	_ = s.control.SetReadDeadline(time.Unix(1, 0))
	<-s.done
}

// Ended returns how the current runtime process, or the whole sandbox, ended; nil while it goes on, as far as is known.
func (s *Session) Ended() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Start starts the runtime process and forgets how the one before ended. It does not wait.
func (s *Session) Start(req StartRequest) error {
	s.mu.Lock()
	if _, exited := s.ended.(*ExitError); exited {
		s.ended = nil
	}
	s.run++
	req.Run, req.Era = s.run, s.ext.era
	s.ext.open = true
	s.mu.Unlock()
	s.warm = false
	return s.tell(func() error { return s.cw.JSON(TypeStart, req) })
}

// Specialise gives a bundled runtime its function. It does not wait for the outcome: AwaitReady does.
func (s *Session) Specialise(sp Specialisation, deadline time.Time) error {
	s.mu.Lock()
	s.ext.open = true
	s.mu.Unlock()
	s.expect(deadline)
	return s.failure(s.dw.JSON(TypeSpecialise, sp))
}

// AwaitWarm waits until a bundled runtime that has no function yet has done what it can do without one. It may be
// specialised before as well. Errors as AwaitReady's.
func (s *Session) AwaitWarm(deadline time.Time) error {
	s.expect(deadline)
	f, err := s.dr.Next()
	if err != nil {
		return s.failure(err)
	}
	if f.Type != TypeIdle || s.warm {
		return fmt.Errorf("%w: type %#x before there is a function", ErrProtocol, uint8(f.Type))
	}
	s.warm = true
	return nil
}

// AwaitReady waits until the runtime is initialised and every extension has asked for its first event; no extension can
// register any more after that. It returns *InitError if the runtime reported that it cannot be, *ExitError if it ended,
// *ExtensionError if an extension failed, ErrTimeout, ErrProtocol or ErrClosed.
func (s *Session) AwaitReady(deadline time.Time) error {
	s.expect(deadline)
	f, err := s.dr.Next()
	if err == nil && f.Type == TypeIdle && !s.warm { // it warmed up while its function was on the way
		s.warm = true
		f, err = s.dr.Next()
	}
	if err != nil {
		return s.failure(err)
	}
	switch f.Type {
	case TypeReady:
		return s.endInit(deadline)
	case TypeInitError:
		reply, err := s.reply(f, maxErrorBytes)
		if err != nil {
			return err
		}
		return &InitError{ErrorType: reply.ErrorType, Payload: reply.Payload}
	}
	return fmt.Errorf("%w: type %#x during init", ErrProtocol, uint8(f.Type))
}

// Invoke sends an event to an idle runtime, tells the extensions that subscribed, and waits for the runtime's answer, of
// which at most maxReply bytes are kept, also if the runtime streams it. It returns *ExitError, *ExtensionError,
// ErrTimeout, ErrStreamTooLong, ErrProtocol or ErrClosed; after any of them the session needs a Reset.
func (s *Session) Invoke(ev *Event, deadline time.Time, maxReply int) (Reply, error) {
	return s.Stream(ev, deadline, maxReply, nil)
}

// Stream is Invoke for somebody who takes a streamed result as it comes. If to is nil it is collected like any other.
// With an error too, the Reply says how many bytes were streamed.
func (s *Session) Stream(ev *Event, deadline time.Time, maxReply int, to Receiver) (Reply, error) {
	s.expect(deadline)
	if s.subscribed {
		if err := s.announce(&ev.EventMeta); err != nil {
			return Reply{}, s.failure(err)
		}
	}
	if err := s.dw.Message(TypeInvoke, 0, &ev.EventMeta, ev.Payload); err != nil {
		return Reply{}, s.failure(err)
	}
	f, err := s.dr.Next()
	if err != nil {
		return Reply{}, s.failure(err)
	}
	began := time.Now()
	var reply Reply
	switch f.Type {
	case TypeResult, TypeError:
		reply, err = s.reply(f, maxReply)
	case TypeStream:
		reply, err = s.stream(f, ev.ID, deadline, maxReply, to)
	default:
		return Reply{}, fmt.Errorf("%w: type %#x as an answer", ErrProtocol, uint8(f.Type))
	}
	reply.Began = began
	if err == nil && reply.ID != ev.ID {
		err = fmt.Errorf("%w: answer to another request", ErrProtocol)
	}
	if s.runtimeIdle = reply.Idle; s.subscribed {
		reply.Idle = reply.Idle && s.extensionsIdle()
	}
	return reply, err
}

// AwaitIdle waits until the runtime, and every extension that was told of the invocation, asks for its next event, after
// a reply that was not Idle. Errors are Invoke's.
func (s *Session) AwaitIdle(deadline time.Time) error {
	if !s.runtimeIdle {
		s.expect(deadline)
		f, err := s.dr.Next()
		if err != nil {
			return s.failure(err)
		}
		if f.Type != TypeIdle {
			return fmt.Errorf("%w: type %#x after an answer", ErrProtocol, uint8(f.Type))
		}
		s.runtimeIdle = true
	}
	if !s.subscribed {
		return nil
	}
	return s.await(deadline, s.allListen)
}

// Reset kills every process in the sandbox but the agent and empties the data channel. After nil a new runtime can be
// started; after an error the sandbox is to be destroyed.
func (s *Session) Reset(deadline time.Time) error {
	var nonce [NonceBytes]byte
	_, _ = rand.Read(nonce[:]) // never fails
	s.mu.Lock()
	switch s.ended.(type) {
	case *ExitError, *ExtensionError:
		s.ended = nil
	}
	s.run++ // whatever is still said of the old process does not matter
	s.ext = extended{era: s.ext.era + 1}
	s.mu.Unlock()
	s.subscribed = false
	if err := s.tell(func() error { return s.cw.Frame(TypeReset, 0, nonce[:]) }); err != nil {
		return err
	}
	s.expect(deadline)
	return s.failure(s.dr.SkipTo(nonce))
}

func (s *Session) tell(write func() error) error {
	s.telling.Lock()
	defer s.telling.Unlock()
	_ = s.control.SetWriteDeadline(time.Now().Add(controlWriteTimeout))
	if err := write(); err != nil {
		return fmt.Errorf("tell the agent: %w", asClosed(err))
	}
	return nil
}

// reply reads the rest of an answer that begins with f.
func (s *Session) reply(f Frame, limit int) (Reply, error) {
	meta, first, err := SplitMeta(f.Body)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Failed: f.Type != TypeResult}
	if err := json.Unmarshal(meta, &r.ReplyMeta); err != nil {
		return Reply{}, fmt.Errorf("%w: metadata: %w", ErrProtocol, err)
	}
	var last Flag
	r.Payload, last, r.TooLarge, err = s.dr.Payload(f, first, limit)
	if err != nil {
		return Reply{}, s.failure(err)
	}
	r.Idle = last&FlagIdle != 0
	return r, nil
}

// expect sets the deadline of the wait that follows, or less if the runtime has ended already.
func (s *Session) expect(deadline time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = deadline
	s.setDeadline()
}

// setDeadline needs mu.
func (s *Session) setDeadline() {
	d := s.until
	if s.ended != nil {
		if soon := time.Now().Add(exitGrace); soon.Before(d) {
			d = soon
		}
	}
	_ = s.data.SetDeadline(d)
}

// failure turns an error of the data channel into one that callers can tell apart.
func (s *Session) failure(err error) error {
	if err == nil || errors.Is(err, ErrProtocol) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != nil:
		return s.ended
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	}
	return asClosed(err)
}

func (s *Session) readControl(r *Reader) {
	defer close(s.done)
	for {
		f, err := r.Next()
		if err == nil {
			err = s.hear(f)
		}
		if err != nil {
			s.end(asClosed(err))
			return
		}
	}
}

// hear handles a frame of the agent.
func (s *Session) hear(f Frame) error {
	switch f.Type {
	case TypePong:
		return nil
	case TypeExited:
		var e ExitMeta
		if json.Unmarshal(f.Body, &e) != nil {
			return fmt.Errorf("%w: exit message", ErrProtocol)
		}
		s.exited(e)
		return nil
	case TypeExtended, TypeListening, TypeShutDown:
		return s.extensionFrame(f)
	case TypeBroken:
		return s.broken(f)
	case TypeAsk:
		return s.asked(f)
	case TypeFlushed:
		return s.flushedTo(f)
	case TypeOutput:
		return s.output(f)
	}
	return fmt.Errorf("%w: type %#x on the control channel", ErrProtocol, uint8(f.Type))
}

func (s *Session) exited(e ExitMeta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Run == s.run && s.ended == nil {
		s.ended = &ExitError{e}
		s.setDeadline()
		s.changed()
	}
}

func (s *Session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
	s.setDeadline()
	s.changed()
}

func asClosed(err error) error {
	if errors.Is(err, ErrProtocol) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrClosed) {
		return ErrClosed
	}
	return fmt.Errorf("%w: %w", ErrClosed, err)
}
