package runtimeapi

import (
	"strconv"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// next is GET /2018-06-01/runtime/invocation/next: the runtime is ready for an event. The first call ends init,
// the first after a restore ends that.
func (s *Server) next(c *conn) http1.Answer {
	s.mu.Lock()
	if !s.may(callNext) {
		defer s.mu.Unlock()
		return s.refuseState("next")
	}
	before, ev := s.state, s.event
	var older *conn
	if before != running {
		s.state = idle
		if ev != nil { // came early
			s.state = running
		} else {
			older, s.waiting = s.waiting, c
		}
	}
	s.mu.Unlock()

	older.displace("next")
	var err error
	switch before {
	case starting, restored:
		err = s.send(link.TypeReady, nil, nil)
	case answered:
		err = s.send(link.TypeIdle, nil, nil)
	}
	switch {
	case err != nil:
		return s.broken(c)
	case ev != nil:
		return eventAnswer(ev)
	}
	return http1.Answer{}
}

// eventAnswer is the answer of next. Headers with nothing to say are left out.
func eventAnswer(ev *link.Event) http1.Answer {
	fields := make([]http1.Field, 0, 9)
	fields = append(fields,
		http1.Field{Name: "Content-Type", Value: "application/json"},
		http1.Field{Name: "Lambda-Runtime-Aws-Request-Id", Value: ev.ID},
		http1.Field{Name: "Lambda-Runtime-Deadline-Ms", Value: strconv.FormatInt(ev.DeadlineMS, 10)},
		http1.Field{Name: "Lambda-Runtime-Invoked-Function-Arn", Value: ev.ARN},
	)
	for _, f := range [...]http1.Field{
		{Name: "Lambda-Runtime-Trace-Id", Value: ev.TraceID},
		{Name: "Lambda-Runtime-Client-Context", Value: ev.ClientContext},
		{Name: "Lambda-Runtime-Cognito-Identity", Value: ev.Identity},
		{Name: "Lambda-Runtime-Aws-Tenant-Id", Value: ev.TenantID},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return http1.Answer{Status: 200, Fields: fields, Body: ev.Payload}
}
