package fake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
)

// Guest plays the inside of one sandbox. Its return value is PID 1's exit code, and the sandbox ends with it. The
// files are blocking to it as they are to a process, until the sandbox is destroyed, which makes all its calls fail.
type Guest func(in Inside) (code int)

// Inside is what a guest has.
type Inside struct {
	Spec    sandbox.Spec
	Control *os.File // fd 0
	Data    *os.File // fd 1
	Logs    *os.File // fd 2
	// Attached returns the host path of the image that was attached to target, or "".
	Attached func(target string) string
	// Memory is what a checkpoint keeps of the guest, and Restored says that it comes from one: this guest goes on where
	// another was.
	Memory   *Memory
	Restored bool
	// Gate returns at once unless the sandbox is paused, and then when it is resumed or destroyed. A guest calls it after
	// each wait.
	Gate func()
}

// Sandbox is one fake sandbox.
type Sandbox struct {
	e     *Engine
	spec  sandbox.Spec
	host  sandbox.Link
	guest [3]*os.File
	done  chan struct{}

	memory Memory

	mu        sync.Mutex
	started   bool               // guarded by mu; the guest runs or ran
	hot       bool               // guarded by mu; an image was attached while it ran
	paused    chan struct{}      // guarded by mu; closed to resume; nil unless paused
	ended     bool               // guarded by mu; done is closed
	exit      sandbox.ExitStatus // guarded by mu
	stats     sandbox.Stats      // guarded by mu
	limits    sandbox.Limits     // guarded by mu
	images    map[string]string  // guarded by mu; target to image
	guestDone chan struct{}      // closed when the guest returned; nil before it started
}

func newSandbox(e *Engine, spec sandbox.Spec) (*Sandbox, error) {
	s := &Sandbox{e: e, spec: spec, limits: spec.Limits, done: make(chan struct{}), images: map[string]string{}}
	var err error
	if s.host.Control, s.guest[0], err = pair("control"); err == nil {
		if s.host.Data, s.guest[1], err = pair("data"); err == nil {
			s.host.Logs, s.guest[2], err = os.Pipe()
		}
	}
	if err != nil {
		_ = s.closeFiles()
		return nil, fmt.Errorf("make channels: %w", err)
	}
	return s, nil
}

func pair(name string) (host, guest *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), name), os.NewFile(uintptr(fds[1]), name), nil
}

// ID returns the spec's id.
func (s *Sandbox) ID() string { return s.spec.ID }

// Spec returns the spec it was made from.
func (s *Sandbox) Spec() sandbox.Spec { return s.spec }

// Link returns the host's ends.
func (s *Sandbox) Link() sandbox.Link { return s.host }

// Done is closed when the sandbox ended.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// ExitStatus says how.
func (s *Sandbox) ExitStatus() sandbox.ExitStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exit
}

// Start lets the guest play, in a goroutine that Destroy waits for.
func (s *Sandbox) Start(ctx context.Context) error {
	err := s.e.Faults.meet(ctx, AtStart)
	if err == nil {
		err = s.play(false)
	}
	if err != nil {
		return fmt.Errorf("start sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

func (s *Sandbox) play(restored bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return sandbox.ErrState
	}
	if s.ended {
		return errEnded
	}
	s.started = true
	s.guestDone = make(chan struct{})
	in := Inside{
		Spec: s.spec, Control: s.guest[0], Data: s.guest[1], Logs: s.guest[2],
		Attached: s.Attached, Memory: &s.memory, Restored: restored, Gate: s.gate,
	}
	go func() {
		defer close(s.guestDone)
		code := s.e.opts.Guest(in)
		st := sandbox.ExitStatus{Code: code}
		if code != 0 {
			st.Reason = fmt.Sprintf("exit status %d", code)
		}
		s.End(st)
	}()
	return nil
}

// errEnded is returned by steps that need a sandbox that has not ended.
var errEnded = errors.New("the sandbox ended")

// Attach remembers that image is at target. The image must exist.
func (s *Sandbox) Attach(ctx context.Context, image, target string) error {
	err := s.e.Faults.meet(ctx, AtAttach)
	if err == nil {
		_, err = os.Stat(image)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
	case s.ended:
		err = errEnded
	case !s.started && !slices.Contains(s.spec.Mounts, target):
		err = fmt.Errorf("%s is none of the spec's mounts", target)
	}
	if err != nil {
		return fmt.Errorf("attach to sandbox %s: %w", s.spec.ID, err)
	}
	s.images[target] = image
	s.hot = s.hot || s.started
	return nil
}

// Attached returns the image at target, or "".
func (s *Sandbox) Attached(target string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.images[target]
}

// Limit remembers the limits, which nothing enforces; with Options.FixedMemory it refuses more memory than the spec's.
func (s *Sandbox) Limit(l sandbox.Limits) error {
	if most := s.spec.MostMemoryBytes(); s.e.opts.FixedMemory && l.MemoryBytes > most {
		return fmt.Errorf("limit sandbox %s: %d bytes of memory, and it has %d for good", s.spec.ID, l.MemoryBytes, most)
	}
	if err := s.e.Faults.meet(context.Background(), AtLimit); err != nil {
		return fmt.Errorf("limit sandbox %s: %w", s.spec.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
	return nil
}

// Limits returns the limits in force.
func (s *Sandbox) Limits() sandbox.Limits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limits
}

// Stats returns what SetStats said.
func (s *Sandbox) Stats() (sandbox.Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats, nil
}

// SetStats is the knob for Stats: memory, CPU time, OOM kills.
func (s *Sandbox) SetStats(st sandbox.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats = st
}

// End is the knob that ends the sandbox now: the guest's files fail, Done closes, ExitStatus is st. Later calls change
// nothing.
func (s *Sandbox) End(st sandbox.ExitStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.exit = true, st
	for _, f := range s.guest {
		_ = f.Close() // the host reads end of file
	}
	if s.paused != nil {
		close(s.paused)
		s.paused = nil
	}
	close(s.done)
}

// Destroy ends the guest and waits for it.
func (s *Sandbox) Destroy() error {
	if err := s.e.Faults.meet(context.Background(), AtDestroy); err != nil {
		return fmt.Errorf("destroy sandbox %s: %w", s.spec.ID, err)
	}
	s.End(sandbox.ExitStatus{Code: -1, Reason: "destroyed"})
	s.mu.Lock()
	guestDone := s.guestDone
	s.mu.Unlock()
	if guestDone != nil {
		<-guestDone
	}
	err := s.closeFiles()
	s.e.boxes.Remove(s)
	return err
}

func (s *Sandbox) closeFiles() error {
	return hostfile.Close(append(s.guest[:], s.host.Control, s.host.Data, s.host.Logs)...)
}
