package extensions

import (
	"thaw.dev/thaw/agent/http1"
)

// next is GET /2020-01-01/extension/event/next: the extension has done what it had to, and waits for its next event. The
// first call ends its part of init. A client that leaves while it waits is not missed until it calls again.
func (r *Registry) next(req *http1.Request) http1.Answer {
	e, refusal := r.Caller(req)
	if e == nil {
		return refusal
	}
	r.mu.Lock()
	switch {
	case r.closed:
		r.mu.Unlock()
		return *gone()
	case !e.may(callNext):
		defer r.mu.Unlock()
		return e.refuseState("event/next")
	}
	if event := e.pending; event != nil {
		e.pending, e.state = nil, working
		r.mu.Unlock()
		return *event
	}
	if e.waiting != nil {
		displaced := refuse(403, "Extension.InvalidExtensionState", "another call of event/next took the place of this one")
		e.waiting <- &displaced
	}
	before, after := e.state, e.after
	waiting := make(chan *http1.Answer, 1)
	e.waiting, e.state = waiting, listening
	report := before != listening && !r.ending
	r.mu.Unlock()
	if report {
		r.host.Listening(e.about.Name, after)
	}
	return *<-waiting // always comes: Close answers every call that waits
}
