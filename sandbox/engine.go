package sandbox

import (
	"context"
	"errors"
	"os"
	"time"
)

// Engine creates sandboxes. Methods may be called concurrently.
type Engine interface {
	// Name is the engine's name as users type it: "gvisor", "microvm", "fake".
	Name() string
	// Capabilities says what this engine can do on this host. Callers look here, never at Name.
	Capabilities() Capabilities
	// Probe checks that this host can run the engine, by trying where trying is cheap. It changes nothing.
	Probe(ctx context.Context) []Check
	// Fingerprint names everything a snapshot of this engine depends on besides its spec, its root image and its
	// attached images: this program, the engine's version and settings, the kernel and the CPU's features. A snapshot
	// is only ever restored where the fingerprint is the one it was made with. Empty without Capabilities.Snapshot.
	Fingerprint() string
	// Sweep removes everything earlier processes with the same state directory left on this host: processes, mounts,
	// cgroups, files. It is called once, before the first Create.
	Sweep(ctx context.Context) error
	// Create makes a sandbox in state Created. The cancellation of ctx stops it; nothing is left then.
	Create(ctx context.Context, spec Spec) (Sandbox, error)
	// Close destroys every sandbox that is still there and releases the engine.
	Close() error
}

// Capabilities are an engine's optional abilities.
type Capabilities struct {
	Pause    bool // Pause and Resume work
	Snapshot bool // Checkpoint and Restore work
	Network  bool // Spec.Egress is honoured
	Isolated bool // code inside cannot reach the host: false only for an engine that runs no user code

	// FixedMemory says that a sandbox can never have more memory than Spec.MaxMemoryBytes, so that callers must know
	// it before they know the function.
	FixedMemory bool

	// Bound says that a sandbox is made for what Spec.From names: to restore anything else in it takes as long as to make
	// another sandbox first.
	Bound bool

	// OverheadBytes is what a sandbox takes of the host's memory beyond what its limits count: the engine's own
	// processes. 0 means little enough for callers to have a figure of their own.
	OverheadBytes int64

	// Monitor and Accelerator say, for people, what the virtual machines of an engine that has them run on: such as "qemu",
	// and "kvm" or "tcg", which is emulation.
	Monitor, Accelerator string
}

// Check is one line of Probe's report.
type Check struct {
	Name   string `json:"name"`             // what was looked at, e.g. "systrap platform"
	OK     bool   `json:"ok"`               // whether it is as it must be
	Must   bool   `json:"must"`             // without it the engine cannot work
	Detail string `json:"detail"`           // what was found
	Remedy string `json:"remedy,omitempty"` // what to do, empty if OK
}

// Spec describes a sandbox to create. None of it depends on a function, so that sandboxes can wait for one.
type Spec struct {
	// ID names the sandbox: [a-z0-9-]{1,40}, unique on this host for the engine's lifetime.
	ID string
	// Root is the host path of the runtime image, an EROFS file, mounted read-only as the root.
	Root string
	// Args is the argument vector of PID 1; usually just the agent's path inside the image.
	Args []string
	// Env is the environment of PID 1, "K=V".
	Env []string
	// TmpBytes is the size of /tmp; 0 means 512 MiB. What is in /tmp is disk and does not count as memory.
	TmpBytes int64
	// Mounts are directories of the root image, absolute, at which Attach can mount an image before Start or Restore.
	// One that got none by then is empty. Only such images may be there when a sandbox is checkpointed.
	Mounts []string
	// Egress gives the sandbox a network device whose traffic the host forwards under its egress policy. Without it
	// there is only loopback.
	Egress bool
	// MaxMemoryBytes is the most that Limits.MemoryBytes will ever be. Engines with Capabilities.FixedMemory size the
	// guest by it and refuse a higher limit; to the others it means nothing. 0 means the greater of 512 MiB and
	// Limits.MemoryBytes.
	MaxMemoryBytes int64
	// From is the directory of the snapshot that the sandbox will probably be restored from. Engines that have something
	// to prepare for that do it in Create; Start, and Restore from another one, may take longer then. Empty if Start is
	// what will probably come.
	From string
	// Limits apply from creation on; see Sandbox.Limit.
	Limits Limits
}

