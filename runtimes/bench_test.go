package runtimes_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/code"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
)

// BenchmarkHotSlot measures, inside gVisor, what a request waits for when a warm runtime becomes a function: the image
// of the code is attached, the handler loaded, the first event answered. Preparing the slot is not measured.
func BenchmarkHotSlot(b *testing.B) {
	testenv.NeedsRoot(b)
	c := open(b, options{agent: helperbin.Agent(b)})
	engine, err := gvisor.New(gvisor.Options{
		StateDir: filepath.Join(b.TempDir(), "gvisor"), SentryPath: helperbin.Sentry(b),
		CgroupName: fmt.Sprintf("thaw-bench-runtimes-%d", os.Getpid()),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := engine.Close(); err != nil {
			b.Error(err)
		}
	})
	for family, file := range map[lambda.Family][2]string{
		lambda.FamilyPython: {"app.py", "import json, os\n\ndef handler(event, context):\n    return {'hello': event['name']}\n"},
		lambda.FamilyNode:   {"app.js", "exports.handler = async (event) => ({ hello: event.name });\n"},
	} {
		b.Run("family="+string(family), func(b *testing.B) {
			names, err := c.List(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			at := slices.IndexFunc(names, func(r runtimes.Runtime) bool { return r.Family == family })
			if at < 0 {
				b.Skipf("no %s on this host", family)
			}
			img, err := c.Ensure(b.Context(), names[at].Name)
			if err != nil {
				b.Fatal(err)
			}
			task := packageImage(b, map[string]string{file[0]: file[1]})
			phases := map[string][]time.Duration{}
			n := 0
			for b.Loop() {
				b.StopTimer()
				n++
				runHotSlot(b, engine, img, task, fmt.Sprintf("hot-%s-%d", family, n), phases)
				b.StartTimer()
			}
			for name, took := range phases {
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, name+"-p50-ms")
				b.ReportMetric(float64(took[0].Microseconds())/1e3, name+"-min-ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// packageImage is the image of a package of programs with these contents.
func packageImage(t testing.TB, files map[string]string) string {
	t.Helper()
	var zipped bytes.Buffer
	w := zip.NewWriter(&zipped)
	for name, content := range files {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o755)
		f, err := w.CreateHeader(header)
		if err == nil {
			_, err = io.WriteString(f, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := code.Open(code.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := s.Put(t.Context(), zipped.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Image(t.Context(), pkg.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// runHotSlot takes one slot through its life and adds how long each phase took.
func runHotSlot(b *testing.B, engine sandbox.Engine, img runtimes.Image, task, id string, phases map[string][]time.Duration) {
	b.Helper()
	box, err := engine.Create(b.Context(), sandbox.Spec{
		ID: id, Root: img.Path, Args: []string{runtimes.AgentPath}, Limits: sandbox.Limits{MemoryBytes: 512 << 20},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := box.Destroy(); err != nil {
			b.Error(err)
		}
	}()
	if err := box.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	channels := box.Link()
	s, err := link.Open(b.Context(), channels.Control, channels.Data)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	env := img.Env()
	start := link.StartRequest{
		Kind: img.Kind(), Argv: img.Argv(), Dir: runtimes.TaskRoot, UID: runtimes.UserID, GID: runtimes.GroupID, TmpBytes: 512 << 20,
	}
	for k, v := range env {
		start.Env = append(start.Env, k+"="+v)
	}
	if err := s.Start(start); err != nil {
		b.Fatal(err)
	}
	if err := s.AwaitWarm(deadline); err != nil {
		b.Fatal(err)
	}
	env["AWS_LAMBDA_FUNCTION_NAME"], env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], env["_HANDLER"] = "f", "128", "app.handler"

	last, begin := time.Now(), time.Now()
	phase := func(name string, err error) {
		if err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		now := time.Now()
		phases[name] = append(phases[name], now.Sub(last))
		last = now
	}
	phase("attach", box.Attach(b.Context(), task, runtimes.TaskRoot))
	err = s.Specialise(link.Specialisation{Handler: "app.handler", TaskRoot: runtimes.TaskRoot, Env: env}, deadline)
	if err == nil {
		err = s.AwaitReady(deadline)
	}
	phase("load", err)
	for _, name := range []string{"first", "second"} {
		ev := &link.Event{EventMeta: link.EventMeta{ID: "id", ARN: "arn", DeadlineMS: deadline.UnixMilli()}, Payload: []byte(`{"name":"world"}`)}
		_, err := s.Invoke(ev, deadline, lambda.MaxResponseBytes)
		phase(name, err)
		if name == "first" {
			phases["total"] = append(phases["total"], last.Sub(begin))
		}
	}
}
