package bench

import (
	"os"
	"os/exec"
	"testing"

	"thaw.dev/thaw/internal/testenv"
)

func TestKiBMember(t *testing.T) {
	t.Parallel()
	const text = "Name:\tthaw\nVmHWM:\t  9 kB\nVmRSS:\t   68412 kB\nThreads:\t7\n"
	if got, err := kibMember(text, "VmRSS"); err != nil || got != 68412 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, name := range []string{"Pss", "Threads"} {
		if _, err := kibMember(text, name); err == nil {
			t.Errorf("%s was found", name)
		}
	}
}

func TestParentOf(t *testing.T) {
	t.Parallel()
	pid, parent, err := parentOf("42 (a) b) (c) S 7 42 42 0 -1 4194560 123")
	if err != nil || pid != 42 || parent != 7 {
		t.Errorf("got %d, %d, %v", pid, parent, err)
	}
	for _, text := range []string{"", "42", "42 (a) S", "x (a) S 7 0", "42 (a) S x 0"} {
		if _, _, err := parentOf(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// TestMemoryOfChildren finds the memory of a grandchild, and nothing once it has ended.
func TestMemoryOfChildren(t *testing.T) {
	t.Parallel()
	sh := testenv.NeedsCommand(t, "sh")
	cmd := exec.CommandContext(t.Context(), sh, "-c", "cat; true")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	one := func(words ...string) (int64, int, error) {
		keep := map[string]bool{}
		for _, w := range words {
			keep[w] = true
		}
		return childrenPSS(os.Getpid(), named(keep))
	}
	if bytes, processes, err := one("cat"); bytes != 0 || processes != 0 || err != nil { // a part of a word, and not a child's
		t.Errorf("of nobody: %d bytes in %d processes, %v", bytes, processes, err)
	}
	if bytes, processes, err := one("no such", "cat; true"); bytes == 0 || processes == 0 || err != nil {
		t.Errorf("by name: %d bytes in %d processes, %v", bytes, processes, err)
	}
	for {
		bytes, processes, err := childrenPSS(cmd.Process.Pid, every)
		if err != nil {
			t.Fatal(err)
		}
		if processes == 1 && bytes > 0 {
			break // sh has started cat
		}
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if bytes, processes, err := childrenPSS(cmd.Process.Pid, every); bytes != 0 || processes != 0 || err != nil {
		t.Errorf("after the end: %d bytes in %d processes, %v", bytes, processes, err)
	}
}
