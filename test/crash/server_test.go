package crash_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

// maxStart is what a start may take here, where other tests may keep the machine busy. What is promised for an idle one
// is 2 s.
const maxStart = 10 * time.Second

// site is where the servers of the test run, one after the other.
type site struct {
	data, tmp             string // data directory, and the servers' TMPDIR
	server, agent, sentry string // programs; the helpers are copies for these servers only
}

func newSite(t *testing.T) *site {
	t.Helper()
	// Not t.TempDir: user nobody, as whom gVisor's processes run, must be able to pass through.
	dir, err := os.MkdirTemp("", "thaw-crash-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	s := &site{
		data: filepath.Join(dir, "data"), tmp: filepath.Join(dir, "tmp"),
		server: helperbin.Build(t, "thaw.dev/thaw/test/server"),
		agent:  filepath.Join(dir, "thaw-agent"), sentry: filepath.Join(dir, "thaw-sentry"),
	}
	if err := os.Mkdir(s.tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{s.agent: helperbin.Agent(t), s.sentry: helperbin.Sentry(t)} {
		program, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		testenv.WriteProgram(t, to, program)
	}
	return s
}

// server is a running server.
type server struct {
	*client.Client
	cmd   *exec.Cmd
	log   *thawtest.Log
	ready time.Duration // from the program's start to the first good answer of /readyz
}

// start starts a server and waits until it is ready.
func (s *site) start(t *testing.T) *server {
	t.Helper()
	v := &server{log: &thawtest.Log{}}
	v.cmd = exec.Command(s.server, "-data", s.data, "-agent", s.agent, "-sentry", s.sentry) //nolint:gosec,noctx // the test kills it
	v.cmd.Env = append(os.Environ(), "TMPDIR="+s.tmp)
	v.cmd.Stderr = v.log
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.end)
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v\n%s", err, v.log.Tail(40))
	}
	endpoint := "http://" + strings.TrimSpace(addr)
	o, err := client.FromDataDir(s.data, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	o.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers + 1}}
	if v.Client, err = client.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Client.Close)
	if err := v.Ready(t.Context()); err != nil {
		t.Fatalf("the server serves and is not ready: %v", err)
	}
	if v.ready = time.Since(begin); v.ready > maxStart {
		t.Errorf("the server was ready after %v, want at most %v", v.ready, maxStart)
	}
	return v
}

// kill kills the server with SIGKILL and waits for its end.
func (v *server) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

// end ends a server that a failed test left running, so that it cleans up the machine.
func (v *server) end() {
	if v.cmd.ProcessState != nil {
		return
	}
	patience := time.AfterFunc(maxStart, func() { _ = v.cmd.Process.Kill() })
	defer patience.Stop()
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	_ = v.cmd.Wait()
}

// stop ends the server with SIGTERM and checks how it went.
func (v *server) stop(t *testing.T) {
	t.Helper()
	begin := time.Now()
	if err := v.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM the server ended with %v\n%s", err, v.log.Tail(40))
	}
	t.Logf("ended %v after SIGTERM", time.Since(begin).Round(time.Millisecond))
}
