package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/ops"
	"thaw.dev/thaw/runtimes"
)

// server is the server under test: `thaw serve` in a process and with a data directory of its own.
type server struct {
	dir    string
	cmd    *exec.Cmd
	client *client.Client
	ops    *ops.Client
	fake   bool // its engine runs no code
}

// stopTimeout is how long the server may take to end before it is killed.
const stopTimeout = 30 * time.Second

// startServer starts a server with the given flags beside those every measurement has, and waits until it says on
// stdout where it is. The end of ctx stops it, too.
func startServer(ctx context.Context, s *Setup, flags ...string) (_ *server, err error) {
	d := &server{fake: s.Engine == "fake"}
	if d.dir, err = tempDir(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stop())
		}
	}()
	args := append([]string{
		"serve", "--json", "--data=" + d.dir, "--listen=127.0.0.1:0", "--engine=" + s.Engine, "--log-level=error",
	}, flags...)
	if s.Engine == "microvm" { // all servers share the kernel and what was booted of it
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		guest := filepath.Join(cache, "thaw-bench", "guest")
		if _, err := os.Stat(guest); err != nil {
			s.step("the first server gets a kernel for its machines and boots it, which takes a minute")
		}
		args = append(args, "--guest-dir="+guest)
	}
	d.cmd = exec.CommandContext(ctx, s.Thaw, args...) //nolint:gosec // the caller's own program
	var said startWords
	process := d.cmd
	process.Cancel = func() error {
		said.hush()
		return process.Process.Signal(syscall.SIGTERM)
	}
	d.cmd.WaitDelay = stopTimeout
	d.cmd.Stderr = &said
	d.cmd.Env = withoutSettings(os.Environ())
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	var announced node.Announcement
	if err := json.NewDecoder(out).Decode(&announced); err != nil {
		_ = d.cmd.Wait() // all that it says is there then; how it ended says less
		d.cmd = nil
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%w: %s", ErrNotStarted, said.why())
	}
	said.pass()
	d.ops = ops.NewClient(d.dir)
	if d.client, err = newClient(d.dir, announced.Endpoint); err != nil {
		return nil, err
	}
	status, err := d.status(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range status.Engines {
		if e.Name == s.Engine {
			s.monitor, s.accelerator = e.Monitor, e.Accelerator
		}
	}
	return d, nil
}

// withoutSettings leaves out the variables that change a server's settings: a measurement says all that matter.
func withoutSettings(environ []string) []string {
	var out []string
	for _, v := range environ {
		if !strings.HasPrefix(v, "THAW_") {
			out = append(out, v)
		}
	}
	return out
}

// stop ends the server and removes its directory.
func (d *server) stop() error {
	var err error
	if d.client != nil {
		d.client.Close()
	}
	if d.ops != nil {
		d.ops.Close()
	}
	if d.cmd != nil && d.cmd.Process != nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		if err = d.cmd.Wait(); errors.Is(err, context.Canceled) {
			err = nil // told to end, it ended
		}
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// tempDir makes a directory that others may pass through, because gVisor's processes run as nobody.
func tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "thaw-bench-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// runtime finds the runtime called name, or the newest of the family called name, as the server does.
func (d *server) runtime(ctx context.Context, s *Setup, name string) (runtimes.Runtime, error) {
	helpers, err := embedded.Extract(filepath.Join(d.dir, "bin"))
	if err != nil {
		return runtimes.Runtime{}, err
	}
	c := node.Default()
	c.DataDir, c.Engine = d.dir, s.Engine
	catalog, err := node.OpenRuntimes(c, helpers.Agent)
	if err != nil {
		return runtimes.Runtime{}, err
	}
	all, err := catalog.List(ctx)
	if err != nil {
		return runtimes.Runtime{}, err
	}
	var found runtimes.Runtime
	for _, r := range all { // in order of version
		if r.Name == name || r.Family == lambda.Family(name) {
			found = r
		}
	}
	if found.Name == "" {
		return found, fmt.Errorf("%w: there is no %s", ErrUnavailable, name)
	}
	return found, nil
}
