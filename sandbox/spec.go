package sandbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
)

var idPattern = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// ErrSpec is returned by Create for a spec that can never work.
var ErrSpec = errors.New("bad sandbox spec")

// Check says what is wrong with s, without looking at the host. Guard calls it before the engine sees the spec.
func (s *Spec) Check() error {
	switch {
	case !idPattern.MatchString(s.ID):
		return fmt.Errorf("%w: id %q", ErrSpec, s.ID)
	case !filepath.IsAbs(s.Root):
		return fmt.Errorf("%w: root %q is not an absolute path", ErrSpec, s.Root)
	case len(s.Args) == 0 || !filepath.IsAbs(s.Args[0]):
		return fmt.Errorf("%w: PID 1 needs an absolute path, got %q", ErrSpec, s.Args)
	case slices.ContainsFunc(s.Mounts, func(m string) bool { return !filepath.IsAbs(m) || filepath.Clean(m) != m || m == "/" }):
		return fmt.Errorf("%w: mounts %q are not all absolute directories", ErrSpec, s.Mounts)
	case s.Limits.MemoryBytes < 0 || s.Limits.CPUMillis < 0 || s.Limits.Pids < 0 || s.TmpBytes < 0 || s.MaxMemoryBytes < 0:
		return fmt.Errorf("%w: negative size or limit", ErrSpec)
	case s.MaxMemoryBytes > 0 && s.Limits.MemoryBytes > s.MaxMemoryBytes:
		return fmt.Errorf("%w: memory limit %d above the most it may be, %d", ErrSpec, s.Limits.MemoryBytes, s.MaxMemoryBytes)
	}
	return nil
}

// defaultMaxMemoryBytes is what Spec.MaxMemoryBytes means at least if it is 0.
const defaultMaxMemoryBytes = 512 << 20

// MostMemoryBytes is the most that Limits.MemoryBytes may ever be, with MaxMemoryBytes's default.
func (s *Spec) MostMemoryBytes() int64 {
	if s.MaxMemoryBytes > 0 {
		return s.MaxMemoryBytes
	}
	return max(defaultMaxMemoryBytes, s.Limits.MemoryBytes)
}
