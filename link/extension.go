package link

import (
	"fmt"
	"time"
)

// MaxExtensions is how many extensions, external and internal ones together, one environment may have. Source: AWS
// Lambda Extensions API.
const MaxExtensions = 10

// MaxExtensionName bounds the name of an extension, in bytes.
const MaxExtensionName = 255

// Events that extensions can subscribe to. Source: AWS Lambda Extensions API.
const (
	EventInvoke   = "INVOKE"
	EventShutdown = "SHUTDOWN"
)

// What the platform says of extensions that fail. Source: AWS's Runtime Interface Emulator.
const (
	ExtensionInitError   = "Extension.InitError"   // it reported that it cannot start
	ExtensionExitError   = "Extension.ExitError"   // it reported that it cannot go on
	ExtensionCrash       = "Extension.Crash"       // its process ended
	ExtensionLaunchError = "Extension.LaunchError" // its process could not be started
)

// ShutdownReason tells extensions why they have to end. Source: AWS Lambda Extensions API.
type ShutdownReason string

// Reasons of a shutdown.
const (
	ReasonSpindown ShutdownReason = "spindown" // the environment ends
	ReasonTimeout  ShutdownReason = "timeout"  // an invocation took too long; a reset
	ReasonFailure  ShutdownReason = "failure"  // the runtime or an extension failed; a reset
)

// How long runtime and extensions have to end. Source: AWS Lambda developer guide, "Lambda execution environment
// lifecycle".
const (
	InternalShutdown = 500 * time.Millisecond // with internal extensions only
	ExternalShutdown = 2 * time.Second
)

// Extension is one that registered.
type Extension struct {
	Name     string   `json:"name"`
	External bool     `json:"external,omitempty"` // a process of its own, from /opt/extensions
	Events   []string `json:"events"`             // of EventInvoke and EventShutdown
}

// Wants reports whether the extension subscribed to the event.
func (e *Extension) Wants(event string) bool {
	for _, have := range e.Events {
		if have == event {
			return true
		}
	}
	return false
}

// check refuses what no agent of ours lets pass. Names get into log lines.
func (e *Extension) check() error {
	if e.Name == "" || len(e.Name) > MaxExtensionName || len(e.Events) > 2 {
		return fmt.Errorf("%w: extension's name or events", ErrProtocol)
	}
	for i := range len(e.Name) {
		if c := e.Name[i]; c < ' ' || c == 0x7f {
			return fmt.Errorf("%w: control character in an extension's name", ErrProtocol)
		}
	}
	for i, event := range e.Events {
		if event != EventInvoke && event != EventShutdown || i == 1 && event == e.Events[0] {
			return fmt.Errorf("%w: extension's event", ErrProtocol)
		}
	}
	return nil
}

// ExtendRequest tells the agent to start the external extensions, which are the files in /opt/extensions. Members are
// those of StartRequest.
type ExtendRequest struct {
	Era       uint32   `json:"era,omitempty"`
	Env       []string `json:"env"`
	UID       int      `json:"uid"`
	GID       int      `json:"gid"`
	OpenFiles uint64   `json:"open_files,omitempty"`
	Processes uint64   `json:"processes,omitempty"`
	TmpBytes  int64    `json:"tmp_bytes,omitempty"`
}

// ExtensionMeta says something of an extension.
type ExtensionMeta struct {
	Era   uint32 `json:"era,omitempty"`
	Name  string `json:"name,omitempty"`
	After string `json:"after,omitempty"` // id of the last invocation it was told of; empty after init
}

// BrokenMeta says that an extension failed.
type BrokenMeta struct {
	Era     uint32 `json:"era,omitempty"`
	Name    string `json:"name"`
	Type    string `json:"type"`    // one of the constants
	Message string `json:"message"` // what happened, or the error type that the extension named
}

// AskMeta is a question to the host. One of its members besides ID and Era is set.
type AskMeta struct {
	ID  uint32 `json:"id"` // the answer's
	Era uint32 `json:"era,omitempty"`
	// Register asks whether the extension may register.
	Register *Extension `json:"register,omitempty"`
	// Subscribe asks whether the extension may have telemetry.
	Subscribe *Subscription `json:"subscribe,omitempty"`
	// Token asks for the environment's metadata; it is what the caller showed as the token.
	Token *string `json:"token,omitempty"`
}

// AnswerMeta answers a question.
type AnswerMeta struct {
	ID      uint32  `json:"id"`
	Refusal Refusal `json:"refusal,omitempty"`
	// Registered answers Register.
	Registered *Registration `json:"registered,omitempty"`
	// Zone answers Token; it is not to be remembered for long if Passing.
	Zone    string `json:"zone,omitempty"`
	Passing bool   `json:"passing,omitempty"`
}

// Registration is what an extension that registered gets to know.
type Registration struct {
	Identifier string `json:"identifier"` // UUID
	Function   string `json:"function"`
	Version    string `json:"version"`
	Handler    string `json:"handler"`
	Account    string `json:"account"`
}

// Refusal is why the host does not answer a question; empty if it does.
type Refusal string

// Refusals.
const (
	RefusalClosed  Refusal = "closed"   // init is over
	RefusalTooMany Refusal = "too many" // there are MaxExtensions
	RefusalTaken   Refusal = "taken"    // the name is
	RefusalToken   Refusal = "token"    // it is not this environment's
)

// ShutdownRequest tells the agent to have the runtime and the extensions end.
type ShutdownRequest struct {
	Reason     ShutdownReason `json:"reason"`
	BudgetMS   int64          `json:"budget_ms"`   // when it is used up what is left is killed
	DeadlineMS int64          `json:"deadline_ms"` // the same as Unix time
}

// ExtensionError says that an extension failed, and with it the environment.
type ExtensionError struct {
	Name    string
	Type    string // ExtensionCrash, …
	Message string // not trusted to be of any form
}

func (e *ExtensionError) Error() string {
	return "extension " + e.Name + ": " + e.Type + ": " + e.Message
}
