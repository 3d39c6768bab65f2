package gvisor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

// daemonEnv makes the test binary play a daemon with the options it contains.
const daemonEnv = "GVISOR_TEST_DAEMON"

type daemonOptions struct {
	Options gvisor.Options
	Root    string
}

// beDaemon makes two sandboxes, starts one, says so, and waits to be killed.
func beDaemon(encoded string) {
	if err := func() error {
		var o daemonOptions
		if err := json.Unmarshal([]byte(encoded), &o); err != nil {
			return err
		}
		e, err := gvisor.New(o.Options)
		if err != nil {
			return err
		}
		for i := range 2 {
			s, err := e.Create(context.Background(), sandbox.Spec{
				ID: fmt.Sprintf("box-%d", i), Root: o.Root, Args: []string{sandboxtest.GuestPath},
				Limits: sandbox.Limits{MemoryBytes: 128 << 20},
			})
			if err != nil {
				return err
			}
			if i == 0 {
				if err := s.Start(context.Background()); err != nil {
					return err
				}
			}
		}
		return nil
	}(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

// TestKilledDaemon kills a daemon that has sandboxes. They must die with it, and Sweep must find the rest.
func TestKilledDaemon(t *testing.T) {
	e := newEngine(t) // only for its checks; closed before the daemon takes its place
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	o := gvisor.Options{
		StateDir:   filepath.Join(t.TempDir(), "gvisor"),
		CgroupName: fmt.Sprintf("thaw-test-killed-%d", os.Getpid()),
		SentryPath: helperbin.Sentry(t),
	}
	encoded, err := json.Marshal(daemonOptions{o, sandboxtest.RootImage(t)})
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(os.Args[0]) //nolint:gosec,noctx // this test binary; killed below
	daemon.Env = append(os.Environ(), daemonEnv+"="+string(encoded))
	daemon.Stderr = os.Stderr
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "ready\n" {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
		t.Fatalf("the daemon said %q: %v", line, err)
	}
	before := sentriesWith(t, o.StateDir)
	if len(before) != 2 {
		t.Errorf("%d sentries, want 2", len(before))
	}
	if err := daemon.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = daemon.Wait()
	for deadline := time.Now().Add(10 * time.Second); len(sentriesWith(t, o.StateDir)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("sentries live on after their daemon")
			break
		}
	}
	checkSweep(t, o)
}

// TestSweepKills leaves a sentry running that nobody owns.
func TestSweepKills(t *testing.T) {
	e := newEngine(t)
	t.Cleanup(func() { _ = e.Close() })
	root := sandboxtest.RootImage(t)
	s, err := e.Create(t.Context(), sandbox.Spec{ID: "box-0", Root: root, Args: []string{sandboxtest.GuestPath}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the sweep left a sentry")
	}
	if left := traces(t); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := s.Destroy(); err != nil {
		t.Error(err)
	}
}

func checkSweep(t *testing.T, o gvisor.Options) {
	t.Helper()
	if left, _ := os.ReadDir(filepath.Join(o.StateDir, "boxes")); len(left) == 0 {
		t.Error("the killed daemon left nothing, so this test shows nothing")
	}
	e, err := gvisor.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	for _, dir := range []string{"boxes", "run", "tmp"} {
		left, err := os.ReadDir(filepath.Join(o.StateDir, dir))
		if err != nil || len(left) > 0 {
			t.Errorf("%s after the sweep: %v, %v", dir, left, err)
		}
	}
	if err := e.Close(); err != nil { // fails if a cgroup is left
		t.Error(err)
	}
}

func sentriesWith(t *testing.T, stateDir string) []string {
	t.Helper()
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range cmdlines {
		b, err := os.ReadFile(path)
		if err == nil && strings.HasPrefix(string(b), "runsc-sandbox") && strings.Contains(string(b), stateDir) {
			found = append(found, path)
		}
	}
	return found
}
