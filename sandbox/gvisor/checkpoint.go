package gvisor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gvisor.dev/gvisor/pkg/sentry/control"
	"gvisor.dev/gvisor/pkg/state/statefile"
	"gvisor.dev/gvisor/pkg/urpc"
	"gvisor.dev/gvisor/runsc/boot"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox"
)

// Checkpoint writes the sandbox's state into dir. The guest stands still meanwhile. Files are not synced.
func (s *Sandbox) Checkpoint(ctx context.Context, dir string) error {
	if s.hot {
		return fmt.Errorf("checkpoint sandbox %s: %w: an image was attached while it ran", s.id, sandbox.ErrState)
	}
	if err := s.checkpoint(ctx, dir); err != nil {
		return fmt.Errorf("checkpoint sandbox %s: %w", s.id, err)
	}
	return nil
}

func (s *Sandbox) checkpoint(ctx context.Context, dir string) error {
	fingerprint, err := s.e.fingerprint()
	if err != nil {
		return err
	}
	var files []*os.File
	defer func() { _ = hostfile.Close(files...) }()
	for _, name := range snapshotFiles {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	opts := control.SaveOpts{
		// Uncompressed, pages go to a file of their own, from which they are read beside the decoding of the rest.
		Metadata:                       statefile.CompressionLevelNone.ToMetadata(),
		HavePagesFile:                  true,
		AppMFExcludeCommittedZeroPages: true,
		FilePayload:                    urpc.FilePayload{Files: files},
		Resume:                         true,
	}
	if err := s.call(ctx, func(c *urpc.Client) error { return c.Call(boot.ContMgrCheckpoint, &opts, nil) }); err != nil {
		return err
	}
	return describe(dir, fingerprint, files)
}
