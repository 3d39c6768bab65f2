package egress_test

import (
	"strings"
	"testing"
	"time"
)

// eventually returns as soon as the condition holds, for what nothing announces.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); !condition(); {
		select {
		case <-look.C:
		case <-deadline:
			tb.Fatalf("never came true: %s", what)
		}
	}
}

func wantConnectionRefused(tb testing.TB, err error) {
	tb.Helper()
	if err == nil || !strings.Contains(err.Error(), "refused") {
		tb.Fatalf("dial: %v, want connection refused", err)
	}
}
