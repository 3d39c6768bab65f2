package gvisor_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/sandboxtest"
)

func TestScratchA(t *testing.T) {
	e := sandbox.Guard(newEngine(t, func(o *gvisor.Options) {
		if p := os.Getenv("SENTRY"); p != "" {
			o.SentryPath = p
		}
	}))
	defer e.Close()
	root := sandboxtest.RootImage(t)
	code := sandboxtest.CodeImage(t, map[string]string{"/app.txt": "code"})
	mk := func(id string) sandbox.Sandbox {
		s, err := e.Create(t.Context(), sandbox.Spec{ID: id, Root: root, Args: []string{sandboxtest.GuestPath}, Mounts: []string{"/var/task", "/opt"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Attach(t.Context(), code, "/var/task"); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := mk("one")
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := sandboxtest.Meet(t, s)
	dir := t.TempDir()
	if err := s.Checkpoint(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	g.Echo()
	s.Destroy()
	var ms, cpu, mem []float64
	for i := range 25 {
		r := mk(fmt.Sprintf("r%d", i))
		time.Sleep(50 * time.Millisecond)
		a, _ := r.Stats()
		t0 := time.Now()
		if err := r.Restore(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		sandboxtest.Rejoin(t, r).Echo()
		ms = append(ms, float64(time.Since(t0).Microseconds())/1000)
		st, _ := r.Stats()
		cpu = append(cpu, float64((st.CPU-a.CPU).Microseconds())/1000)
		mem = append(mem, float64(st.MemoryBytes)/(1<<20))
		r.Destroy()
	}
	slices.Sort(ms)
	slices.Sort(cpu)
	slices.Sort(mem)
	n := len(ms)
	fmt.Printf("restore+echo p10 %.1f p50 %.1f p90 %.1f ms; cpu p50 %.1f; mem p50 %.1f\n", ms[n/10], ms[n/2], ms[n*9/10], cpu[n/2], mem[n/2])
}
