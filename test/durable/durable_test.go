package durable_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// server is a server in a process of its own, with real sandboxes.
type server struct {
	t        *testing.T
	dir      string // with the data directory, and copies of the programs
	program  string
	cmd      *exec.Cmd
	log      *thawtest.Log
	endpoint string
	client   *client.Client
	keys     client.Options
}

func newServer(t *testing.T) *server {
	t.Helper()
	testenv.NeedsRoot(t)
	// Not t.TempDir: user nobody, as whom gVisor's processes run, must be able to pass through.
	dir, err := os.MkdirTemp("", "thaw-durable-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		t.Fatal(err)
	}
	s := &server{t: t, dir: dir, program: helperbin.Build(t, "thaw.dev/thaw/test/server")}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.end(syscall.SIGTERM)
		}
		if t.Failed() && s.log != nil {
			t.Logf("server log:\n%s", s.log.Tail(60))
		}
	})
	s.start()
	return s
}

// start starts the server's process.
func (s *server) start() {
	s.t.Helper()
	s.log = &thawtest.Log{}
	s.cmd = exec.Command(s.program, "-data", filepath.Join(s.dir, "data"), "-agent", helperbin.Agent(s.t), "-sentry", helperbin.Sentry(s.t)) //nolint:gosec,noctx // the test kills it
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.t.Fatalf("the server does not start: %v\n%s", err, s.log.Tail(40))
	}
	s.endpoint = "http://" + strings.TrimSpace(addr)
	if s.keys, err = client.FromDataDir(filepath.Join(s.dir, "data"), s.endpoint); err != nil {
		s.t.Fatal(err)
	}
	if s.client, err = client.New(s.keys); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.client.Close)
}

// end ends the server's process, and waits for that.
func (s *server) end(signal syscall.Signal) {
	_ = s.cmd.Process.Signal(signal)
	_ = s.cmd.Wait()
	s.cmd = nil
}

// deploy makes a function and waits until it is active.
func (s *server) deploy(name, runtime, handler string, zip []byte, durable bool) {
	s.t.Helper()
	in := client.CreateFunctionInput{
		FunctionName: name, Runtime: runtime, Handler: handler, Role: thawtest.Role, MemorySize: 512, Timeout: 60, Code: client.CodeInput{ZipFile: zip},
	}
	if durable {
		in.DurableConfig = &client.DurableConfig{ExecutionTimeout: 300, RetentionPeriodInDays: 1}
	}
	if _, err := s.client.CreateFunction(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
	if c, err := s.client.WaitActive(s.t.Context(), name); err != nil || c.State != "Active" {
		s.t.Fatalf("%s is %s: %v", name, c.StateReason, err)
	}
}

// operator runs a command of operator.py and returns what it printed.
func (s *server) operator(into any, args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter(s.t), append([]string{filepath.Join("testdata", "operator.py")}, args...)...) //nolint:gosec // the test's own
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "PYTHONPATH=" + pythonPackages(s.t), "PYTHONDONTWRITEBYTECODE=1", "HOME=" + s.dir, "AWS_ENDPOINT_URL=" + s.endpoint,
		"AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + s.keys.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.keys.SecretKey, "AWS_EC2_METADATA_DISABLED=true",
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("operator %v: %v\n%s", args, err, stderr.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		s.t.Fatalf("operator %v printed %q: %v", args, out, err)
	}
}

// plain is a function that is not durable.
const plain = `def handler(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"heard": event["word"]}
`

// outcome is how an execution ended.
type outcome struct {
	Status string
	Result map[string]any
	Error  map[string]any
	Events [][2]string // type and name
}

// count is how many events of that type and name there are.
func (o *outcome) count(event, name string) int {
	n := 0
	for _, e := range o.Events {
		if e == [2]string{event, name} {
			n++
		}
	}
	return n
}

// TestOfficialSDKs: handlers with AWS's SDKs for Python and Node.js, which retry steps, wait, wait for callbacks, run branches and invoke other
// functions, go on where they were after a kill -9 of the server in the middle of a wait.
func TestOfficialSDKs(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	s := newServer(t)
	python := tree(t, pythonPackages(t))
	python["app.py"] = testdata(t, "app.py")
	zip := thawtest.Zip(t, python)
	s.deploy("py", thawtest.Python(t), "app.handler", zip, true)
	s.deploy("child", thawtest.Python(t), "app.child", zip, true)
	s.deploy("plain", thawtest.Python(t), "app.handler", thawtest.Zip(t, thawtest.Files{"app.py": plain}), false)
	node := tree(t, nodeModules(t))
	node["index.mjs"] = testdata(t, "index.mjs")
	s.deploy("js", thawtest.Node(t), "index.handler", thawtest.Zip(t, node), true)

	arns := map[string]string{}
	s.operator(&arns, "prepare", "py,js", `{"wait":12,"plain":"plain","durable":"child:$LATEST"}`)
	s.end(syscall.SIGKILL)
	s.start()
	if !strings.Contains(s.log.Tail(60), "running=2") {
		t.Errorf("the kill came too late: %s", s.log.Tail(60))
	}
	var all []outcome
	s.operator(&all, "finish", arns["py"], arns["js"])
	for i, name := range []string{"py", "js"} {
		got := all[i]
		if got.Status != "SUCCEEDED" {
			t.Errorf("%s is %s: %v\n%v", name, got.Status, got.Error, got.Events)
			continue
		}
		result, err := json.Marshal(got.Result)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			`"flaky":"attempt 2"`, `"answer":"granted"`, `"child":3`, `"parallel":[3,"p"]`, `"map":[1,4,9]`, `"plain":{"heard":"hello"}`, `"durable":42`,
			`on purpose`, `"large":200000`, `"wait":12`,
		} {
			if !strings.Contains(string(result), want) {
				t.Errorf("%s: no %s in %s", name, want, result)
			}
		}
		for _, e := range []struct {
			event, name string
			times       int
		}{
			{"ExecutionStarted", "order-1", 1}, {"StepFailed", "flaky", 1}, {"StepSucceeded", "flaky", 1}, {"CallbackSucceeded", "approval", 1},
			{"WaitSucceeded", "long", 1}, {"ChainedInvokeSucceeded", "plain", 1}, {"ChainedInvokeSucceeded", "durable", 1}, {"ChainedInvokeFailed", "failing", 1},
			{"ExecutionSucceeded", "order-1", 1}, {"StepSucceeded", "square", 3},
		} {
			if n := got.count(e.event, e.name); n != e.times && !(e.event == "CallbackSucceeded" && slices.ContainsFunc(got.Events, func(x [2]string) bool { return x[0] == e.event })) {
				t.Errorf("%s: %d %s of %q, want %d\n%v", name, n, e.event, e.name, e.times, got.Events)
			}
		}
	}
}
