package functions_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

// attacks is a function that does what its event says.
const attacks = `
import os, socket, sys, threading, time

def fork_bomb(e):
    n = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(3600)
            n += 1
    except OSError as err:
        return [n, err.errno]

def thread_bomb(e):
    n = 0
    try:
        while True:
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
            n += 1
    except RuntimeError as err:
        return [n, str(err)]

def memory_bomb(e):
    hold = []
    while True:
        hold.append(bytearray(b"x" * (8 << 20)))

def fill_tmp(e):
    block, n = b"x" * (1 << 20), 0
    try:
        with open("/tmp/fill", "wb") as f:
            while True:
                f.write(block)
                f.flush()
                n += 1
    except OSError as err:
        os.remove("/tmp/fill")
        return [n, err.errno]

def open_files(e):
    hold = []
    try:
        while True:
            hold.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as err:
        n = len(hold)
        for fd in hold:
            os.close(fd)
        return [n, err.errno]

def endless_output(e):
    line = b"y" * 4095 + b"\n"
    while True:
        os.write(1, line)

def spin(e):
    while True:
        pass

def write_code(e):
    refused = []
    for path in ["/var/task/new", "/var/task/app.py", "/var/runtime/new", "/thaw/agent", "/etc/passwd", "/usr/bin/new", "/new"]:
        try:
            open(path, "ab").close()
        except OSError:
            refused.append(path)
    return refused

def read_host(e):
    found = []
    for path in e["paths"]:
        try:
            found.append([path, os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(200).decode("latin1")])
        except OSError:
            pass
    return found

def processes(e):
    return [open("/proc/%s/cmdline" % p).read() for p in os.listdir("/proc") if p.isdigit()]

def become_root(e):
    try:
        os.setuid(0)
        return "became root"
    except OSError:
        pass
    try:
        os.kill(1, 9)
        return "killed the agent"
    except OSError:
        return "refused"

def connect(e):
    out = []
    for host, port in e["to"]:
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect((host, port))
            out.append("connected to %s" % host)
        except OSError as err:
            out.append("refused")
        finally:
            s.close()
    return out

def garbage(e):
    os.write(3, b"HTTP/1.1 200 OK\r\n\r\nnot a frame")
    time.sleep(3600)

def forged(e):
    os.write(3, b"\x52\x02\0\0\x21\0\0\0\x1d\0\0\0" + b'{"id":"someone-else\'s-answer"}')
    time.sleep(3600)

def huge_answer(e):
    return "x" * (7 << 20)

def handler(e, c):
    return globals()[e["do"]](e)
`

