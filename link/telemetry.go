package link

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// MaxSubscribers is how many extensions of one environment may subscribe to telemetry.
const MaxSubscribers = MaxExtensions

// Subscription is an extension's wish for telemetry.
type Subscription struct {
	ID          int      `json:"id"`             // 0 to MaxSubscribers-1: what Forward calls it
	Name        string   `json:"name"`           // the extension's
	Logs        bool     `json:"logs,omitempty"` // by the Logs API
	RuntimeDone bool     `json:"runtime_done,omitempty"`
	Types       []string `json:"types"` // classes: platform, function, extension
}

// check refuses what no agent of ours lets pass. Names get into log lines.
func (s *Subscription) check() error {
	about := Extension{Name: s.Name}
	if err := about.check(); err != nil {
		return err
	}
	if s.ID < 0 || s.ID >= MaxSubscribers || len(s.Types) == 0 || len(s.Types) > 3 {
		return fmt.Errorf("%w: subscription", ErrProtocol)
	}
	for _, t := range s.Types {
		if t != "platform" && t != "function" && t != "extension" {
			return fmt.Errorf("%w: class of a subscription", ErrProtocol)
		}
	}
	return nil
}

// TelemetryMeta goes with an event for subscribers.
type TelemetryMeta struct {
	To []int `json:"to"` // ids of subscriptions
}

// MaxOutputBytes is how much of an extension's line one frame carries; longer ones come as several lines.
const MaxOutputBytes = 32 << 10

// Printed says who gets the lines that external extensions print, without their newlines. It is called from the session's
// goroutine, must not wait, and must not keep a line.
func (s *Session) Printed(sink func(line []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.printed = sink
}

// output handles a line of an extension.
func (s *Session) output(f Frame) error {
	if f.Flags&FlagMore != 0 {
		return fmt.Errorf("%w: output of an extension", ErrProtocol)
	}
	s.mu.Lock()
	sink := s.printed
	s.mu.Unlock()
	if sink != nil { // also of those that a Reset has ended: it was printed
		sink(f.Body)
	}
	return nil
}

// Subscribers decides about subscriptions; it is asked from the session's goroutine and must not wait.
type Subscribers interface {
	// Subscribe reports whether the subscription is taken.
	Subscribe(Subscription) bool
}

// Accept says who decides about subscriptions. Without it none is taken.
func (s *Session) Accept(by Subscribers) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers = by
}

// subscribe answers a question of the agent.
func (s *Session) subscribe(sub *Subscription, era uint32) Refusal {
	s.mu.Lock()
	by, open := s.subscribers, s.ext.open && era == s.ext.era &&
		slices.ContainsFunc(s.ext.all, func(e *registered) bool { return e.Name == sub.Name })
	s.mu.Unlock()
	if by == nil || !open || !by.Subscribe(*sub) {
		return RefusalClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ext.subscriptions = append(slices.DeleteFunc(s.ext.subscriptions, func(o Subscription) bool { return o.ID == sub.ID }), *sub)
	return ""
}

// flushedTo handles the answer to a Flush.
func (s *Session) flushedTo(f Frame) error {
	var m FlushMeta
	if err := json.Unmarshal(f.Body, &m); err != nil {
		return fmt.Errorf("%w: answer to a flush", ErrProtocol)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.N > s.flushed {
		s.flushed = m.N
		s.changed()
	}
	return nil
}

// Forward sends an event to subscribers inside. It may be called from any goroutine. An error means that the sandbox has
// to be destroyed.
func (s *Session) Forward(to []int, event []byte) error {
	return s.tell(func() error { return s.cw.Message(TypeTelemetry, 0, &TelemetryMeta{to}, event) })
}

// Flush has everything delivered to subscribers that Forward sent, and returns when that is done. It may be called from
// any goroutine. Errors are ErrTimeout and those of Session.Ended.
func (s *Session) Flush(deadline time.Time) error {
	s.mu.Lock()
	s.flushes++
	want := s.flushes
	s.mu.Unlock()
	if err := s.tell(func() error { return s.cw.JSON(TypeFlush, FlushMeta{want}) }); err != nil {
		return err
	}
	return s.await(deadline, func() bool { return s.flushed >= want })
}

// FlushMeta numbers a Flush.
type FlushMeta struct {
	N uint64 `json:"n"`
}
