package sandboxtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
)

// moments are when things go wrong during a checkpoint or restore.
var moments = []time.Duration{
	0, 100 * time.Microsecond, time.Millisecond, 3 * time.Millisecond, 8 * time.Millisecond,
	15 * time.Millisecond, 25 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond,
}

// testRestoreDamaged damages each file of a snapshot in each way. A file that is not whole must be noticed; whatever
// else is wrong, the restore ends, and nothing but the sandbox suffers.
func testRestoreDamaged(t *testing.T, h Harness) {
	e := h.engine(t)
	_, neighbour := h.start(t, e, sandbox.Limits{})
	spec := h.mountSpec(sandbox.Limits{MemoryBytes: 128 * mib})
	original, _ := h.startSpec(t, e, spec)
	good := checkpoint(t, original)
	entries, err := os.ReadDir(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		for _, c := range []struct {
			name   string
			whole  bool // the file is as long as it was
			damage func(b []byte) []byte
		}{
			{"missing", false, func([]byte) []byte { return nil }},
			{"empty", false, func([]byte) []byte { return []byte{} }},
			{"short by a byte", false, func(b []byte) []byte { return b[:len(b)-1] }},
			{"half", false, func(b []byte) []byte { return b[:len(b)/2] }},
			{"longer", false, func(b []byte) []byte { return append(b, b...) }},
			{"zeros", true, func(b []byte) []byte { return make([]byte, len(b)) }},
			{"noise", true, func(b []byte) []byte { _, _ = rand.Read(b); return b }},
			{"noise in the middle", true, func(b []byte) []byte { _, _ = rand.Read(b[len(b)/3 : len(b)/2]); return b }},
			{"one byte", true, func(b []byte) []byte { b[len(b)*2/3] ^= 0x55; return b }},
		} {
			t.Run(entry.Name()+"/"+c.name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "snapshot")
				if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, entry.Name())
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if b = c.damage(b); b == nil {
					err = os.Remove(path)
				} else {
					err = os.WriteFile(path, b, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				spec.ID = newID()
				s := h.createSpec(t, e, spec)
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				err = s.Restore(ctx, dir)
				t.Logf("after %s: %.300v", time.Since(began), err)
				if err == nil && !c.whole {
					t.Error("restored from less than a snapshot")
				}
				if err != nil {
					if err := s.Start(t.Context()); !errors.Is(err, sandbox.ErrState) {
						t.Errorf("start after a failed restore: %v", err)
					}
				}
				if err := s.Destroy(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	neighbour.Echo()
}

// testRestoreForeign offers a snapshot with another fingerprint, and none at all.
func testRestoreForeign(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{})
	original, _ := h.startSpec(t, e, spec)
	dir := checkpoint(t, original)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	own := []byte(e.Fingerprint())
	found := false
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, own) {
			found = true
			if err := os.WriteFile(path, bytes.ReplaceAll(b, own, bytes.Repeat([]byte("f"), len(own))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if info, err := entry.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, %v", entry.Name(), info.Mode(), err)
		}
	}
	if !found {
		t.Fatal("the snapshot does not contain the engine's fingerprint")
	}
	for _, dir := range []string{dir, t.TempDir(), filepath.Join(t.TempDir(), "missing")} {
		spec.ID = newID()
		s := h.createSpec(t, e, spec)
		if err := s.Restore(withTimeout(t), dir); err == nil {
			t.Errorf("restored from %s", dir)
		}
	}
}

// testCheckpointRefused: an image that came while the guest ran is in the way, and the refusal does no harm. A directory
// that is no place for a snapshot breaks the sandbox, as all errors do.
func testCheckpointRefused(t *testing.T, h Harness) {
	e := h.engine(t)
	s, g := h.startSpec(t, e, h.mountSpec(sandbox.Limits{}))
	if err := s.Attach(withTimeout(t), CodeImage(t, map[string]string{"/a": "b"}), "/var/task"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.Checkpoint(withTimeout(t), dir); !errors.Is(err, sandbox.ErrState) {
		t.Errorf("with a hot image: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the refusal left %v, %v", entries, err)
	}
	g.Echo()
	if err := s.Limit(sandbox.Limits{CPUMillis: 500}); err != nil {
		t.Errorf("after the refusal: %v", err)
	}

	other, _ := h.startSpec(t, e, h.mountSpec(sandbox.Limits{}))
	if err := other.Checkpoint(withTimeout(t), filepath.Join(dir, "missing")); err == nil || errors.Is(err, sandbox.ErrState) {
		t.Errorf("into a directory that is not there: %v", err)
	}
	if err := other.Checkpoint(withTimeout(t), dir); !errors.Is(err, sandbox.ErrState) {
		t.Errorf("after an error: %v", err)
	}
}

func testCheckpointCancelled(t *testing.T, h Harness) {
	e := h.engine(t)
	for _, after := range moments {
		s, _ := h.startSpec(t, e, h.spec(sandbox.Limits{}))
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if err := s.Checkpoint(ctx, t.TempDir()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", after, err)
		}
		cancel()
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
	}
}

func testRestoreCancelled(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{})
	original, g := h.startSpec(t, e, spec)
	dir := checkpoint(t, original)
	for _, after := range moments {
		spec.ID = newID()
		s := h.createSpec(t, e, spec)
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if err := s.Restore(ctx, dir); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", after, err)
		}
		cancel()
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
	}
	g.Echo()
}

func testDestroyWhileCheckpointing(t *testing.T, h Harness) {
	e := h.engine(t)
	for _, after := range moments {
		s, _ := h.startSpec(t, e, h.spec(sandbox.Limits{}))
		dir := t.TempDir()
		err := during(withTimeout(t), after, func(ctx context.Context) error { return s.Checkpoint(ctx, dir) }, func() {
			if err := s.Destroy(); err != nil {
				t.Error(err)
			}
		})
		if err != nil && !errors.Is(err, sandbox.ErrDestroyed) {
			t.Errorf("checkpoint, destroyed after %s: %v", after, err)
		}
		wantDone(t, s)
	}
}

func testDestroyWhileRestoring(t *testing.T, h Harness) {
	e := h.engine(t)
	spec := h.spec(sandbox.Limits{})
	original, g := h.startSpec(t, e, spec)
	dir := checkpoint(t, original)
	for _, after := range moments {
		spec.ID = newID()
		s := h.createSpec(t, e, spec)
		err := during(withTimeout(t), after, func(ctx context.Context) error { return s.Restore(ctx, dir) }, func() {
			if err := s.Destroy(); err != nil {
				t.Error(err)
			}
		})
		if err != nil && !errors.Is(err, sandbox.ErrDestroyed) {
			t.Errorf("restore, destroyed after %s: %v", after, err)
		}
		wantDone(t, s)
		if h.Traces != nil {
			for _, left := range h.Traces(t) {
				if bytes.Contains([]byte(left), []byte(s.ID())) {
					t.Errorf("destroyed after %s, left behind: %s", after, left)
				}
			}
		}
	}
	g.Echo()
}

// testRestoreLeavesNothing counts what this process has before and after.
func testRestoreLeavesNothing(t *testing.T, h Harness) {
	e := h.engine(t)
	img := CodeImage(t, map[string]string{"/a": "b"})
	cycle := func() {
		spec := h.mountSpec(sandbox.Limits{MemoryBytes: 128 * mib})
		dir := filepath.Join(t.TempDir(), "snapshot")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, step := range []func(s sandbox.Sandbox) error{
			func(s sandbox.Sandbox) error {
				return errors.Join(s.Start(t.Context()), s.Checkpoint(t.Context(), dir))
			},
			func(s sandbox.Sandbox) error { return s.Restore(t.Context(), dir) },
		} {
			spec.ID = newID()
			s, err := e.Create(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Attach(t.Context(), img, "/var/task"), step(s), s.Destroy()); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantNoGrowth(t, 3, cycle)
}
