package link

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Description is what a sandbox may ask about the environment that it is.
type Description struct {
	Function, Version, Handler, Account string

	Zone  string // the availability zone's id
	Token string // who asks for metadata must show it; empty: nobody may
	// Passing says that copies of the sandbox will be elsewhere: a snapshot is about to be made.
	Passing bool
}

// Describe says what questions out of the sandbox are answered with. Without it none is.
func (s *Session) Describe(d Description) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.about = d
}

// registered is an extension as the host knows it.
type registered struct {
	Extension
	listens bool // it asked for its next event and got none since
}

// extended is what a session knows of extensions; all members are guarded by its mu.
type extended struct {
	era   uint32 // Resets so far
	open  bool   // init goes on: extensions may register
	all   []*registered
	began bool   // the external extensions have registered
	event string // id of the last invocation that extensions were told of
	down  bool   // the answer to Shutdown has come

	subscriptions []Subscription // those that were taken, the last of each id
}

// Extensions returns those that registered since the last Reset. It may be called from any goroutine.
func (s *Session) Extensions() []Extension {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Extension
	for _, e := range s.ext.all {
		all = append(all, e.Extension)
	}
	return all
}

// Extend starts the external extensions and waits until each has registered. It must come before the Start or
// Specialise of the same init. Errors: *ExtensionError, ErrTimeout, ErrProtocol, ErrClosed.
func (s *Session) Extend(req ExtendRequest, deadline time.Time) error {
	s.mu.Lock()
	s.ext.open, s.ext.began = true, false
	req.Era = s.ext.era
	s.mu.Unlock()
	if err := s.tell(func() error { return s.cw.JSON(TypeExtend, req) }); err != nil {
		return err
	}
	return s.await(deadline, func() bool { return s.ext.began })
}

// endInit waits until every extension has asked for its first event, which ends init: nobody can register any more.
func (s *Session) endInit(deadline time.Time) error {
	over := func() bool {
		if !s.allListen() {
			return false
		}
		s.ext.open = false
		s.subscribed = slices.ContainsFunc(s.ext.all, func(e *registered) bool { return e.Wants(EventInvoke) })
		return true
	}
	s.mu.Lock()
	done := over()
	s.mu.Unlock()
	if done {
		return nil
	}
	return s.await(deadline, over)
}

// allListen needs mu.
func (s *Session) allListen() bool {
	return !slices.ContainsFunc(s.ext.all, func(e *registered) bool { return !e.listens })
}

// Announces reports whether there are extensions that are told of invocations.
func (s *Session) Announces() bool { return s.subscribed }

// announce tells the extensions that subscribed to it of an invocation.
func (s *Session) announce(ev *EventMeta) error {
	s.mu.Lock()
	s.ext.event = ev.ID
	for _, e := range s.ext.all {
		if e.Wants(EventInvoke) {
			e.listens = false
		}
	}
	s.mu.Unlock()
	return s.tell(func() error { return s.cw.JSON(TypeHappening, ev) })
}

// extensionsIdle reports whether all extensions wait for their next event.
func (s *Session) extensionsIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allListen()
}

// shutdownGrace is how much longer than the budget the host waits for the agent.
const shutdownGrace = 500 * time.Millisecond

// ShutdownBudget is how long Shutdown gives the sandbox; 0 without extensions. It may be called from any goroutine.
func (s *Session) ShutdownBudget() time.Duration {
	var budget time.Duration
	for _, e := range s.Extensions() {
		budget = max(budget, InternalShutdown)
		if e.External {
			budget = ExternalShutdown
		}
	}
	return budget
}

// Shutdown has the runtime and the extensions end, within the budget that AWS gives them, and returns when they have. It
// returns at once if there are no extensions. Afterwards a Reset, or the sandbox's end, has to follow. Unlike the others
// it may be called while another goroutine uses the session. Errors are ErrTimeout and ErrClosed.
func (s *Session) Shutdown(reason ShutdownReason) error {
	budget := s.ShutdownBudget()
	if budget == 0 {
		return nil
	}
	deadline := time.Now().Add(budget)
	req := ShutdownRequest{Reason: reason, BudgetMS: budget.Milliseconds(), DeadlineMS: deadline.UnixMilli()}
	if err := s.tell(func() error { return s.cw.JSON(TypeShutdown, req) }); err != nil {
		return err
	}
	timer := time.NewTimer(time.Until(deadline) + shutdownGrace)
	defer timer.Stop()
	for {
		s.mu.Lock()
		down, news := s.ext.down, s.news
		s.mu.Unlock()
		if down {
			return nil
		}
		select {
		case <-news:
		case <-s.done:
			return ErrClosed
		case <-timer.C:
			return ErrTimeout
		}
	}
}

