package fake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"thaw.dev/thaw/sandbox"
)

// Memory is the part of a guest that checkpoints keep. The zero value is empty. Its methods may be called concurrently.
type Memory struct {
	mu sync.Mutex
	b  []byte // guarded by mu
}

// Load returns a copy of what Store stored last.
func (m *Memory) Load() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.b)
}

// Store replaces the content.
func (m *Memory) Store(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b = slices.Clone(b)
}

// snapshotFile is the one file of a snapshot; tests damage it.
const snapshotFile = "fake.json"

// snapshot is what it contains, as JSON.
type snapshot struct {
	Fingerprint string   `json:"fingerprint"`
	Mounts      []string `json:"mounts"`
	MemoryBytes int64    `json:"memory_bytes"` // with Options.FixedMemory; else 0
	Memory      []byte   `json:"memory"`
}

// Checkpoint writes the guest's Memory into dir.
func (s *Sandbox) Checkpoint(ctx context.Context, dir string) error {
	if err := s.checkpoint(ctx, dir); err != nil {
		return fmt.Errorf("checkpoint sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

func (s *Sandbox) checkpoint(ctx context.Context, dir string) error {
	if s.e.opts.NoSnapshot {
		return sandbox.ErrUnsupported
	}
	if err := s.e.Faults.meet(ctx, AtCheckpoint); err != nil {
		return err
	}
	s.mu.Lock()
	hot, ended := s.hot, s.ended
	s.mu.Unlock()
	if hot {
		return fmt.Errorf("%w: an image was attached while it ran", sandbox.ErrState)
	}
	if ended {
		return errEnded
	}
	b, err := json.Marshal(snapshot{Fingerprint: s.e.opts.Fingerprint, Mounts: s.spec.Mounts, MemoryBytes: s.fixedMemory(), Memory: s.memory.Load()})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, snapshotFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// Restore lets the guest play with the Memory of the snapshot in dir.
func (s *Sandbox) Restore(ctx context.Context, dir string) error {
	if err := s.restore(ctx, dir); err != nil {
		return fmt.Errorf("restore sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

func (s *Sandbox) restore(ctx context.Context, dir string) error {
	if s.e.opts.NoSnapshot {
		return sandbox.ErrUnsupported
	}
	if err := s.e.Faults.meet(ctx, AtRestore); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, snapshotFile))
	if err != nil {
		return err
	}
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("unusable snapshot: %w", err)
	}
	if snap.Fingerprint != s.e.opts.Fingerprint || !slices.Equal(snap.Mounts, s.spec.Mounts) || snap.MemoryBytes != s.fixedMemory() {
		return fmt.Errorf("unusable snapshot: made by %q with mounts %q and %d bytes of memory", snap.Fingerprint, snap.Mounts, snap.MemoryBytes)
	}
	s.memory.Store(snap.Memory)
	return s.play(true)
}

// fixedMemory is the memory that it can never have more of; 0 if it can.
func (s *Sandbox) fixedMemory() int64 {
	if !s.e.opts.FixedMemory {
		return 0
	}
	return s.spec.MostMemoryBytes()
}
