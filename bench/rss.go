package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
)

// RSSOptions say what RSS measures.
type RSSOptions struct {
	// Thaw is the program to start as `thaw serve`.
	Thaw string
	// Engine is the server's engine.
	Engine string
	// N is the number of functions, at least 1.
	N int
	// Settle is how long the server is left alone before its memory is read.
	Settle time.Duration
	// Progress is told what is being done; nil means nobody listens.
	Progress func(step string)
}

// RSSReport is the result of RSS. Its JSON form is stable. A MB is 10^6 bytes.
type RSSReport struct {
	Name          string  `json:"name"` // "rss"
	Engine        string  `json:"engine"`
	N             int     `json:"n"`
	EmptyMB       float64 `json:"empty_mb"` // VmRSS of an idle server without functions
	RSSMB         float64 `json:"rss_mb"`   // VmRSS of the same server with N functions, idle again
	CreateSeconds float64 `json:"create_s"` // from the first CreateFunction until all functions are Active
	Machine
}

// RSS starts a server as a process of its own, registers functions, each with code of its own, and reads how much
// memory the server then has resident. No function is invoked.
func RSS(ctx context.Context, o RSSOptions) (_ *RSSReport, err error) {
	if o.N < 1 || o.Settle < 0 {
		return nil, fmt.Errorf("%d functions after %s: want at least 1 and no negative time", o.N, o.Settle)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.Progress("start a server")
	d, err := startDaemon(ctx, o.Thaw, o.Engine)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	r := &RSSReport{Name: "rss", Engine: o.Engine, N: o.N, Machine: thisMachine()}
	if r.EmptyMB, err = d.settledRSS(ctx, o.Settle); err != nil {
		return nil, err
	}
	o.Progress(fmt.Sprintf("create %d functions", o.N))
	begin := time.Now()
	if err := d.register(ctx, o.N); err != nil {
		return nil, err
	}
	r.CreateSeconds = round(time.Since(begin).Seconds())
	o.Progress("wait until the server is idle")
	r.RSSMB, err = d.settledRSS(ctx, o.Settle)
	return r, err
}

// daemon is a server in a process of its own.
type daemon struct {
	dir    string
	cmd    *exec.Cmd
	client *client.Client
}

// stopTimeout is how long the server may take to end before it is killed.
const stopTimeout = 30 * time.Second

// startDaemon starts a server and waits until it says on stdout where it is. The end of ctx stops it, too.
func startDaemon(ctx context.Context, thaw, engine string) (_ *daemon, err error) {
	d := &daemon{}
	if d.dir, err = tempDir(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stop())
		}
	}()
	d.cmd = exec.CommandContext(ctx, thaw, "serve", "--json", "--data", d.dir, "--listen", "127.0.0.1:0", "--engine", engine, "--log-level", "error") //nolint:gosec // the caller's own program
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGTERM) }
	d.cmd.WaitDelay = stopTimeout
	d.cmd.Stderr = os.Stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	var announced node.Announcement
	if err := json.NewDecoder(out).Decode(&announced); err != nil {
		return nil, fmt.Errorf("the server did not start: %w", err)
	}
	d.client, err = newClient(d.dir, announced.Endpoint, registrars)
	return d, err
}

// stop ends the server and removes its directory.
func (d *daemon) stop() error {
	var err error
	if d.client != nil {
		d.client.Close()
	}
	if d.cmd != nil && d.cmd.Process != nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		err = d.cmd.Wait()
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// settledRSS leaves the server alone for a while and reads its resident memory in MB.
func (d *daemon) settledRSS(ctx context.Context, settle time.Duration) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-time.After(settle):
	}
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	kib, err := vmRSS(string(b))
	return round(float64(kib) * 1024 / 1e6), err
}

// vmRSS finds the resident memory, in KiB, in the text of /proc/PID/status. Source: proc(5).
func vmRSS(status string) (int64, error) {
	for line := range strings.Lines(status) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" && f[2] == "kB" {
			return strconv.ParseInt(f[1], 10, 64)
		}
	}
	return 0, errors.New("no VmRSS in the process's status")
}

// registrars is how many functions are created at a time.
const registrars = 4

// register creates n functions and waits until all are Active.
func (d *daemon) register(ctx context.Context, n int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(registrars)
	for i := range n {
		g.Go(func() error {
			name := fmt.Sprintf("hello-%05d", i)
			archive, err := zipOf("bootstrap", fmt.Appendf(nil, "#!/bin/sh\n# %s\n", name), 0o755)
			if err != nil {
				return err
			}
			_, err = d.client.CreateFunction(ctx, client.CreateFunctionInput{
				FunctionName: name, Runtime: "provided.al2023", Handler: "bootstrap", MemorySize: lambda.DefaultMemoryMB,
				Role: "arn:aws:iam::" + node.Default().Account + ":role/bench", Code: client.CodeInput{ZipFile: archive},
			})
			if err == nil {
				_, err = d.client.WaitActive(ctx, name)
			}
			return err
		})
	}
	return g.Wait()
}
