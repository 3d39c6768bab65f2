package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gvisor.dev/gvisor/pkg/urpc"
	"gvisor.dev/gvisor/runsc/boot"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// Restore starts the sandbox from the snapshot in dir.
func (s *Sandbox) Restore(ctx context.Context, dir string) error {
	if err := s.restore(ctx, dir); err != nil {
		return fmt.Errorf("restore sandbox %s: %w", s.id, err)
	}
	return nil
}

func (s *Sandbox) restore(ctx context.Context, dir string) error {
	fingerprint, err := s.e.fingerprint()
	if err != nil {
		return err
	}
	files, err := openSnapshot(dir, fingerprint)
	if err != nil {
		return err
	}
	defer func() { _ = hostfile.Close(files...) }()
	opts := boot.RestoreOpts{
		FilePayload:   urpc.FilePayload{Files: files},
		HavePagesFile: true,
	}
	// A tenant's code runs from the first moment on, so everything it runs in has to be confined before.
	<-s.joined
	if s.joinErr != nil {
		return s.joinErr
	}
	if err := s.boot(ctx, boot.ContMgrRestore, &opts); err != nil {
		return err
	}
	return s.preferStubsForOOM()
}

// preferStubsForOOM does for a restored sandbox, which has new stubs, what confine does for a started one. Which of them
// is PID 1's cannot be told here; it is small, so the kernel finds a better one to kill.
func (s *Sandbox) preferStubsForOOM() error {
	for _, pid := range family(s.sentry.PID())[1:] {
		err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
		if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
