package runtimeapi

import (
	"encoding/json"

	"thaw.dev/thaw/agent/http1"
)

// Types of refusal. Source: AWS Lambda Runtime API and the Runtime Interface Emulator.
const (
	invalidState     = "InvalidStateTransition"
	invalidRequestID = "InvalidRequestID"
	entityTooLarge   = "RequestEntityTooLarge"
	truncatedRequest = "TruncatedHTTPRequest"
	invalidMode      = "InvalidFunctionResponseMode"
)

// object is an error as both sides of the API know it.
type object struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// errorObject is the payload of an invocation that the platform fails.
func errorObject(errorType, message string) []byte {
	b, _ := json.Marshal(object{message, errorType}) // two strings always encode
	return b
}

func refuse(status int, errorType, message string) http1.Answer {
	return http1.Answer{Status: status, Fields: jsonFields, Body: errorObject(errorType, message)}
}

// refuseState needs mu.
func (s *Server) refuseState(what string) http1.Answer {
	in := s.state.String()
	switch {
	case s.over:
		in = "ended"
	case s.posting:
		in = "being answered"
	}
	return refuse(403, invalidState, "State transition is not allowed: "+what+" while the runtime is "+in)
}

// broken answers a call whose message did not reach the host.
func (s *Server) broken(c *conn) http1.Answer {
	s.mu.Lock()
	if c != nil && s.waiting == c {
		s.waiting = nil
	}
	s.mu.Unlock()
	return refuse(500, "InternalServerError", "the platform is gone; exit")
}

func accepted() http1.Answer {
	return http1.Answer{Status: 202, Fields: jsonFields, Body: []byte(`{"status":"OK"}`)}
}

var jsonFields = []http1.Field{{Name: "Content-Type", Value: "application/json"}}
