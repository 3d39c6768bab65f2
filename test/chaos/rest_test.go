package chaos_test

import (
	"fmt"
	"testing"
	"time"

	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/pool"
)

// eventually waits until problem finds none any more.
func eventually(t *testing.T, patience time.Duration, problem func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		what := problem()
		if what == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("still after %v: %s", patience, what)
			return
		}
	}
}

// atRest waits until the server does nothing any more, and everything it has is in its status.
func atRest(t *testing.T, s *thawtest.Server, traces *traces) {
	t.Helper()
	eventually(t, patience, func() string {
		st := s.Status()
		have, reserved := 0, int64(0)
		for _, e := range st.Environments {
			if e.State == pool.StateStarting || e.State == pool.StateBusy {
				return fmt.Sprintf("environment of %s is %s since %v", e.Function, e.State, e.Since)
			}
			have++
			reserved += e.ReservedBytes
		}
		for _, stock := range st.Stocks {
			if stock.Filling > 0 || stock.Ready > stock.Target { // for its target there may be no memory
				return fmt.Sprintf("stock %+v", stock)
			}
			have += stock.Ready
			reserved += stock.ReservedBytes
		}
		if counts := s.Invocations(); len(counts) > 0 {
			return fmt.Sprintf("counted as under way: %+v", counts)
		}
		if len(st.Waiting) > 0 {
			return fmt.Sprintf("waiting: %+v", st.Waiting)
		}
		if reserved != st.ReservedBytes {
			return fmt.Sprintf("%d bytes are reserved, for what is there %d", st.ReservedBytes, reserved)
		}
		if running := len(sentries(t, traces)); running != have {
			return fmt.Sprintf("%d sandboxes run, the server has %d", running, have)
		}
		return ""
	})
}

// empty checks a server at rest without functions.
func empty(t *testing.T, s *thawtest.Server) {
	t.Helper()
	eventually(t, patience, func() string {
		if st := s.Status(); len(st.Environments) > 0 || st.Snapshots.Count > 0 || st.Snapshots.Bytes > 0 {
			return fmt.Sprintf("without functions there are %+v and %+v", st.Environments, st.Snapshots)
		}
		return ""
	})
}
