package link

import "time"

// Version is the protocol's version, said in Hello. Host and agent of one build always match.
const Version = 4

// MaxFrameBytes bounds the body of one frame; ChunkBytes is how much payload the senders here put into one.
const (
	MaxFrameBytes = 256 << 10
	ChunkBytes    = 128 << 10
)

// Type is the first byte of a frame.
type Type uint8

// Frame types. Host to sandbox below 0x40, sandbox to host from 0x40 on.
const (
	TypeStart      Type = 0x01 // control: StartRequest as JSON
	TypeReset      Type = 0x02 // control: 16-byte nonce
	TypePing       Type = 0x03 // control: any body
	TypeExtend     Type = 0x04 // control: ExtendRequest as JSON
	TypeAnswer     Type = 0x05 // control: AnswerMeta as JSON
	TypeHappening  Type = 0x06 // control: EventMeta as JSON, of an invocation that extensions are told of
	TypeShutdown   Type = 0x07 // control: ShutdownRequest as JSON
	TypeTelemetry  Type = 0x08 // control: meta TelemetryMeta, payload an event for subscribers
	TypeFlush      Type = 0x09 // control: FlushMeta as JSON; the agent delivers what subscribers are to get
	TypeSpecialise Type = 0x10 // data: Specialisation as JSON; may need Chunks
	TypeInvoke     Type = 0x11 // data: meta EventMeta, payload the event
	TypeMore       Type = 0x12 // data: the next part of a payload, both directions
	TypeSnapshot   Type = 0x13 // data: empty; the runtime runs its hooks before a checkpoint and answers Ready; Python's also before Specialise
	TypeRestored   Type = 0x14 // data: Restoration as JSON; the runtime runs its hooks after a restore and answers Ready
	TypeHello      Type = 0x40 // control: HelloMeta as JSON
	TypeExited     Type = 0x41 // control: ExitMeta as JSON
	TypePong       Type = 0x42 // control: the ping's body
	TypeExtended   Type = 0x43 // control: ExtensionMeta as JSON, without a name: the external extensions have registered
	TypeAsk        Type = 0x44 // control: AskMeta as JSON
	TypeListening  Type = 0x45 // control: ExtensionMeta as JSON: the extension asked for its next event
	TypeBroken     Type = 0x46 // control: BrokenMeta as JSON: an extension failed
	TypeShutDown   Type = 0x47 // control: ExtensionMeta as JSON, without a name: the answer to Shutdown
	TypeFlushed    Type = 0x4a // control: FlushMeta as JSON: the answer to Flush
	TypeOutput     Type = 0x4b // control: a line that an external extension printed, at most MaxOutputBytes
	TypeReady      Type = 0x50 // data: empty
	TypeInitError  Type = 0x51 // data: meta ReplyMeta, payload the error object
	TypeResult     Type = 0x52 // data: meta ReplyMeta, payload the result
	TypeError      Type = 0x53 // data: meta ReplyMeta, payload the error object
	TypeIdle       Type = 0x54 // data: empty; the runtime asked for its next event, or, before Ready, is warm and waits for Specialise
	TypeStream     Type = 0x55 // data: meta ReplyMeta, no payload; a streamed result begins
	TypePart       Type = 0x56 // data: the next bytes of it, at least one
	TypeSync       Type = 0x5f // data: the 16-byte nonce of the Reset it answers
)

// Flag is the second byte of a frame.
type Flag uint8

// Flags of a frame.
const (
	FlagMore Flag = 1 // the payload goes on in the next frame, which is TypeMore
	FlagIdle Flag = 2 // on the last frame of a Result or Error: stands for an Idle that would follow at once
)

// NonceBytes is the length of a Reset's nonce.
const NonceBytes = 16

// Kinds of runtime process, for StartRequest.Kind.
const (
	KindFrames = "frames" // bundled bootstrap: gets the data channel as fd 3
	KindHTTP   = "http"   // custom runtime: talks to the agent's Runtime API
)

