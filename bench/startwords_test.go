package bench

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
)

// TestWhyAServerDidNotStart: the error is the server's own, whatever form it has.
func TestWhyAServerDidNotStart(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`echo '{"error":{"exit_code":1,"message":"no kernel is installed"}}' >&2; exit 1`: "did not start: no kernel is installed",
		`echo 'panic: oh' >&2; exit 2`: "did not start: panic: oh",
		`exit 3`:                       "it did not say why",
	} {
		program := filepath.Join(t.TempDir(), "thaw")
		testenv.WriteProgram(t, program, []byte("#!/bin/sh\n"+script+"\n"))
		_, err := startServer(t.Context(), &Setup{Thaw: program, Engine: "gvisor"})
		if !errors.Is(err, ErrNotStarted) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", script, err)
		}
	}
}

// TestAnInterruptedServerIsHushed: nothing is passed on any more, and nothing fails.
func TestAnInterruptedServerIsHushed(t *testing.T) {
	t.Parallel()
	var s startWords
	s.pass()
	s.hush()
	if n, err := s.Write([]byte("stopped")); n != 7 || err != nil || s.why() != "stopped" {
		t.Errorf("got %d, %v, %q", n, err, s.why())
	}
}