// await returns when done, which is called with mu, reports true. Errors are those of Session.Ended, and ErrTimeout.
func (s *Session) await(deadline time.Time, done func() bool) error {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		s.mu.Lock()
		ok, ended, news := done(), s.ended, s.news
		s.mu.Unlock()
		switch {
		case ended != nil:
			return ended
		case ok:
			return nil
		}
		select {
		case <-news:
		case <-timer.C:
			return ErrTimeout
		}
	}
}

// changed needs mu. It wakes all who await something.
func (s *Session) changed() {
	close(s.news)
	s.news = make(chan struct{})
}

// extensionFrame handles what the agent says of extensions.
func (s *Session) extensionFrame(f Frame) error {
	var m ExtensionMeta
	if err := json.Unmarshal(f.Body, &m); err != nil {
		return fmt.Errorf("%w: message of type %#x", ErrProtocol, uint8(f.Type))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Era != s.ext.era {
		return nil // of those that a Reset has ended
	}
	switch f.Type {
	case TypeExtended:
		s.ext.began = true
	case TypeShutDown:
		s.ext.down = true
	default:
		for _, e := range s.ext.all {
			if e.Name == m.Name && m.After == s.after(e) {
				e.listens = true
			}
		}
	}
	s.changed()
	return nil
}

// after needs mu. It is the id of the invocation that e was told of last.
func (s *Session) after(e *registered) string {
	if !e.Wants(EventInvoke) {
		return ""
	}
	return s.ext.event
}

// broken handles the failure of an extension.
func (s *Session) broken(f Frame) error {
	var m BrokenMeta
	if err := json.Unmarshal(f.Body, &m); err != nil {
		return fmt.Errorf("%w: failure of an extension", ErrProtocol)
	}
	switch m.Type {
	case ExtensionInitError, ExtensionExitError, ExtensionCrash, ExtensionLaunchError:
	default:
		return fmt.Errorf("%w: failure of an extension", ErrProtocol)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Era == s.ext.era && s.ended == nil {
		s.ended = &ExtensionError{Name: m.Name, Type: m.Type, Message: m.Message}
		s.setDeadline()
		s.changed()
	}
	return nil
}

// asked answers a question of the agent.
func (s *Session) asked(f Frame) error {
	var ask AskMeta
	if err := json.Unmarshal(f.Body, &ask); err != nil {
		return fmt.Errorf("%w: question", ErrProtocol)
	}
	answer := AnswerMeta{ID: ask.ID}
	switch {
	case ask.Register != nil:
		if err := ask.Register.check(); err != nil {
			return err
		}
		answer.Registered, answer.Refusal = s.register(ask.Register, ask.Era)
	case ask.Subscribe != nil:
		if err := ask.Subscribe.check(); err != nil {
			return err
		}
		answer.Refusal = s.subscribe(ask.Subscribe, ask.Era)
	case ask.Token != nil:
		answer.Zone, answer.Passing, answer.Refusal = s.zone(*ask.Token)
	default:
		return fmt.Errorf("%w: question", ErrProtocol)
	}
	return s.tell(func() error { return s.cw.JSON(TypeAnswer, answer) })
}

func (s *Session) register(e *Extension, era uint32) (*Registration, Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.ext.open || era != s.ext.era || s.about == (Description{}):
		return nil, RefusalClosed
	case slices.ContainsFunc(s.ext.all, func(other *registered) bool { return other.Name == e.Name }):
		return nil, RefusalTaken
	case len(s.ext.all) >= MaxExtensions:
		return nil, RefusalTooMany
	}
	s.ext.all = append(s.ext.all, &registered{Extension: *e})
	return &Registration{
		Identifier: newUUID(), Function: s.about.Function, Version: s.about.Version, Handler: s.about.Handler,
		Account: s.about.Account,
	}, ""
}

func (s *Session) zone(token string) (zone string, passing bool, why Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.about.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.about.Token)) != 1 {
		return "", false, RefusalToken
	}
	return s.about.Zone, s.about.Passing, ""
}

// newUUID returns a random UUID of version 4. Source: RFC 9562.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
