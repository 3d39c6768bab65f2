package functions_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// inMachines is the policy by which the functions of TestMicroVM are isolated by virtual machines; all others are by gVisor.
const inMachines = "arn:aws:lambda:*:000000000000:function:testmicrovm-*=microvm"

// machinePython does what its event says.
const machinePython = `
import json, mmap, os, platform, sys, time, urllib.request
seen = 0
def handler(e, c):
    global seen
    seen += 1
    do = e.get("do")
    if do == "raise":
        raise ValueError("on purpose")
    if do == "spin":
        while True:
            pass
    if do == "memory": # filled by the kernel: page by page from here takes long where machines are emulated
        hold = []
        while True:
            hold.append(mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x8000))
    if do == "call":
        import caller
        return caller.handler(e, c)
    if do == "get":
        return urllib.request.urlopen(e["url"], timeout=20).status
    print("seen", seen)
    with open("/tmp/note", "a") as f:
        f.write("x")
    return {"seen": seen, "kernel": platform.release(), "tmp": os.path.getsize("/tmp/note"), "user": os.getuid()}
`

type machineAnswer struct {
	Seen   int    `json:"seen"`
	Kernel string `json:"kernel"`
	Tmp    int    `json:"tmp"`
	User   int    `json:"user"`
}

// TestMicroVM is what always runs of the tests on virtual machines; make test-microvm runs all tests of functions there.
// One server has both engines.
func TestMicroVM(t *testing.T) { // alone: emulated machines need the CPUs
	s := thawtest.Start(t, func(c *node.Config) {
		thawtest.Machines(t, c)
		c.Engine, c.EngineFor, c.ReportEngine = "gvisor", []string{inMachines}, true
		c.FreezeAfter = 100 * time.Millisecond
	})
	python := thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Timeout: 30, Files: thawtest.Files{"app.py": machinePython}}
	var name string // of the function that the first test leaves warm
	t.Run("cold, warm, frozen and thawed", func(t *testing.T) {
		first := python
		first.Files = thawtest.Files{
			"app.py":       "import extension\nextension.start('listener', lambda e: print('heard of', e['eventType']))\n" + machinePython,
			"extension.py": internalExtension, "caller.py": caller,
		}
		name = s.Deploy(t, first)
		host, err := os.ReadFile("/proc/sys/kernel/osrelease")
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 3; n++ {
			var got machineAnswer
			s.Result(t, name, `{}`, &got)
			if got.Seen != n || got.Tmp != n || got.User == 0 {
				t.Errorf("invocation %d: %+v", n, got)
			}
			if !strings.Contains(got.Kernel, "cloud") || got.Kernel == strings.TrimSpace(string(host)) {
				t.Errorf("it runs on the kernel %s", got.Kernel)
			}
			awaitState(t, s, name, pool.StateFrozen)
		}
		if lines := awaitMessages(t, s, name, `"seen 3"`, 1); len(lines) != 1 {
			t.Errorf("printed %q", lines)
		}
		if lines := awaitMessages(t, s, name, `"heard of INVOKE"`, 3); len(lines) != 3 {
			t.Errorf("the extension printed %q", lines)
		}
	})
	t.Run("the other engine in the same server", func(t *testing.T) {
		plain := python
		plain.Name = "elsewhere"
		elsewhere := s.Deploy(t, plain)
		out := s.Call(t, elsewhere, `{}`)
		if out.FunctionError != "" || !strings.Contains(string(out.LogTail), "Engine: gvisor\t") {
			t.Errorf("%s\n%s", out.Payload, out.LogTail)
		}
		out = s.Call(t, name, `{}`)
		if out.FunctionError != "" || !strings.Contains(string(out.LogTail), "Engine: microvm\t") {
			t.Errorf("%s\n%s", out.Payload, out.LogTail)
		}
		for _, e := range s.Status().Environments {
			if want := map[string]string{elsewhere: "gvisor", name: "microvm"}[e.Function]; e.Engine != want {
				t.Errorf("%s is on %s, want %s", e.Function, e.Engine, want)
			}
		}
	})
	t.Run("error", func(t *testing.T) {
		if f := s.Fails(t, name, `{"do":"raise"}`); f.Type != "ValueError" || f.Message != "on purpose" {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("network: policy and server", func(t *testing.T) {
		if f := s.Fails(t, name, `{"do":"get","url":"http://127.0.0.1:4580/"}`); !strings.Contains(f.Message, "refused") {
			t.Errorf("the host's loopback: %s", f.Raw)
		}
		var got []any
		s.Result(t, name, `{"do":"call","service":"sts",`+stsForm+`,"body":"Action=GetCallerIdentity&Version=2011-06-15"}`, &got)
		wantAnswer(t, "GetCallerIdentity", int(got[0].(float64)), got[1].(string), 200, "assumed-role/test/"+name)
	})
	t.Run("timeout", func(t *testing.T) {
		short := python
		short.Timeout = 2
		name := s.Deploy(t, short)
		if f := s.Fails(t, name, `{"do":"spin"}`); f.Type != "Sandbox.Timedout" {
			t.Errorf("got %s", f.Raw)
		}
	})
	t.Run("out of memory", func(t *testing.T) {
		long := python
		long.Timeout = 60 // the runtime starts again with the function's share of a CPU
		name := s.Deploy(t, long)
		if f := s.Fails(t, name, `{"do":"memory"}`); f.Type != "Runtime.OutOfMemory" {
			t.Errorf("got %s", f.Raw)
		}
		var got machineAnswer
		if s.Result(t, name, `{}`, &got); got.Seen != 1 {
			t.Errorf("the next invocation: %+v", got)
		}
	})
	t.Run("Node.js streams", func(t *testing.T) {
		name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Node(t), Handler: "app.handler", Timeout: 60, Files: thawtest.Files{"app.js": streamingHandler}})
		out := stream(t, s, name, `{"do":"large","mb":2}`)
		b, err := io.ReadAll(out)
		if err != nil || out.End().ErrorCode != "" || len(b) != 2<<20+len("firstlast") || !bytes.HasPrefix(b, []byte("first")) {
			t.Errorf("%d bytes, %v, %+v", len(b), err, out.End())
		}
	})
	t.Run("custom runtime", func(t *testing.T) {
		name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "h", Timeout: 30, Files: shell(`  cat`)})
		for range 2 {
			if out := s.Call(t, name, `{"a":1}`); string(out.Payload) != `{"a":1}` {
				t.Errorf("got %s\n%s", out.Payload, out.LogTail)
			}
		}
	})
}

// awaitState waits until the function's only environment is in a state.
func awaitState(t *testing.T, s *thawtest.Server, name string, want pool.EnvironmentState) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		for _, e := range s.Status().Environments {
			if e.Function == name && e.State == want {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", s.Status().Environments)
		}
	}
}
