package lambda

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies what went wrong for a caller. The list is closed and append-only; package api maps each kind to a
// wire type and HTTP status. Errors that carry no Kind are ours: the caller sees ServiceException.
type Kind int

// Kinds of error. The zero Kind is KindInternal.
const (
	KindInternal          Kind = iota // we failed; the text is for the log only
	KindInvalid                       // a value makes no sense (InvalidParameterValueException)
	KindValidation                    // a value breaks the API model's constraints (ValidationException)
	KindNotFound                      // no such resource
	KindConflict                      // the resource is in a state that forbids the call, or exists already
	KindPrecondition                  // RevisionId does not match
	KindTooLarge                      // request body over the limit of the operation
	KindThrottled                     // a concurrency or rate limit was reached; Reason says which
	KindCodeStorage                   // the account's code storage is full
	KindInvalidContent                // request body is not the JSON it must be
	KindUnsupportedMedia              // content type is not JSON
	KindNotReady                      // the function cannot be invoked yet
	KindDenied                        // authenticated, not allowed
	KindNotImplemented                // the operation exists in Lambda but not here yet
	KindUnknownOperation              // no operation has this method and path
	KindEntityTooLarge                // the whole create or update request is too large
	KindSnapStartNotReady             // the version's snapshot is still being made
	KindNoProvisioned                 // the version or alias has no provisioned concurrency
	KindAliasLimit                    // the function has as many aliases as it may have
	KindPolicyLength                  // a resource policy would be too long
	KindPublicPolicy                  // a resource policy would let everybody in where that is forbidden
	KindNoCodeSigning                 // no such code signing configuration
	KindCodeVerification              // code lacks the signature that its configuration demands
	KindInvalidSignature              // the code's signature is not of the code
	KindRecursive                     // an invocation is one of a loop
	KindResourceInUse                 // somebody else is working on the resource
	KindEventTooLarge                 // headers and request line are too large
	KindSnapStartTimeout              // restoring the version's snapshot took too long
	KindSnapStart                     // the version's snapshot, or its hook, failed
	KindExecutionExists               // a durable execution of that name was started with another input
	KindCallbackTimeout               // a callback has ended, or nobody waits for it any more
)

// Error is an error whose text may be shown to the caller.
type Error struct {
	Kind   Kind
	Msg    string // for the caller
	Reason string // KindThrottled: the documented throttle reason
	Err    error  // for the log; may be nil

	// RetryAfter is when it makes sense to try again, for KindThrottled; 0 if that is not known.
	RetryAfter time.Duration
}

// Errorf builds an *Error whose message is for the caller.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Msg + ": " + e.Err.Error()
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, KindInternal if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}