// StartRequest tells the agent to start the runtime process.
type StartRequest struct {
	// Run numbers the runtime processes of one sandbox; the matching Exited carries it.
	Run  uint32   `json:"run"`
	Kind string   `json:"kind"`
	Argv []string `json:"argv"`
	Env  []string `json:"env"` // "K=V", complete
	Dir  string   `json:"dir"`
	// UID and GID are the user inside the sandbox; the agent itself is root there.
	UID int `json:"uid"`
	GID int `json:"gid"`
	// OpenFiles and Processes are limits per runtime; 0 leaves the default.
	OpenFiles uint64 `json:"open_files,omitempty"`
	Processes uint64 `json:"processes,omitempty"`
	// TmpBytes sizes /tmp, which the agent mounts at the first Start that has one.
	TmpBytes int64 `json:"tmp_bytes,omitempty"`
	// Wrapped says that Argv begins with a wrapper script, of the function's: of kind "frames" it may start a program that
	// talks to the Runtime API instead.
	Wrapped bool `json:"wrapped,omitempty"`
	// Era counts the Resets before; what the agent says of extensions carries it.
	Era uint32 `json:"era,omitempty"`
}

// Specialisation gives a bundled runtime its function. The runtime applies Env, loads Handler, answers Ready.
type Specialisation struct {
	Handler  string            `json:"handler"`
	TaskRoot string            `json:"task_root"` // "/var/task"
	Env      map[string]string `json:"env"`
	// KeepEnv says that the process has its variables from its start, perhaps changed by a wrapper script; Env is empty.
	KeepEnv bool `json:"keep_env,omitempty"`
}

// Restoration tells an initialised runtime that it was restored from a snapshot. The runtime applies Env, mixes Entropy
// into every source of randomness it keeps, runs its hooks, and answers Ready, or InitError if that failed.
type Restoration struct {
	Env     map[string]string `json:"env"`     // variables that differ from those of the snapshot; none before Specialise
	Entropy []byte            `json:"entropy"` // 32 bytes that no other restored runtime gets
	// Rehearse has a runtime that has no function yet, and whose copy nobody waits for, warm up again before it answers.
	Rehearse bool `json:"rehearse,omitempty"`
}

// EventMeta goes with an event.
type EventMeta struct {
	ID            string `json:"id"`
	DeadlineMS    int64  `json:"deadline_ms"` // Unix time in milliseconds
	ARN           string `json:"arn"`         // as the caller named the function
	TraceID       string `json:"trace_id,omitempty"`
	ClientContext string `json:"client_context,omitempty"` // JSON text, already base64-decoded
	Identity      string `json:"identity,omitempty"`       // Cognito identity, JSON text
	// Stream says that the caller takes a result bit by bit, so that one which a custom runtime sends in chunks is
	// passed on like that even if the runtime did not call it streaming.
	Stream   bool   `json:"stream,omitempty"`
	TenantID string `json:"tenant_id,omitempty"` // whom of the function's tenants it is for
}

// ReplyMeta goes with a result or error.
type ReplyMeta struct {
	ID          string `json:"id,omitempty"` // the event's; empty for InitError
	ErrorType   string `json:"error_type,omitempty"`
	ContentType string `json:"content_type,omitempty"`
}

// HelloMeta is the agent's greeting.
type HelloMeta struct {
	Version int `json:"version"`
}

// ExitMeta says how a runtime process ended, or why it could not start.
type ExitMeta struct {
	Run    uint32 `json:"run"`
	Code   int    `json:"code"`             // exit code; -1 if killed by a signal or never started
	Signal string `json:"signal,omitempty"` // "killed", "segmentation fault", …
	// StartError is the error type when the process could not be started: Runtime.InvalidEntrypoint,
	// Runtime.InvalidWorkingDir, or Sandbox.Failure where the fault is ours.
	StartError string `json:"start_error,omitempty"`
	Message    string `json:"message,omitempty"` // with StartError
}

// Event is one event on its way to a runtime.
type Event struct {
	EventMeta
	Payload []byte
}

// Reply is what a runtime made of an event.
type Reply struct {
	ReplyMeta
	Failed   bool      // the runtime posted an error
	Payload  []byte    // result or error object, exactly as the runtime sent it; empty for a result that a Receiver got
	TooLarge bool      // more than the allowed bytes came; Payload is empty
	Idle     bool      // the runtime already asked for its next event
	Streamed int64     // bytes of a streamed result, also of one that an error ended
	Began    time.Time // when the first of it came
}

// Deadline returns m's deadline as a time.
func (m *EventMeta) Deadline() time.Time { return time.UnixMilli(m.DeadlineMS) }
