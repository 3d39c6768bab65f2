package runtimes_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
)

// The images are roots gVisor boots from, their programs run there, and a package's image can be mounted and mapped.
// The programs run as PID 1, in the place of the agent, and report on the log channel.
func TestInsideGvisor(t *testing.T) {
	testenv.NeedsRoot(t)
	c := open(t, options{})
	engine, err := gvisor.New(gvisor.Options{
		StateDir: filepath.Join(t.TempDir(), "gvisor"), SentryPath: helperbin.Sentry(t),
		CgroupName: fmt.Sprintf("thaw-test-runtimes-%d", os.Getpid()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	task := taskImage(t)
	for _, tt := range []struct {
		family lambda.Family
		script string
	}{
		{lambda.FamilyProvided, `
while [ ! -e /var/task/data ]; do sleep 0.01; done
echo "$(head -c 5 /var/task/data) $(/var/task/bin/echo program from the package) $(curl --version | head -c 4)" >&2`},
		{lambda.FamilyPython, `
import ctypes, mmap, os, sqlite3, ssl, subprocess, sys, time
while not os.path.exists("/var/task/data"): time.sleep(0.01)
with open("/var/task/data") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
    print(m[:5].decode(), subprocess.check_output(["/var/task/bin/echo", "program from the package"], text=True).strip(), len(ssl.create_default_context().get_ca_certs()) > 20, file=sys.stderr)`},
		{lambda.FamilyNode, `
const fs = require("fs"), cp = require("child_process");
while (!fs.existsSync("/var/task/data")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
console.error(fs.readFileSync("/var/task/data", "utf8").slice(0, 5), cp.execFileSync("/var/task/bin/echo", ["program from the package"]).toString().trim(), require("tls").rootCertificates.length > 20);`},
	} {
		t.Run("family="+string(tt.family), func(t *testing.T) {
			name := installed(t, c, tt.family)[0].Name
			img, err := c.Ensure(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			got := runInGvisor(t, engine, img, task, tt.script)
			want := "small program from the package "
			if !strings.HasPrefix(got, want) || !strings.Contains(strings.ToLower(got), "true") && !strings.Contains(got, "curl") {
				t.Errorf("%s said %q, want %q and more", name, got, want)
			}
		})
	}
}

// taskImage is a package with a file smaller than a block, which gVisor could not map if it were stored inline, and a
// program.
func taskImage(t *testing.T) string {
	t.Helper()
	echo, err := os.ReadFile("/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	return packageImage(t, map[string]string{"data": "small file", "bin/echo": string(echo)})
}

func runInGvisor(t *testing.T, engine sandbox.Engine, img runtimes.Image, task, script string) string {
	t.Helper()
	args := []string{"/bin/bash", "-c", script}
	switch img.Family {
	case lambda.FamilyPython:
		args = []string{img.Argv()[0], "-c", script}
	case lambda.FamilyNode:
		args = []string{img.Argv()[0], "-e", script}
	}
	spec := sandbox.Spec{
		ID: "runtimes-" + string(img.Family), Root: img.Path, Args: args,
		Limits: sandbox.Limits{MemoryBytes: 512 << 20},
	}
	for k, v := range img.Env() {
		spec.Env = append(spec.Env, k+"="+v)
	}
	s, err := engine.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Destroy(); err != nil {
			t.Error(err)
		}
	}()
	start := time.Now()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(t.Context(), task, runtimes.TaskRoot); err != nil {
		t.Fatal(err)
	}
	logs := s.Link().Logs
	if err := logs.SetReadDeadline(start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	buf := make([]byte, 4096)
	for !bytes.Contains(out.Bytes(), []byte("\n")) {
		n, err := logs.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, out.String())
		}
	}
	t.Logf("%s: %d ms from start to first output", img.Name, time.Since(start).Milliseconds())
	return out.String()
}
