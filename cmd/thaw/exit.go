package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitFunction    = 2
	exitUsage       = 3
	exitUnreachable = 4
	exitStopped     = 130
)

// exitCodes is the documented table, shown by thaw help.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitFailed, "failed; the message on stderr says why and what to do next"},
	{exitFunction, "thaw invoke: the function ran and failed; its error object is on stdout"},
	{exitUsage, "the command line makes no sense"},
	{exitUnreachable, "no server answers at the endpoint"},
	{exitStopped, "stopped by a signal before it was done; thaw serve: by a second signal, before it was drained"},
}

var (
	// errStopped is why the context of a command ended.
	errStopped = errors.New("stopped by a signal")
	// errReported makes a command exit with 1 without another message: its output has told everything.
	errReported = errors.New("reported")
)

// usageError is a command line that makes no sense.
type usageError struct {
	command string // "thaw invoke"
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// functionError is a function that ran and failed.
type functionError struct{ function, message string }

func (e *functionError) Error() string { return e.function + " failed: " + e.message }

// unreachableError is a server that is not there.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

// hintError is an error with what to do next.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// withHint adds what to do next to an error; nil stays nil.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// failure is what is told about an error.
type failure struct {
	Code    int    `json:"exit_code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// hints are what to do next about what the server answered.
var hints = map[lambda.Kind]string{
	lambda.KindInternal:       "look into the server's log",
	lambda.KindInvalid:        "correct the value and try again",
	lambda.KindValidation:     "correct the value and try again",
	lambda.KindNotFound:       "thaw list shows the functions there are",
	lambda.KindConflict:       "wait until the function's current update is over and try again",
	lambda.KindTooLarge:       "send a smaller event",
	lambda.KindThrottled:      "try again when other invocations are over, or give thaw serve a larger --memory-budget",
	lambda.KindCodeStorage:    "delete functions that are not needed: thaw list, thaw delete",
	lambda.KindInvalidContent: "give a JSON text as event",
	lambda.KindNotReady:       "look into the server's log, then try again",
	lambda.KindEntityTooLarge: "make the deployment package smaller",
}

const ownKeyHint = `take the server's own access key: eval "$(thaw env)"`

// answerHint is what to do next about an answer of the server.
func answerHint(e *client.Error) string {
	if e.Status == http.StatusForbidden {
		return ownKeyHint
	}
	kind, known := api.KindOfType(e.Code)
	if !known {
		return "is this a Thaw server? thaw env prints the endpoint of the one on this host"
	}
	return hints[kind]
}

// explain turns an error into what is told about it. ctx is the command's.
func explain(ctx context.Context, err error) failure {
	f := failure{Code: exitFailed, Message: err.Error(), Hint: "thaw doctor checks this host"}
	if usage, ok := errors.AsType[*usageError](err); ok {
		return failure{exitUsage, usage.Error(), usage.command + " --help shows how it is used"}
	}
	if fn, ok := errors.AsType[*functionError](err); ok {
		return failure{exitFunction, fn.Error(), "thaw logs " + fn.function + " shows what it wrote"}
	}
	hinted, isHinted := errors.AsType[*hintError](err)
	answer, isAnswer := errors.AsType[*client.Error](err)
	_, isNetwork := errors.AsType[*net.OpError](err)
	_, isAbsent := errors.AsType[*unreachableError](err)
	switch {
	case errors.Is(err, errStopped) || errors.Is(context.Cause(ctx), errStopped):
		return failure{exitStopped, errStopped.Error(), ""}
	case isAnswer:
		f.Hint = answerHint(answer)
	case isNetwork || isAbsent:
		f.Code, f.Hint = exitUnreachable, "start the server with thaw serve, or say where it is with --endpoint"
	case errors.Is(err, client.ErrNoCredentials):
		f.Hint = ownKeyHint + ", as the user who runs the server; or name its directory with --data"
	}
	if isHinted {
		f.Hint = hinted.hint
	}
	return f
}

// exitHelp is the table of exit codes as text.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %-4d %s\n", e.code, e.meaning)
	}
	return b.String()
}
