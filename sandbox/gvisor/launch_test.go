package gvisor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/sandboxtest"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// TestChannelsNeverMix creates sandboxes on two engines at once, over and over, while the process's own standard files
// are in use. Each guest says on each channel who it is.
func TestChannelsNeverMix(t *testing.T) {
	testenv.NeedsRoot(t)
	root := sandboxtest.RootImage(t)
	engines := []sandbox.Engine{
		newEngine(t),
		newEngine(t, func(o *gvisor.Options) { o.CgroupName += "-b" }),
	}
	for _, e := range engines {
		defer func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	for round := range 3 {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				id := fmt.Sprintf("box-%d-%d", round, i)
				s, err := engines[i%2].Create(t.Context(), sandbox.Spec{ID: id, Root: root, Args: []string{sandboxtest.GuestPath}})
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(tellApart(t, s), s.Destroy()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

// tellApart starts s, and checks that what is said on its channels is said by it.
func tellApart(t *testing.T, s sandbox.Sandbox) error {
	if err := s.Start(t.Context()); err != nil {
		return err
	}
	g := sandboxtest.Meet(t, s)
	path := "/tmp/name"
	for _, req := range []wire.Request{
		{Op: wire.Write, Path: path, Text: s.ID()},
		{Op: wire.Print, Text: s.ID()},
	} {
		if resp, err := g.Try(req); err != nil || resp.Err != "" {
			return fmt.Errorf("%s: %s: %w", s.ID(), resp.Err, err)
		}
	}
	if resp, err := g.Try(wire.Request{Op: wire.Read, Path: path}); err != nil || resp.Text != s.ID() {
		return fmt.Errorf("%s answered as %q: %w", s.ID(), resp.Text, err)
	}
	buf := make([]byte, 100)
	if err := s.Link().Logs.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if n, err := s.Link().Logs.Read(buf); err != nil || string(buf[:n]) != s.ID() {
		return fmt.Errorf("%s logged %q: %w", s.ID(), buf[:n], err)
	}
	return nil
}

// TestCreateDoesNotWaitForOthers creates a sandbox while another's sentry never boots, and then gives that one up.
func TestCreateDoesNotWaitForOthers(t *testing.T) {
	testenv.NeedsRoot(t)
	dir := t.TempDir()
	hung := filepath.Join(dir, "hung")
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // sentries run as nobody
		t.Fatal(err)
	}
	testenv.WriteProgram(t, hung, []byte("#!/bin/sh\nwhile :; do sleep 1; done\n"))
	root := sandboxtest.RootImage(t)
	stuck := newEngine(t, func(o *gvisor.Options) { o.SentryPath, o.CgroupName = hung, o.CgroupName+"-b" })
	e := newEngine(t)
	defer func() {
		if err := errors.Join(stuck.Close(), e.Close()); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { // ends when cancelled
		_, err := stuck.Create(ctx, sandbox.Spec{ID: "box-stuck", Root: root, Args: []string{"/x"}})
		ended <- err
	}()
	for !runs(t, "box-stuck") {
		select {
		case err := <-ended:
			t.Fatalf("create with a sentry that hangs: %v", err)
		default:
		}
	}
	s, err := e.Create(t.Context(), sandbox.Spec{ID: "box-free", Root: root, Args: []string{sandboxtest.GuestPath}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tellApart(t, s), s.Destroy()); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("create that was given up: %v", err)
	}
	if left := traces(t); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestSentryThatFails: its end is noticed, and nothing is left.
func TestSentryThatFails(t *testing.T) {
	testenv.NeedsRoot(t)
	e := newEngine(t, func(o *gvisor.Options) { o.SentryPath = "/bin/false" })
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	_, err := e.Create(t.Context(), sandbox.Spec{ID: "box-fails", Root: sandboxtest.RootImage(t), Args: []string{"/x"}})
	if err == nil {
		t.Error("created a sandbox without a sentry")
	}
	if left := traces(t); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// runs reports whether a process has the arguments of a sentry for sandbox id.
func runs(t *testing.T, id string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if b, err := os.ReadFile(l); err == nil && strings.HasSuffix(string(b), "\x00"+id+"\x00") {
			return true
		}
	}
	return false
}

// TestSentrySaysWhyItDied: the error of Create has the sentry's end and its last words.
func TestSentrySaysWhyItDied(t *testing.T) {
	testenv.NeedsRoot(t)
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // sentries run as nobody
		t.Fatal(err)
	}
	dying := filepath.Join(dir, "dying")
	testenv.WriteProgram(t, dying, []byte("#!/bin/sh\necho out of luck >&2\nexit 3\n"))
	e := newEngine(t, func(o *gvisor.Options) { o.SentryPath = dying })
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	_, err := e.Create(t.Context(), sandbox.Spec{ID: "box-dying", Root: sandboxtest.RootImage(t), Args: []string{"/x"}})
	if err == nil || !strings.Contains(err.Error(), "exit status 3: out of luck") {
		t.Errorf("got %v", err)
	}
}
