package pool

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/sandbox"
)

// What a slot without a tenant reserves of the memory budget: what one was measured to take (docs/where-the-time-goes.md),
// rounded up.
const (
	hotSlotBytes   = 56 << 20
	emptySlotBytes = 20 << 20
)

// bootTimeout bounds the time from a sandbox's start to its agent's hello. An emulated machine has longer, see
// Launch.allow.
const bootTimeout = 20 * time.Second

// slot is a sandbox, with or without an agent and a runtime in it. A slot in a stock has no tenant; the slot of an
// Environment has one for the rest of its life.
type slot struct {
	launch  Launch
	held    int64 // bytes of the budget, while it is in a stock
	sandbox sandbox.Sandbox
	session *link.Session // nil until the agent is up
	output  *link.Logs    // nil until the agent is up
	sink    atomic.Pointer[func([]byte)]
	running bool // a bundled runtime is up and waits for its function
}

// ID is the sandbox's.
func (s *slot) ID() string { return s.sandbox.ID() }

// create makes the sandbox. from is the directory of the snapshot that it will probably be restored from, if any.
func (s *slot) create(ctx context.Context, from string, tmpBytes int64, l sandbox.Limits) error {
	var err error
	engine := s.launch.Engine
	spec := sandbox.Spec{
		ID:       newID(),
		Root:     s.launch.Image,
		Args:     []string{s.launch.Agent},
		TmpBytes: tmpBytes,
		From:     from,
		Egress:   engine.Capabilities().Network,
		Limits:   l,

		MaxMemoryBytes: s.launch.memory,
	}
	if engine.Capabilities().Snapshot {
		spec.Mounts = []string{taskRoot, layerRoot}
	}
	if s.sandbox, err = engine.Create(ctx, spec); err != nil {
		return fmt.Errorf("create sandbox: %w", err)
	}
	return nil
}

// boot starts the sandbox and opens the conversation with its agent.
func (s *slot) boot(ctx context.Context) error {
	if err := s.sandbox.Start(ctx); err != nil {
		return fmt.Errorf("start sandbox %s: %w", s.ID(), err)
	}
	return s.greet(ctx, link.Open)
}

// openFunc is link.Open or link.Reopen.
type openFunc func(ctx context.Context, control, data *os.File) (*link.Session, error)

// greet opens the conversation with the agent of a sandbox that runs.
func (s *slot) greet(ctx context.Context, open openFunc) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.launch.allow(bootTimeout))
	defer cancel()
	l := s.sandbox.Link()
	if s.output, err = link.NewLogs(l.Logs, s.write); err != nil {
		return fmt.Errorf("open log channel: %w", err)
	}
	go s.output.Run() // ends when Destroy closes the channel
	if s.session, err = open(ctx, l.Control, l.Data); err != nil {
		return fmt.Errorf("sandbox %s: %w", s.ID(), err)
	}
	return nil
}

// write passes on what the sandbox printed; without a tenant nobody wants it.
func (s *slot) write(b []byte) {
	if sink := s.sink.Load(); sink != nil {
		(*sink)(b)
	}
}

// startRuntime begins the runtime process, through wrapper if that is not empty, with the given variables; a bundled one
// then waits for its function.
func (s *slot) startRuntime(wrapper []string, env map[string]string, tmpBytes int64) error {
	err := s.session.Start(link.StartRequest{
		Kind:      s.launch.Kind,
		Argv:      append(slices.Clone(wrapper), s.launch.Argv...),
		Wrapped:   len(wrapper) > 0,
		Env:       flatten(env),
		Dir:       taskRoot,
		UID:       userID,
		GID:       groupID,
		OpenFiles: lambda.MaxOpenFiles,
		Processes: lambda.MaxProcesses,
		TmpBytes:  tmpBytes,
	})
	s.running = err == nil && s.launch.Kind == link.KindFrames
	return err
}

// close destroys the sandbox and waits for everything that read from it.
func (s *slot) close() {
	if s.session != nil {
		s.session.Close()
	}
	if s.sandbox != nil {
		// An error means that something of the sandbox may be left; the engine logged it and its next Sweep removes it.
		_ = s.sandbox.Destroy()
	}
}

func newID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return "sb-" + hex.EncodeToString(b[:])
}
