package gvisor

import (
	"os"
	"testing"
)

func TestParseStatus(t *testing.T) {
	t.Parallel()
	const good = "Name:\tstub\nState:\tS (sleeping)\nTgid:\t1\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n"
	if state, n, err := parseStatus([]byte(good)); state != 'S' || n != 42 || err != nil {
		t.Errorf("got %c, %d, %v", state, n, err)
	}
	for _, bad := range []string{
		"",
		"State:\n",
		"State:\tS (sleeping)\nvoluntary_ctxt_switches:\t40\n",
		"State:\tS (sleeping)\nvoluntary_ctxt_switches:\tmany\nnonvoluntary_ctxt_switches:\t2\n",
	} {
		if state, n, err := parseStatus([]byte(bad)); err == nil {
			t.Errorf("%q was read as %c, %d", bad, state, n)
		}
	}
}

// TestThreadsOf looks at this process, which runs.
func TestThreadsOf(t *testing.T) {
	t.Parallel()
	if asleep, err := threadsOf(os.Getpid(), map[int]uint64{}); asleep || err != nil {
		t.Errorf("a running process: asleep %v, %v", asleep, err)
	}
	if asleep, err := threadsOf(1<<22+1, map[int]uint64{}); !asleep || err != nil { // above the kernel's PID_MAX_LIMIT
		t.Errorf("no process: asleep %v, %v", asleep, err)
	}
}
