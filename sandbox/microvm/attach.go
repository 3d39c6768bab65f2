package microvm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/guest"
)

// errDrives is returned by Attach when a machine has no drive left.
var errDrives = errors.New("too many images are attached")

// Attach mounts an EROFS image.
func (s *Sandbox) Attach(ctx context.Context, image, target string) error {
	return s.step(ctx, "attach to", func(ctx context.Context) error { return s.attach(ctx, image, target) })
}

func (s *Sandbox) attach(ctx context.Context, image, target string) error {
	drive := 1 + slices.Index(s.spec.Mounts, target)
	if s.alive {
		drive = 1 + max(usualMounts, len(s.spec.Mounts)) + s.hotImages
		s.hotImages++ // also if it fails: the guest may have looked at the drive
	} else if drive == 0 {
		return fmt.Errorf("%s is none of the spec's mounts", target)
	}
	if drive >= len(s.drives) {
		return fmt.Errorf("%w: %d", errDrives, s.hotImages-1)
	}
	f, err := openImage(image)
	if err != nil {
		return err
	}
	if s.alive {
		s.drives[drive] = f
		if err := s.vm().SetDrive(ctx, drive, f); err != nil {
			return s.withLastWords(fmt.Errorf("drive %d: %w", drive, err))
		}
		if err := s.conn.Mount(ctx, drive, target); err != nil {
			return s.withLastWords(err)
		}
		return nil
	}
	// The monitor gets it before the start: it may be replaced until then.
	if err := hostfile.Close(s.drives[drive]); err != nil {
		return errors.Join(err, f.Close())
	}
	s.drives[drive] = f
	s.mounts = slices.DeleteFunc(s.mounts, func(m guest.Mount) bool { return m.Drive == drive })
	s.mounts = append(s.mounts, guest.Mount{Drive: drive, Target: target})
	return nil
}
