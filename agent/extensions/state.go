package extensions

import "slices"

// state is where the conversation with one extension stands.
type state uint8

const (
	launched   state = iota // its process was started
	registered              // init: it has not asked for an event yet
	listening               // waits for an event
	working                 // has an event and owes the next call
	failed                  // reported that it cannot go on
	ended                   // its process has ended
)

func (s state) String() string {
	return [...]string{"Started", "Registered", "Ready", "Running", "Failed", "Exited"}[s]
}

// call is a call that depends on the state.
type call uint8

const (
	callRegister call = iota
	callNext
	callInitError
	callExitError
)

// allowed lists the calls that are not refused. Source: AWS's Runtime Interface Emulator.
var allowed = map[call][]state{
	callRegister:  {launched},
	callNext:      {registered, listening, working},
	callInitError: {registered},
	callExitError: {registered, listening, working},
}

func (e *Extension) may(c call) bool { return slices.Contains(allowed[c], e.state) }