// Limits bound what one sandbox may use of the host. A zero member means "unlimited".
type Limits struct {
	// MemoryBytes is what the tenant may use. Engines add their own overhead to it.
	MemoryBytes int64
	// CPUMillis is the share of CPU in thousandths of one CPU.
	CPUMillis int
	// Pids bounds processes and threads on the host, including the engine's own.
	Pids int
	// Background gives the sandbox CPU time only when nobody else wants it: for those that are prepared ahead of need.
	Background bool
}

// Stats is what one sandbox uses now and has used.
type Stats struct {
	MemoryBytes     int64         // resident now, without the engine's overhead
	PeakMemoryBytes int64         // highest so far, without the engine's overhead
	CPU             time.Duration // CPU time used, user and system
	OOMKills        int           // processes inside that the memory limit killed
}

// Link is the host's side of a sandbox's three byte channels. All are non-blocking files that support deadlines; the
// sandbox owns and closes them. Frames on Control and Data are package link's. What processes inside have written to Logs can
// be read before what they write to Control and Data after that: hosts know by this to which invocation output belongs. It
// holds for as much as a socket takes; beyond that writers wait for the host anyway.
type Link struct {
	Control *os.File // fd 0 of PID 1, both directions
	Data    *os.File // fd 1 of PID 1, both directions
	Logs    *os.File // fd 2 of PID 1, from the sandbox only, raw bytes
}

// ExitStatus says how a sandbox ended.
type ExitStatus struct {
	Code   int    // exit code of PID 1, -1 if it has none
	Reason string // short text for the log; empty for a normal exit
}

// Sandbox is one isolated machine.
type Sandbox interface {
	// ID is the spec's.
	ID() string
	// Link returns the channels; valid from creation until Destroy.
	Link() Link
	// Start boots the agent. It returns when the sandbox runs, which is before the agent's hello.
	Start(ctx context.Context) error
	// Attach mounts the EROFS image at the host path image read-only on the directory target, which exists in the
	// root image. While running, at any directory; before Start or Restore, at one of Spec.Mounts.
	Attach(ctx context.Context, image, target string) error
	// Limit replaces the limits. In every state before destroyed.
	Limit(l Limits) error
	// Stats reads the use of resources. In every state before destroyed.
	Stats() (Stats, error)
	// Pause stops all of the sandbox's CPU use, including code that spins, and what it holds stays as it is. Resume
	// continues it. ErrUnsupported without Capabilities.Pause.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	// Checkpoint writes the running sandbox's state into dir, an empty directory of the caller's; the sandbox goes on
	// running. ErrState for a sandbox with images that were attached while it ran.
	//
	// Restore starts a created sandbox from dir instead of by Start. Its spec, apart from ID and Limits, and the images
	// attached to Mounts must be those of the sandbox that was checkpointed, and the engine's Fingerprint the same:
	// the caller keeps track of that. What dir holds may be damaged: then Restore fails, and nothing worse. The guest
	// goes on where it was, with the new sandbox's link: its file descriptors 0, 1 and 2 lead there, what was in flight
	// on the old ones is lost, and network connections are broken. Several sandboxes may be restored from one dir.
	// ErrUnsupported without Capabilities.Snapshot.
	Checkpoint(ctx context.Context, dir string) error
	Restore(ctx context.Context, dir string) error
	// Done is closed when the sandbox ended, for whatever reason. ExitStatus is valid then.
	Done() <-chan struct{}
	ExitStatus() ExitStatus
	// Destroy ends the sandbox and removes every trace of it. Idempotent.
	Destroy() error
}

// Errors of this contract. Match with errors.Is.
var (
	// ErrUnsupported is returned by methods whose capability the engine lacks.
	ErrUnsupported = errors.New("not supported by this engine")
	// ErrState is returned for a step the life cycle does not allow.
	ErrState = errors.New("not allowed in this state")
	// ErrDestroyed is returned by every method after Destroy.
	ErrDestroyed = errors.New("sandbox is destroyed")
)

// NoPause answers ErrUnsupported; engines without the capability embed it.
type NoPause struct{}

// Pause returns ErrUnsupported.
func (NoPause) Pause(context.Context) error { return ErrUnsupported }

// Resume returns ErrUnsupported.
func (NoPause) Resume(context.Context) error { return ErrUnsupported }

// NoSnapshot answers ErrUnsupported; engines without the capability embed it.
type NoSnapshot struct{}

// Checkpoint returns ErrUnsupported.
func (NoSnapshot) Checkpoint(context.Context, string) error { return ErrUnsupported }

// Restore returns ErrUnsupported.
func (NoSnapshot) Restore(context.Context, string) error { return ErrUnsupported }
