package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"thaw.dev/thaw/lambda"
)

// execution is one execution in memory.
type execution struct {
	id   string
	turn chan struct{} // holds a token while nobody has the turn
	done chan struct{} // closed when the execution ended

	// What follows belongs to whoever has the turn.
	state    *state          // nil: to be read from the journal
	run      *run            // the invocation under way, as far as checkpoints are concerned; nil: none may come
	running  bool            // an invocation is under way
	chains   map[string]bool // the chained invokes that are taken care of: true while a goroutine does
	refusals int             // how often in a row the handler could not be invoked
	rest     time.Time       // no invocation begins before then
	wantTail bool            // the caller waits for the log's end
	tail     []byte          // the end of the last invocation's log

	// What follows is guarded by Executions.mu.
	summary Summary
	at      time.Time // when time changes it; zero: never
	place   int       // in the timers; -1: it is not there
}

func newExecution(id string) *execution {
	x := &execution{id: id, turn: make(chan struct{}, 1), done: make(chan struct{}), chains: map[string]bool{}, place: -1}
	x.turn <- struct{}{}
	return x
}

// errStopped is returned to callers while the server stops.
var errStopped = errors.New("the server stops")

// take waits for the turn and reads the state unless it is there. Unless it fails, give must be called.
func (e *Executions) take(ctx context.Context, x *execution) error {
	select {
	case <-x.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if x.state != nil {
		return nil
	}
	s, err := e.read(ctx, x.id)
	if err != nil {
		x.turn <- struct{}{}
		return err
	}
	x.state = s
	return nil
}

// give ends the turn. The state of an execution of which nothing runs leaves the memory.
func (e *Executions) give(x *execution) {
	busy := x.running
	for _, working := range x.chains {
		busy = busy || working
	}
	if !busy {
		x.state = nil
	}
	x.turn <- struct{}{}
}

// read makes an execution's state from its journal.
func (e *Executions) read(ctx context.Context, id string) (*state, error) {
	s := &state{}
	err := e.events(ctx, id, func(event *Event) { s.apply(event) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// events gives each event of an execution to do.
func (e *Executions) events(ctx context.Context, id string, do func(*Event)) error {
	entries, err := e.journals.Read(ctx, id)
	if err != nil {
		return err
	}
	first := true
	for _, entry := range entries {
		var events []Event
		if err := json.Unmarshal(entry, &events); err != nil {
			return fmt.Errorf("journal of execution %s: %w", id, err)
		}
		for i := range events {
			if started := events[i].Type == ExecutionStarted && events[i].Start != nil; started != first {
				return fmt.Errorf("journal of execution %s: %s is out of place", id, events[i].Type)
			}
			first = false
			do(&events[i])
		}
	}
	return nil
}

// record applies events to the state and stores them as one entry. The caller has the turn. After an error the state is not
// in memory any more, and the handler under way must not go on.
func (e *Executions) record(ctx context.Context, x *execution, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	s, now := x.state, time.Now().UTC().Truncate(time.Millisecond)
	number, ended := s.events, s.status.ended()
	for i := range events {
		event := &events[i]
		event.At = now
		if event.Type.shown() {
			number++
			event.Number = number
		}
		if o := s.op(event.Operation); o != nil {
			event.Parent, event.Name, event.SubType = o.Parent, o.Name, o.SubType
		}
		s.apply(event)
	}
	err := e.write(ctx, x, events)
	if err != nil {
		x.state, x.run = nil, nil
		return fmt.Errorf("store execution: %w", err)
	}
	if s.status.ended() && !ended {
		e.end(x)
	}
	return nil
}

// write stores events that were applied, and the summary after them.
func (e *Executions) write(ctx context.Context, x *execution, events []Event) error {
	entry, err := json.Marshal(events)
	if err != nil {
		return err
	}
	s := x.state
	e.mu.Lock()
	summary := x.summary
	e.mu.Unlock()
	summary.Status, summary.Ended, summary.Wake = s.status, s.ended, s.wake()
	summary.Open = s.invoke || len(s.chained()) > 0
	data, err := json.Marshal(summary)
	if err != nil {
		return err
	}
	if err := e.journals.Append(ctx, x.id, data, entry); err != nil {
		return err
	}
	e.mu.Lock()
	x.summary = summary
	e.mu.Unlock()
	return nil
}

// end does what the end of an execution brings. The caller has the turn.
func (e *Executions) end(x *execution) {
	s := x.state
	x.run = nil
	close(x.done)
	e.mu.Lock()
	e.setTimer(x, x.summary.wakeAt())
	e.mu.Unlock()
	if s.Parent != "" {
		outcome := childOutcome(s)
		e.begin(func() { e.tell(s.Account, s.Parent, outcome) }) // else the parent asks when it is taken up again
	}
}

// advance does what time brought to an execution and begins what is to run for it.
func (e *Executions) advance(x *execution) {
	if err := e.take(e.ctx, x); err != nil {
		e.later(x, err)
		return
	}
	defer e.give(x)
	if x.state.status != Running {
		e.expire(x)
		return
	}
	e.proceed(x)
}

// proceed does what is due for a running execution. The caller has the turn.
func (e *Executions) proceed(x *execution) {
	s, now := x.state, time.Now()
	s.ripen(now)
	if err := e.record(e.ctx, x, s.due(now)...); err != nil {
		e.later(x, err)
		return
	}
	if s.status != Running {
		return
	}
	for _, o := range s.chained() {
		e.chain(x, o)
	}
	next := s.wake()
	if s.invoke && !x.running {
		if now.Before(x.rest) {
			if x.rest.Before(next) {
				next = x.rest
			}
		} else {
			e.start(x)
		}
	}
	e.mu.Lock()
	e.setTimer(x, next)
	e.mu.Unlock()
}

// storeDelay is how long after an error of the store an execution is looked at again.
const storeDelay = 5 * time.Second

// later has an execution looked at again after an error of ours.
func (e *Executions) later(x *execution, err error) {
	if e.ctx.Err() != nil {
		return
	}
	e.log.Error("durable execution cannot go on", "execution", x.id, "err", err)
	e.mu.Lock()
	e.setTimer(x, time.Now().Add(storeDelay))
	e.mu.Unlock()
}

// expire removes an execution whose retention is over. The caller has the turn.
func (e *Executions) expire(x *execution) {
	e.mu.Lock()
	until := x.summary.wakeAt()
	e.mu.Unlock()
	if time.Now().Before(until) {
		e.mu.Lock()
		e.setTimer(x, until)
		e.mu.Unlock()
		return
	}
	if err := e.journals.Remove(e.ctx, x.id); err != nil {
		e.later(x, err)
		return
	}
	e.mu.Lock()
	e.delist(x)
	e.mu.Unlock()
}

// StopExecution ends an execution; a nil reason leaves the reason to us. It returns when it ended, also if that was before. Errors: lambda.KindNotFound.
func (e *Executions) StopExecution(ctx context.Context, ref lambda.ExecutionRef, reason *Error) (time.Time, error) {
	x, err := e.lookup(ref)
	if err != nil {
		return time.Time{}, err
	}
	if err := e.take(ctx, x); err != nil {
		return time.Time{}, err
	}
	defer e.give(x)
	s := x.state
	if s.status != Running {
		return s.ended, nil
	}
	if reason == nil {
		reason = failed("", "Execution stopped by user request")
	}
	if err := e.record(ctx, x, Event{Type: ExecutionStopped, Operation: s.ID, Error: reason}); err != nil {
		return time.Time{}, err
	}
	return s.ended, nil
}

// seconds writes a number of seconds with its unit.
func seconds(n int) string {
	if n == 1 {
		return "1 second"
	}
	return strconv.Itoa(n) + " seconds"
}