func TestHostileFunctionsAreContained(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	runtime := thawtest.Python(t)
	neighbour := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Timeout: 20, Files: thawtest.Files{
		"app.py": "def handler(e, c):\n    return e['n'] + 1\n"}})
	// fine: this function's next invocation works, and so does another function's.
	fine := func(t *testing.T, name string) {
		t.Helper()
		if got := s.Call(t, name, `{"do":"open_files"}`); got.FunctionError != "" {
			t.Errorf("the function's next invocation: %s\n%s", got.Payload, got.LogTail)
		}
		if got := s.Call(t, neighbour, `{"n":41}`); string(got.Payload) != "42" {
			t.Errorf("the neighbour answered %s", got.Payload)
		}
	}
	deployed := func(t *testing.T, timeout, memoryMB int) string {
		return s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Timeout: timeout, MemoryMB: memoryMB,
			Files: thawtest.Files{"app.py": attacks}})
	}
	deploy := func(t *testing.T) string { return deployed(t, 5, 0) }
	const little = 256 // MB, and a seventh of a CPU
	fails := map[string]struct {
		errorType, message string
		timeout, memoryMB  int
	}{
		"memory_bomb":    {"Runtime.OutOfMemory", "signal: killed", 20, little},
		"endless_output": {"Sandbox.Timedout", "timed out", 5, little},
		"spin":           {"Sandbox.Timedout", "timed out", 5, little},
		"garbage":        {"Runtime.Unknown", "no answer", 5, 0},
		"forged":         {"Runtime.Unknown", "no answer", 5, 0},
		"huge_answer":    {"Function.ResponseSizeTooLarge", "6291556 bytes", 5, 0},
	}
	for attack, want := range fails {
		t.Run(attack, func(t *testing.T) {
			name := deployed(t, want.timeout, want.memoryMB)
			f := s.Fails(t, name, fmt.Sprintf(`{"do":%q}`, attack))
			if f.Type != want.errorType || !strings.Contains(f.Message, want.message) {
				t.Errorf("got %s", f.Raw)
			}
			fine(t, name)
		})
	}

	const noSpace, tooManyFiles = 28, 24
	counts := map[string]struct{ min, max, errno, timeout int }{
		"fill_tmp":   {500, 512, noSpace, 30},
		"open_files": {900, 1024, tooManyFiles, 5},
	}
	for attack, want := range counts {
		t.Run(attack, func(t *testing.T) {
			name := deployed(t, want.timeout, 0)
			var got []int
			s.Result(t, name, fmt.Sprintf(`{"do":%q}`, attack), &got)
			if got[0] < want.min || got[0] > want.max || got[1] != want.errno {
				t.Errorf("stopped at %d with errno %d, want %d to %d with %d", got[0], got[1], want.min, want.max, want.errno)
			}
			fine(t, name)
		})
	}
	// Which limit a bomb meets first depends on the machine: processes (the function sees it), memory or time.
	for _, bomb := range []string{"fork_bomb", "thread_bomb"} {
		t.Run(bomb, func(t *testing.T) {
			name := deployed(t, 3, 0)
			out := s.Call(t, name, fmt.Sprintf(`{"do":%q}`, bomb))
			switch {
			case out.FunctionError == "":
				var got []any
				if err := json.Unmarshal(out.Payload, &got); err != nil || got[0].(float64) > 1024 {
					t.Errorf("got %s, %v", out.Payload, err)
				}
			case !strings.Contains(string(out.Payload), "Runtime.OutOfMemory") && !strings.Contains(string(out.Payload), "Sandbox.Timedout"):
				t.Errorf("got %s", out.Payload)
			}
			fine(t, name)
		})
	}

	t.Run("writes to code and system are refused", func(t *testing.T) {
		name := deploy(t)
		var refused []string
		if s.Result(t, name, `{"do":"write_code"}`, &refused); len(refused) != 7 {
			t.Errorf("refused only %q", refused)
		}
	})
	t.Run("the host's files are not there", func(t *testing.T) {
		name := deploy(t)
		paths := fmt.Sprintf(`{"do":"read_host","paths":["/home","/etc/shadow","/etc/ssh","/sys/fs/cgroup","/host","/proc/1/environ","/var/lib","/mnt",%q]}`, s.Dir)
		var found [][]any
		s.Result(t, name, paths, &found)
		for _, f := range found {
			if list, isDir := f[1].([]any); !isDir || len(list) > 0 {
				t.Errorf("%v: %v", f[0], f[1])
			}
		}
	})
	t.Run("only the sandbox's own processes are seen", func(t *testing.T) {
		name := deploy(t)
		var seen []string
		if s.Result(t, name, `{"do":"processes"}`, &seen); len(seen) != 2 {
			t.Errorf("%q", seen)
		}
	})
	t.Run("root stays out of reach", func(t *testing.T) {
		name := deploy(t)
		var got string
		if s.Result(t, name, `{"do":"become_root"}`, &got); got != "refused" {
			t.Error(got)
		}
		fine(t, name)
	})
	t.Run("host, metadata and neighbours cannot be reached", func(t *testing.T) {
		name := deploy(t)
		endpoint := strings.TrimPrefix(s.Endpoint(), "http://")
		host, port, err := net.SplitHostPort(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		to := []string{fmt.Sprintf("[%q,%s]", host, port), `["169.254.169.254",80]`, `["10.255.255.1",22]`, `["10.255.255.2",9001]`}
		for _, own := range ownAddresses(t) {
			to = append(to, fmt.Sprintf("[%q,%s]", own, port))
		}
		var got []string
		s.Result(t, name, fmt.Sprintf(`{"do":"connect","to":[%s]}`, strings.Join(to, ",")), &got)
		for i, r := range got {
			if r != "refused" {
				t.Errorf("%s: %s", to[i], r)
			}
		}
	})
}

// ownAddresses are the host's own IPv4 addresses.
func ownAddresses(t *testing.T) []string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			out = append(out, n.IP.String())
		}
	}
	return out
}

func TestARuntimeThatSpeaksGarbageToTheRuntimeAPI(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "x", Timeout: 2, Files: thawtest.Files{"bootstrap*": `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/9001
head -c 100000 /dev/urandom >&3
for i in $(seq 50); do
  curl -s -o /dev/null -X POST -d x "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$i/response"
  curl -s -o /dev/null -X PUT "http://$AWS_LAMBDA_RUNTIME_API/$(head -c 20 /dev/urandom | base64)"
done
sleep 600
`}})
	for range 2 {
		// It usually just never answers; should it bring its own sandbox down, that is named as well.
		if f := s.Fails(t, name, `{}`); f.Type != "Sandbox.Timedout" && f.Type != "Sandbox.Failure" {
			t.Errorf("got %s", f.Raw)
		}
	}
}
